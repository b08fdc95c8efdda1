package backend_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
)

// The proxy looks up keys in the transcript itself and does not trust a backend that treats
// every known key as reserved.
func TestH1_ReserveChecksTheTranscript(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	b.serve(func(p *backend.HandlerOptions) {
		p.Chat = &brokenChat{Server: b.Chat, reserve: func(context.Context, string, string, string, string, int64) error { return nil }}
	}, nil)
	c := b.dial(b.options()).Chat()
	join(t.Context(), t, c, "s1")
	reserve := func(key string, size int64) bridge.Code {
		return bridge.CodeOf(c.(proxy.Allowances).Reserve(t.Context(), "s1", "carol", key, "a.pdf", size))
	}
	message := say("hello")
	_, err := c.Post(t.Context(), "s1", "carol", message)
	require.NoError(t, err)
	require.Equal(t, bridge.CodeUploadConflict, reserve(message.Key, 1))
	others := say("hello")
	_, err = c.Post(t.Context(), "s1", "ann", others)
	require.NoError(t, err)
	require.Equal(t, bridge.CodeUploadConflict, reserve(others.Key, 1))

	file := bridge.Announcement{Name: "a.pdf", Size: 7, DocumentID: "0000abcdefghijkl", Key: randomKey()}.Notice(bridge.All)
	_, err = c.Post(t.Context(), "s1", "carol", file)
	require.NoError(t, err)
	require.Empty(t, reserve(file.Key, 7), "announced already")
	require.Equal(t, bridge.CodeUploadConflict, reserve(file.Key, 8))
	require.Empty(t, reserve(randomKey(), 8))
}
