package backend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// An id that a path cannot carry does not exist, and the backend is not asked for it.
func TestL2_IDsThatAreDotSegmentsAreNotRequested(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	c := b.dial(b.options())
	documents := c.Documents(b.Store)
	join(t.Context(), t, c.Chat(), "s1")
	asked := g.seen.Load()
	for _, id := range []string{"", ".", ".."} {
		_, err := c.Chat().File(t.Context(), "s1", "ann", id)
		require.Equal(t, bridge.CodeFileUnknown, bridge.CodeOf(err), id)
		_, err = documents.Open(t.Context(), id)
		require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err), id)
		require.NoError(t, documents.Remove(t.Context(), id))
	}
	require.Equal(t, asked, g.seen.Load())
	crooked := bridge.Party{UserID: "x/../y//", UserType: bridge.Agent}
	require.NoError(t, crooked.Check())
	_, err := c.Chat().Join(t.Context(), "s1", proxy.Joining{Party: crooked})
	require.NoError(t, err)
	_, err = c.Chat().Post(t.Context(), "s1", crooked.UserID, say("hello"))
	require.NoError(t, err)
	for _, id := range []string{"a/b", "%2e%2e", "..%2f..", `..\..`, "/", "//", "a//b", "a/../b", "../x", "...", "a b"} {
		_, err := c.Chat().File(t.Context(), "s1", "ann", id)
		require.Equal(t, bridge.CodeFileUnknown, bridge.CodeOf(err), id)
		_, err = documents.Open(t.Context(), id)
		require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err), id)
	}
}
