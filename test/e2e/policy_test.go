package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDemoPageIsServedWithTheStrictPolicy(t *testing.T) {
	t.Parallel()
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
			if weak == "blob:" && (directive == "img-src" || directive == "media-src") {
				continue // the viewer; nothing runs in a picture or a sound
			}
			require.NotContains(t, strings.Fields(sources), weak, directive)
		}
	}
	require.NotContains(t, policy["script-src"], "data:")
	require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
}

func TestDemoPageHasNoDeadLinks(t *testing.T) {
	t.Parallel()
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

// Pages of another origin have the policy here that the README gives to developers
// who embed the widget.
func TestPolicyOfHostPagesIsStrictAndDocumented(t *testing.T) {
	t.Parallel()
	passive := strings.NewReplacer("img-src blob:;", "", "media-src blob:;", "") // nothing runs in a picture or a sound
	for _, weak := range []string{"'unsafe-inline'", "'unsafe-eval'", "data:", "blob:", "*"} {
		require.NotContains(t, passive.Replace(hostPolicy), weak)
	}
	require.Contains(t, hostPolicy, "default-src 'none'")
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), "```\n"+hostPolicy+"```")
}

// connectTo calls the API in a bare page of the host.
func connectTo(p *page, url, token string) rejection {
	p.t.Helper()
	return ask[rejection](p, `async (url, token) => {
		const { connect } = await e2e.api();
		return e2e.rejection(() => connect({ url, token }));
	}`, url, token)
}

// consoleHas waits for a line in the page's console.
func (p *page) consoleHas(words string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return slices.ContainsFunc(p.said, func(said string) bool { return strings.Contains(said, words) })
	}, longest, 10*time.Millisecond, words)
}

func TestT1PageOfAForeignOriginCannotConnect(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	c := startCommand(t, "demo")
	h.proxy = c.origin()
	p := newPage(t)
	p.expect(`WebSocket connection to`)
	p.expect(`attache: cannot connect`)
	p.expect(`Content Security Policy|connect-src`)
	p.open(h.origin() + "/bare")
	demo, err := fetchTokens(c.origin(), "")
	require.NoError(t, err)
	got := connectTo(p, c.origin(), demo.Agent.Token)
	require.True(t, got.Ours, "%+v", got)
	require.Equal(t, "origin-refused", got.Code)
	p.consoleHas("attache: cannot connect: the proxy at " + c.origin() + " does not allow pages from " + h.origin() + ". Start it with --origin " + h.origin())
	require.Contains(t, c.log.String(), "origin="+h.origin())

	// The page's own policy allows one proxy, and not this one.
	got = connectTo(p, "http://127.0.0.1:9", demo.Agent.Token)
	require.Equal(t, "connection-blocked", got.Code)
	p.consoleHas("Content-Security-Policy blocks it: add ws://127.0.0.1:9")
}

func TestB64AReverseProxyWithoutUpgradeHeaders(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	c := startCommand(t, "demo", "--origin", h.origin())
	target, err := url.Parse(c.origin())
	require.NoError(t, err)
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Upgrade")
		r.Header.Set("Connection", "close")
		pass.ServeHTTP(w, r)
	}))
	defer front.Close()
	h.proxy = front.URL
	p := newPage(t)
	p.expect(`WebSocket connection to`)
	p.expect(`attache: cannot connect`)
	p.open(h.origin() + "/bare")
	demo, err := fetchTokens(front.URL, "")
	require.NoError(t, err)
	require.Equal(t, "upgrade-missing", connectTo(p, front.URL, demo.Agent.Token).Code)
	p.consoleHas("without Connection: Upgrade and Upgrade: websocket")
	require.Contains(t, c.log.String(), "proxy_set_header Upgrade")
}

// rejection is the outcome of a call of the API in a page.
type rejection struct {
	Thrown    bool // by the call itself, not by its promise
	Resolved  bool
	Rejected  bool
	Ours      bool // with an AttacheError
	Name      string
	Code      string
	Message   string
	Hint      string
	Retryable bool
}
