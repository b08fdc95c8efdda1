package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFileCutShortWhileItIsSent(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		f := large(t, "growing.log", 256<<20)
		d.agent.give(f.path)
		tell(d.page, "e2e.midway", "agent", "growing.log", 1)
		require.NoError(t, os.Truncate(f.path, 4096))
		require.Equal(t, "The file changed while it was being sent. Choose it again.", d.agent.refusal("growing.log"))
		d.agent.works(d.customer)
		require.Len(t, d.customer.tiles(), 1, "nothing of it reached the other side")
	})
}

func TestFileThatIsGone(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		f := generated(t, "gone.txt", []byte("soon gone"))
		d.choose("e2e.input", f.path)
		require.NoError(t, os.Remove(f.path))
		tell(d.page, "(name) => e2e.chat('agent').add([e2e.picked(name)])", "gone.txt")
		require.Equal(t, "The file could not be read. Check that it still exists and may be read, then choose it again.", d.agent.refusal("gone.txt"))
		d.agent.works(d.customer)
		require.Len(t, d.customer.tiles(), 1)
	})
}

func TestFileThatWasRewrittenBeforeItIsSent(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		f := generated(t, "draft.txt", []byte("the first version"))
		d.choose("e2e.input", f.path)
		require.NoError(t, os.WriteFile(f.path, []byte("another, longer version"), 0o600))
		// The browser compares whole seconds.
		later := time.Now().Add(time.Minute)
		require.NoError(t, os.Chtimes(f.path, later, later))
		tell(d.page, "(name) => e2e.chat('agent').add([e2e.picked(name)])", "draft.txt")
		require.Equal(t, "The file could not be read. Check that it still exists and may be read, then choose it again.", d.agent.refusal("draft.txt"))
		d.agent.works(d.customer)
	})
}
