package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"

	"attache/web"
)

// startServed serves the demo page as an application does whose proxy is `attache serve` with
// those flags.
func startServed(t *testing.T, flags ...string) *desk {
	t.Helper()
	pass := map[string]any{
		"session":    "tokens-1",
		"agent":      map[string]string{"token": mint(t, "--user", "agent", "--nickname", "Ada")},
		"customer":   map[string]string{"token": mint(t, "--user", "customer", "--nickname", "Bo", "--type", "CLIENT")},
		"supervisor": map[string]string{"token": mint(t, "--user", "supervisor", "--nickname", "Eve", "--type", "SUPERVISOR", "--visibility", "VIP")},
	}
	var at string // the proxy's host and port
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "../../index.html") })
	mux.Handle("GET /web/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", at }})
	mux.Handle("GET /web/demo/", http.StripPrefix("/web", web.HandlerOf(web.Demo)))
	mux.HandleFunc("GET /demo/session.json", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(pass) })
	host := httptest.NewServer(mux)
	t.Cleanup(host.Close)
	d := &desk{command: startCommand(t, "serve", append([]string{"--admin", "", "--origin", host.URL, "--token-secret", secret}, flags...)...)}
	d.page = newPage(t)
	d.agent, d.customer = side{d.page, "agent"}, side{d.page, "customer"}
	pass["url"], at = d.command.origin(), strings.TrimPrefix(d.command.origin(), "http://")
	d.page.open(host.URL)
	d.connected()
	return d
}
