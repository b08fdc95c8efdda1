package backend_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/proxytest"
)

// A whole proxy, with the contract between it and the Chat Server and documents.
func TestProxy_UploadsAndDownloadsThroughABackend(t *testing.T) {
	t.Parallel()
	w := proxytest.Start(t, proxytest.BehindBackend(t))
	who := proxy.Identity{Session: "s1", Party: bridge.Party{UserID: "ann", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}, Rights: bridge.AllRights}
	joined, err := w.Chat.Join(t.Context(), who.Session, proxy.Joining{Party: who.Party})
	require.NoError(t, err)
	content, key := bytes.Repeat([]byte("0123456789abcdef"), 100_000), randomKey()
	transfers := w.Proxy.Transfers()
	offered, err := transfers.Offer(t.Context(), who, proxy.Offer{
		Key: key, Conn: "c", Limits: joined.Limits, Name: "größe.bin", Size: int64(len(content)),
	})
	require.NoError(t, err)
	_, err = transfers.Receive(t.Context(), who, key, offered.Offset, proxy.Source{Reader: bytes.NewReader(content), Cut: func() {}})
	require.NoError(t, err)
	r, err := transfers.Await(t.Context(), who, key)
	require.NoError(t, err)
	require.Equal(t, bridge.Announced, r.State)
	grant, _, err := transfers.Authorize(t.Context(), who, proxy.Wish{FileID: r.FileID, Attempt: randomKey(), Conn: "c"})
	require.NoError(t, err)
	opened, err := transfers.Open(t.Context(), proxy.Fetch{Grant: grant})
	require.NoError(t, err)
	defer opened.Close()
	got, err := io.ReadAll(opened)
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got))
}
