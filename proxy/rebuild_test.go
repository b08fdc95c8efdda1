package proxy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"attache/bridge"
	"attache/proxy/assembly"
	"attache/proxy/files"

	"github.com/stretchr/testify/require"
)

// rebooted ends the proxy and its delivery, and starts another whose store has not written
// what is in its files.
func (w *world) rebooted() *world {
	w.t.Helper()
	w.Crash()
	w.Assembly.Close()
	store, err := files.Open(files.Options{Dir: filepath.Join(w.Dir, "documents")})
	require.NoError(w.t, err)
	w.t.Cleanup(store.Close)
	next := worldOf(w.t, w.Another(func(o *assembly.Options) {
		o.Stores = func(string) (assembly.Store, error) { return store, nil }
	}))
	next.agent, next.customer = w.agent, w.customer
	return next
}

// A power failure has left more of a large file than was acked, and none of it as it was
// sent. While the store reads all of that for a page that was reloaded, its party chats and
// comes back; the page that was not reloaded loses nothing, and reads nothing.
func TestLargeFileIsReadAgainBesideTheChat(t *testing.T) {
	t.Parallel()
	const left = 64 << 20 // a file with a hole takes no space
	size := int64(left + pieceLength)
	limits := bridge.Unlimited()
	w := newWorldWith(t, func(o *assembly.Options) {
		o.Proxy.AgentLimits, o.Proxy.MaxUnfinishedBytes = func() bridge.Limits { return limits }, 2*size
	})
	agent, _ := w.join(w.agent)
	offer := &bridge.Offer{Key: newKey(), Name: "a.bin", Size: size}
	agent.offer(offer)
	content := random(pieceLength)
	w.data(w.agent).part(offer.Key, 0, content)
	record, err := w.Records.Get(t.Context(), "s1", offer.Key)
	require.NoError(t, err)
	w = w.rebooted()
	part, err := filepath.Glob(filepath.Join(w.Dir, "documents", "*", record.DocumentID+".part"))
	require.NoError(t, err)
	require.Len(t, part, 1)
	require.NoError(t, os.Truncate(part[0], left))

	agent, _ = w.join(w.agent)
	agent.send(offer)
	agent.answered()
	agent.conn.CloseNow()
	agent, _ = w.join(w.agent)
	accept := agent.offer(offer)
	require.EqualValues(t, left, accept.Offset)
	h := sha256.New()
	h.Write(content)
	for n := pieceLength; n < left; n += len(zeros) {
		h.Write(zeros[:min(len(zeros), left-n)])
	}
	require.Equal(t, hex.EncodeToString(h.Sum(nil)), accept.Digest)

	acked := int64(pieceLength)
	offer.Acked = &acked
	accept = agent.offer(offer)
	require.Equal(t, acked, accept.Offset)
	require.Equal(t, sum(content), accept.Digest)
	agent.send(&bridge.Cancel{Key: offer.Key})
	await(agent, func(m *bridge.Upload) bool { return m.State == bridge.Cancelled })
	w.nothingStaged()
}

var zeros = make([]byte, 1<<20)
