package backend_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"testing"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/proxytest"

	"github.com/stretchr/testify/require"
)

// A proxy and `attache backend` may use one cluster: putting a document must not discard
// the upload that it is put from. A small file would pass in any case, because all of it
// has been read before.
func TestProxyBesideItsBackend_UploadIsAnnounced(t *testing.T) {
	t.Parallel()
	first := proxytest.Start(t)
	first.Assembly.Close()
	w := first.Another(first.BesideBackend())
	who := proxy.Identity{Session: "s1", Party: bridge.Party{UserID: "alice", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}, Rights: bridge.AllRights}
	joined, err := w.Chat.Join(t.Context(), who.Session, proxy.Joining{Party: who.Party})
	require.NoError(t, err)
	content := make([]byte, 24<<20)
	rand.Read(content)
	const key = "0123456789abcdef0123456789abcdef"
	transfers := w.Proxy.Transfers()
	_, err = transfers.Offer(t.Context(), who, proxy.Offer{Key: key, Conn: "test", Limits: joined.Limits, Name: "a.bin", Size: int64(len(content))})
	require.NoError(t, err)
	_, err = transfers.Receive(t.Context(), who, key, 0, proxy.Source{Reader: bytes.NewReader(content), Cut: func() {}})
	require.NoError(t, err)
	r, err := transfers.Await(t.Context(), who, key)
	require.NoError(t, err)
	require.Equal(t, bridge.Announced, r.State)
	grant, _, err := transfers.Authorize(t.Context(), who, proxy.Wish{FileID: r.FileID, Attempt: key, Conn: "test"})
	require.NoError(t, err)
	document, err := transfers.Open(t.Context(), proxy.Fetch{Grant: grant})
	require.NoError(t, err)
	defer document.Close()
	got, err := io.ReadAll(document)
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got))
}
