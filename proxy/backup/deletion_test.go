package backup_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backup"
)

// A deleted file is missing neither in a backup that is made later nor in one that was being
// made: the restored directory opens, and does not have its content.
func TestBackupOfADeletedFile(t *testing.T) {
	for name, meanwhile := range map[string]bool{"before the backup": false, "while it is made": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, dir := dataDir(t), t.TempDir()
			w := open(t, data, proxy.NoScanner{})
			who, limits := w.join("s1", "ben", bridge.Agent)
			who.Rights = bridge.AllRights
			k := key(seed(t))
			sent := w.announce(who, limits, k, 7)
			kept := w.announce(who, limits, key(seed(t)), 8)
			remove := func() {
				_, err := w.all.Proxy.Transfers().Delete(t.Context(), who, sent.FileID, "test")
				require.NoError(t, err)
				require.Eventually(t, func() bool {
					r, err := w.all.Records.Get(t.Context(), "s1", k)
					return err == nil && r.Deletion == proxy.Deleted
				}, time.Minute, time.Millisecond)
			}
			o := backup.Options{Data: data, Dir: dir}
			if meanwhile {
				o = o.OnContent(remove)
			} else {
				remove()
			}
			_, err := backup.Create(t.Context(), o)
			require.NoError(t, err)
			restored := open(t, restore(t, dir), proxy.NoScanner{})
			content, err := restored.all.Store.Open(t.Context(), kept.DocumentID)
			require.NoError(t, err)
			content.Close()
			_, err = restored.all.Store.Open(t.Context(), sent.DocumentID)
			require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err), "%v", err)
		})
	}
}
