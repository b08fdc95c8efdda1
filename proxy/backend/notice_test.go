package backend_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// An adapter of an earlier version drops a receiver, because it ignores unknown members: all
// parties would see the message.
func TestPost_NoDirectMessageWithoutTheFeature(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	g.set(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/backend" {
			io.WriteString(w, `{"versions":[1],"features":[]}`)
			return true
		}
		if strings.HasSuffix(r.URL.Path, "/events") {
			body, _ := io.ReadAll(r.Body)
			require.NotContains(t, string(body), "between us")
			r.Body = io.NopCloser(strings.NewReader(string(body)))
		}
		return false
	})
	c := b.dial(b.options()).Chat()
	for _, user := range []string{"ann", "bob"} {
		_, err := c.Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{UserID: user, UserType: bridge.Agent}})
		require.NoError(t, err)
	}
	direct := say("between us")
	direct.Receiver = "bob"
	_, err := c.Post(t.Context(), "s1", "ann", direct)
	require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err), "%v", err)
	_, err = c.Post(t.Context(), "s1", "ann", say("for all"))
	require.NoError(t, err)
}
