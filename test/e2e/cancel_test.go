package e2e

import (
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCancelledUploadLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		f := large(t, "mistake.bin", 64<<20)
		d.agent.give(f.path)
		tell(d.page, `async (name) => {
			await e2e.midway('agent', name, 40);
			e2e.named('agent', name).querySelector('button.tile-cancel').click();
			await e2e.until(() => !e2e.named('agent', name), 'the cancelled tile to go');
		}`, "mistake.bin")

		d.agent.say("that was the wrong file")
		d.customer.hears("that was the wrong file")
		require.Empty(t, d.customer.tiles())
		require.Eventually(t, func() bool { return d.command.stored(t) < 16<<20 }, longest/4, 100*time.Millisecond,
			"what had been stored of it is removed")

		d.agent.give(f.path)
		got := d.customer.file("mistake.bin")
		require.Equal(t, f.digest, fetchedDigest(t, d.customer.link(got.ID)), "the same file can be sent again")
	})
}

// stored returns the size of all files in the data directory.
func (c *command) stored(t *testing.T) int64 {
	t.Helper()
	var sum int64
	err := filepath.WalkDir(c.data, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil // the file may be gone by now
		}
		if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	require.NoError(t, err)
	return sum
}
