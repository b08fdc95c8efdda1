package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
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
	Origin       []string `help:"additional page origins that may connect, exact" placeholder:"URL"`
	logging
}

// The demo's customers may send what a person trying it out would drop.
func demoLimits() bridge.Limits {
	return bridge.Limits{MaxFiles: 100, MaxFileSize: 25 << 20, MaxTotalSize: 250 << 20, MaxDownloads: bridge.NoLimit}
}

// demoDays is how long the demo keeps what was tried in it.
const demoDays = 30

// Run keeps the demo running until a signal: in a process of its own, which the
// page's button can kill.
func (d demo) Run(s streams) error {
	var m mistakes
	m.address("--listen", d.Listen)
	m.origins(d.Origin)
	m.directory("--data", d.Data)
	if err := m.err(); err != nil {
		return err
	}
	interrupted := interrupts()
	child, err := asChild()
	if err != nil {
		return err
	}
	if child != nil {
		return d.serve(s, child, interrupted)
	}
	l, err := d.open()
	if err != nil {
		return err
	}
	defer l.Close()
	keeper := &supervisor{
		listener: l, out: s.out, log: s.log, logger: d.logger(s.log), interrupted: interrupted,
		ready: func() { fmt.Fprintf(s.out, "open http://%s/\n", names(l.Addr().(*net.TCPAddr))[0]) },
	}
	code, err := keeper.run()
	if err != nil {
		return err
	}
	if code != 0 {
		os.Exit(code) // the child has said why
	}
	return nil
}

// open listens where the demo may.
func (d demo) open() (*net.TCPListener, error) {
	host, _, err := net.SplitHostPort(d.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen is host:port: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("the demo makes tokens for everybody, so it listens on loopback only: use attache serve for %s", d.Listen)
	}
	l, err := listen("--listen", d.Listen)
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}

// serve is the demo itself: the page at / until a signal.
func (d demo) serve(s streams, child *child, interrupted <-chan os.Signal) error {
	l := child.listener
	defer l.Close()
	log := d.logger(s.log)
	limits := demoLimits()
	if d.VendorLimits {
		limits = bridge.VendorLimits()
	}
	hosts := names(l.Addr().(*net.TCPAddr))
	origins := d.Origin
	for _, host := range hosts {
		origins = append(origins, "http://"+host)
	}
	ctx := context.Background()
	all, err := assemble(ctx, plan{
		engine: engine.Options{Dir: d.Data}, days: demoDays, auth: ownTokens(ctx), origins: origins,
		customerLimits: limits, agentLimits: bridge.Unlimited(), scanner: proxy.NoScanner{}, log: log,
	})
	if err != nil {
		return err
	}
	defer all.Close()
	if err := child.say(isReady); err != nil {
		return fmt.Errorf("tell that the demo is ready: %w", err)
	}
	service := &service{
		handler: onlyAt(hosts, demoHandler(s.page, all, child)), listener: l,
		ready: all.engine.Ready, drain: all.proxy.Drain, log: log,
	}
	return service.run(interrupted)
}

// names are the hosts that the demo answers to, as a browser writes them.
func names(a *net.TCPAddr) []string {
	list := []string{a.String(), fmt.Sprintf("localhost:%d", a.Port)}
	for i := range list {
		list[i] = strings.TrimSuffix(list[i], ":80")
	}
	return list
}

// ownTokens believes the tokens that the demo makes itself, also those of an
// earlier start: open pages go on.
func ownTokens(ctx context.Context) func(*engine.Engine) (*token.Authenticator, error) {
	return func(e *engine.Engine) (*token.Authenticator, error) {
		secret, err := e.Secret(ctx, "demo")
		if err != nil {
			return nil, err
		}
		return token.NewAuthenticator(token.Secret(secret))
	}
}

// onlyAt refuses requests to other hosts: a stranger's name can be made to point
// at loopback, and a page of that name could read the demo's tokens.
func onlyAt(hosts []string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(hosts, r.Host) {
			http.Error(w, "the demo is at http://"+hosts[0]+"/", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// demoHandler serves the proxy, the web folder, and the page with its tokens and its
// plug.
func demoHandler(page []byte, all *parts, child *child) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/attache/", all.proxy)
	mux.Handle("GET /web/", http.StripPrefix("/web", web.HandlerOf(web.FS, web.Demo)))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { servePage(w, r, page) })
	mux.HandleFunc("GET /demo/session.json", func(w http.ResponseWriter, r *http.Request) { serveSession(w, r, all.auth) })
	mux.HandleFunc("POST /demo/plug", child.servePlug)
	return mux
}

// pagePolicy is as strict as a page with a WebAssembly module can have it. Not
// every browser takes 'self' for the sockets of the page's own host.
const pagePolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
	"connect-src 'self' ws://%s; img-src 'self' data:; base-uri 'none'; form-action 'none'; " +
	"frame-src 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func servePage(w http.ResponseWriter, r *http.Request, page []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", fmt.Sprintf(pagePolicy, r.Host))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	w.Write(page)
}

// serveSession makes the tokens of a conversation's two parties.
func serveSession(w http.ResponseWriter, r *http.Request, auth *token.Authenticator) {
	session := r.URL.Query().Get("session")
	if session == "" {
		session = "demo-" + strings.ToLower(rand.Text()[:12])
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
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	json.NewEncoder(w).Encode(answer)
}
