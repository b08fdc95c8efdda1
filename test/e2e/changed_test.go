package e2e

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTruncatedFileFails(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		f := large(t, "growing.log", 24<<20)
		d.begin(f, "growing.log")
		require.NoError(t, os.Truncate(f.path, 4096))
		tell(d.page, "e2e.slow", 0)
		require.Equal(t, "The file changed while it was being sent. Choose it again.", d.agent.refusal("growing.log"))
		d.agent.works(d.customer)
		require.Len(t, d.customer.tiles(), 1, "nothing of it reached the other side")
	})
}

// Chromium keeps reading the file that it has opened, even after that has changed:
// only opening it again before the last frame shows the change.
func TestB45RewrittenFileIsNotAnnounced(t *testing.T) {
	t.Parallel()
	d := places[0].open(t)
	for name, rewrite := range map[string]func(f sample) error{
		"same-size.bin": func(f sample) error { return overwrite(f.path, f.size) },
		"larger.bin":    func(f sample) error { return overwrite(f.path, f.size+1<<20) },
		"replaced.bin": func(f sample) error {
			if err := os.WriteFile(f.path+".new", make([]byte, f.size), 0o600); err != nil {
				return err
			}
			return os.Rename(f.path+".new", f.path)
		},
	} {
		f := large(t, name, 24<<20)
		d.begin(f, name)
		require.NoError(t, rewrite(f))
		tell(d.page, "e2e.slow", 0)
		require.Equal(t, "The file changed while it was being sent. Choose it again.", d.agent.refusal(name))
	}
	d.agent.works(d.customer)
	require.Len(t, d.customer.tiles(), 1, "nothing of them reached the other side")
}

// overwrite writes zeros into an existing file.
func overwrite(path string, size int64) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, size))
	return errors.Join(err, file.Close())
}

func TestRemovedFileFails(t *testing.T) {
	t.Parallel()
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

// Whether the browser still reads the file depends on when it last checked it. In
// neither case does a mixture arrive.
func TestRewrittenFileArrivesWholeOrFails(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		draft := generated(t, "draft.txt", []byte("the first version"))
		d.choose("e2e.input", draft.path)
		rewritten := generated(t, "draft.txt", []byte("another, longer version"))
		require.NoError(t, os.Rename(rewritten.path, draft.path))
		tell(d.page, "(name) => e2e.chat('agent').add([e2e.picked(name)])", "draft.txt")
		got := ask[tile](d.page, `(name) => e2e.until(
			() => e2e.tiles('agent').find((tile) => tile.name === name && ['ready', 'failed'].includes(tile.state)), 'an end')`, "draft.txt")
		if got.State == "ready" {
			require.Equal(t, rewritten.digest, d.customer.digest(got.ID))
		} else {
			require.Contains(t, strings.ToLower(got.Refusal), "choose it again")
		}
		d.agent.works(d.customer)
	})
}
