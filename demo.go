package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/token"
	"attache/web"
)

// demo is the whole product on this machine.
type demo struct {
	Listen       string   `default:"127.0.0.1:8370" help:"loopback address of the page and the proxy; port 0 takes a free one"`
	Data         string   `default:"${data}" type:"path" help:"directory of everything that lasts"`
	VendorLimits bool     `help:"give customers the limits of Chat Server's defaults: 3 files, 2 MiB each, 5 MiB together"`
	Origin       []string `help:"further page origins that may connect, exact" placeholder:"URL"`
	logging
}

// The demo's customers may send what a person trying it out would drop.
func demoLimits() bridge.Limits {
	return bridge.Limits{MaxFiles: 100, MaxFileSize: 25 << 20, MaxTotalSize: 250 << 20, MaxDownloads: bridge.NoLimit}
}

// Run serves the page at / until a signal.
func (d demo) Run(s streams) error {
	interrupted := interrupts()
	host, _, err := net.SplitHostPort(d.Listen)
	if err != nil {
		return fmt.Errorf("--listen is host:port: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("the demo makes tokens for everybody, so it listens on loopback only: use attache serve for %s", host)
	}
	l, err := listen(d.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	log := d.logger(s.log)
	limits := demoLimits()
	if d.VendorLimits {
		limits = bridge.VendorLimits()
	}
	ctx := context.Background()
	port := l.Addr().(*net.TCPAddr).Port
	own := fmt.Sprintf("http://%s", l.Addr())
	// Tokens are good for as long as the process: who starts it again reloads.
	auth, err := token.NewAuthenticator(token.Secret(randomBytes(32)))
	if err != nil {
		return err
	}
	all, err := assemble(ctx, plan{
		engine: engine.Options{Dir: d.Data}, auth: auth,
		origins:        append([]string{own, fmt.Sprintf("http://localhost:%d", port)}, d.Origin...),
		customerLimits: limits, agentLimits: bridge.Unlimited(), log: log,
	})
	if err != nil {
		return err
	}
	defer all.Close()
	fmt.Fprintf(s.out, "open %s/\n", own)
	service := &service{
		handler: demoHandler(all.proxy, auth), listener: l,
		ready: all.engine.Ready, drain: all.proxy.Drain, log: log,
	}
	return service.run(interrupted)
}

// demoHandler is the proxy, the web folder, and the page with its tokens.
func demoHandler(p *proxy.Proxy, auth *token.Authenticator) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/attache/", p)
	mux.Handle("GET /web/", http.StripPrefix("/web", web.Handler()))
	mux.HandleFunc("GET /{$}", servePage)
	mux.HandleFunc("GET /demo/session.json", func(w http.ResponseWriter, r *http.Request) { serveSession(w, r, auth) })
	return mux
}

// pagePolicy is as strict as a page with a WebAssembly module can have it.
const pagePolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
	"connect-src 'self' ws: wss:; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func servePage(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	w.Write(indexHTML)
}

// serveSession makes the tokens of a conversation's two parties.
func serveSession(w http.ResponseWriter, r *http.Request, auth *token.Authenticator) {
	session := r.URL.Query().Get("session")
	if session == "" {
		session = "demo-" + hex.EncodeToString(randomBytes(6))
	}
	if !bridge.ValidSession(session) {
		http.Error(w, bridge.CodeSessionInvalid.Rule().Hint, http.StatusBadRequest)
		return
	}
	type side struct {
		Token string `json:"token"`
	}
	answer := struct {
		URL      *string `json:"url"`
		Session  string  `json:"session"`
		Agent    side    `json:"agent"`
		Customer side    `json:"customer"`
	}{Session: session}
	for _, p := range []struct {
		party bridge.Party
		side  *side
	}{
		{bridge.Party{UserID: "agent", Nickname: "Ada", UserType: bridge.Agent}, &answer.Agent},
		{bridge.Party{UserID: "customer", Nickname: "Bo", UserType: bridge.Client}, &answer.Customer},
	} {
		signed, err := auth.Mint(proxy.Identity{
			Session: session, Party: p.party, Rights: bridge.AllRights, Expires: time.Now().Add(12 * time.Hour),
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		p.side.Token = signed
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(answer)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
