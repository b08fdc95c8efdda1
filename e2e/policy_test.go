package e2e

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDemoPageIsServedWithTheStrictPolicy(t *testing.T) {
	c := startCommand(t, "demo")
	response, err := http.Get(c.url)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	policies := response.Header.Values("Content-Security-Policy")
	require.Len(t, policies, 1)
	policy := map[string]string{}
	for directive := range strings.SplitSeq(policies[0], ";") {
		name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
		policy[name] = sources
	}
	require.Equal(t, "'none'", policy["default-src"])
	require.Equal(t, "'script'", policy["require-trusted-types-for"])
	require.Contains(t, policy["script-src"], "'wasm-unsafe-eval'")
	for directive, sources := range policy {
		for _, weak := range []string{"'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "blob:", "ws:", "wss:", "http:", "https:", "*"} {
			require.NotContains(t, strings.Fields(sources), weak, directive)
		}
	}
	require.NotContains(t, policy["script-src"], "data:")
	require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
}

func TestDemoPageHasNoDeadLinks(t *testing.T) {
	c := startCommand(t, "demo")
	p := newPage(t)
	p.open(c.url)
	links := ask[[]string](p, "() => [...document.querySelectorAll('a[href], link[href]')].map(({ href }) => href).filter((href) => href.startsWith(location.origin))")
	require.NotEmpty(t, links)
	for _, link := range links {
		response, err := http.Get(link)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, link)
	}
}

// The policy that the pages of another origin carry here is the one that the
// README gives to whoever embeds the widget.
func TestPolicyOfHostPagesIsStrictAndDocumented(t *testing.T) {
	for _, weak := range []string{"'unsafe-inline'", "'unsafe-eval'", "data:", "blob:", "*"} {
		require.NotContains(t, hostPolicy, weak)
	}
	require.Contains(t, hostPolicy, "default-src 'none'")
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), "```\n"+hostPolicy+"```")
}

func TestT1PageOfAForeignOriginCannotConnect(t *testing.T) {
	h := startHost(t)
	c := startCommand(t, "demo")
	h.proxy = c.origin()
	p := newPage(t)
	p.expect(`WebSocket connection to`)
	p.open(h.origin() + "/bare")
	got := ask[rejection](p, `async (url) => {
		const token = await (await fetch('token?side=agent')).text();
		const { connect } = await e2e.api();
		return e2e.rejection(() => connect({ url, token }));
	}`, c.origin())
	require.True(t, got.Ours, "%+v", got)
	require.Contains(t, []string{"origin-refused", "offline"}, got.Code)
}

// rejection is what a call of the API in a page led to.
type rejection struct {
	Thrown    bool // out of the call itself, not by its promise
	Resolved  bool
	Rejected  bool
	Ours      bool // with an AttacheError
	Name      string
	Code      string
	Message   string
	Hint      string
	Retryable bool
}
