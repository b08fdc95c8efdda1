package e2e

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// The files of an application on another origin. Their addresses are the
// documentation's; host replaces them by its proxy's.
var (
	//go:embed testdata/host.html
	hostHTML string
	//go:embed testdata/host.js
	hostJS string
	//go:embed testdata/host.css
	hostCSS string
	//go:embed testdata/csp.txt
	hostPolicy string
)

// host is the server of a page that lives on another origin than the proxy.
type host struct {
	t      *testing.T
	server *httptest.Server
	proxy  string // origin of the proxy

	mu      sync.Mutex
	session string
}

func startHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", h.page(hostHTML))
	mux.Handle("GET /bare", h.page(bareHTML))
	mux.HandleFunc("GET /token", h.token)
	mux.Handle("GET /host.js", static("text/javascript", hostJS))
	mux.Handle("GET /host.css", static("text/css", hostCSS))
	h.server = httptest.NewServer(mux)
	t.Cleanup(h.server.Close)
	return h
}

// origin has another host name than the proxy, and another port.
func (h *host) origin() string {
	return strings.Replace(h.server.URL, "127.0.0.1", "localhost", 1)
}

// bareHTML is a page that only calls the API.
const bareHTML = `<!doctype html><meta name="attache" content="https://files.example/web/attache.js"><title>The API alone</title>`

func (h *host) page(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", strings.ReplaceAll(h.filled(hostPolicy), "\n", " "))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, h.filled(text))
	}
}

func (h *host) filled(text string) string {
	return strings.NewReplacer(
		"https://files.example", h.proxy,
		"wss://files.example", "ws"+strings.TrimPrefix(h.proxy, "http"),
	).Replace(text)
}

// token answers as the server of an application does that knows its user. All tokens
// are of one chat session.
func (h *host) token(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	demo, err := fetchTokens(h.proxy, h.session)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	h.session = demo.Session
	fmt.Fprint(w, map[string]string{"agent": demo.Agent.Token, "customer": demo.Customer.Token}[r.FormValue("side")])
}

// tokens is the demo's answer to its page.
type tokens struct {
	Session  string
	Agent    struct{ Token string }
	Customer struct{ Token string }
}

// fetchTokens gets the tokens of a session from the demo, or of a new one.
func fetchTokens(proxy, session string) (tokens, error) {
	var demo tokens
	address := proxy + "/demo/session.json"
	if session != "" {
		address += "?session=" + url.QueryEscape(session)
	}
	response, err := http.Get(address)
	if err != nil {
		return demo, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return demo, fmt.Errorf("the demo's tokens: %s", response.Status)
	}
	return demo, json.NewDecoder(response.Body).Decode(&demo)
}

func static(mediaType, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
		fmt.Fprint(w, body)
	})
}
