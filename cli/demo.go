package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/chat"
	"attache/proxy/chatrequest"
	"attache/proxy/engine"
	"attache/proxy/gms"
	"attache/proxy/mail"
	"attache/proxy/token"
	"attache/web"
)

// demo is the whole product on this machine.
type demo struct {
	Listen       string   `default:"127.0.0.1:8370" help:"loopback address for the page and the proxy; port 0 picks a free one"`
	Data         string   `default:"${data}" type:"path" help:"directory where everything is stored"`
	VendorLimits bool     `help:"give customers Chat Server's default limits: 3 files, 2 MiB each, 5 MiB together"`
	Origin       []string `help:"origin of another page that may connect, matched exactly; repeat it for more" placeholder:"URL"`
	responseFlags
	logFlags
}

// demoLimits allow a customer what a person trying the demo is likely to drop.
func demoLimits() bridge.Limits {
	return bridge.Limits{MaxFiles: 100, MaxFileSize: 25 << 20, MaxTotalSize: 250 << 20, MaxDownloads: bridge.NoLimit, DeleteFile: bridge.DeleteOdd}
}

// demoDays is how long the demo keeps transcripts and files.
const demoDays = 30

// Run runs the demo until a signal, in a child process that the page's button can kill.
func (d demo) Run(s streams) error {
	var m mistakes
	m.address("--listen", d.Listen)
	m.origins(d.Origin)
	m.directory("--data", d.Data)
	d.responseFlags.check(&m)
	if err := m.err(); err != nil {
		return err
	}
	interrupted := interrupts()
	child, err := inherit()
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
	supervisor := &supervisor{
		listener: l, out: s.out, errOut: s.log, log: d.logger(s.log), interrupted: interrupted,
		ready: func() { fmt.Fprintf(s.out, "open http://%s/\n", hosts(l.Addr().(*net.TCPAddr))[0]) },
	}
	code, err := supervisor.run()
	if err != nil {
		return err
	}
	if code != 0 {
		os.Exit(code) // the child has logged why
	}
	return nil
}

// open listens on a loopback address.
func (d demo) open() (*net.TCPListener, error) {
	host, _, err := net.SplitHostPort(d.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen is host:port: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--listen %s is not a loopback address, and the demo gives tokens to everyone: run attache serve there", d.Listen)
	}
	l, err := listen("--listen", d.Listen)
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}

// serve is the child: the page at / until a signal.
func (d demo) serve(s streams, child *child, interrupted <-chan os.Signal) error {
	l := child.listener
	defer l.Close()
	log := d.logger(s.log)
	hosts := hosts(l.Addr().(*net.TCPAddr))
	origins := d.Origin
	for _, host := range hosts {
		origins = append(origins, "http://"+host)
	}
	limits, agents := demoLimits(), bridge.Unlimited()
	if d.VendorLimits {
		limits = bridge.VendorLimits()
	}
	agents.DeleteFile = bridge.DeleteOdd
	ctx := context.Background()
	engine, err := openEngine(ctx, engine.Options{Dir: d.Data, Log: log})
	if err != nil {
		return err
	}
	defer engine.Close()
	defer offerBackup(engine, log)()
	auth, err := ownTokens(ctx, engine)
	if err != nil {
		return err
	}
	if d.Responses == "" {
		if d.Responses, err = sampleResponses(d.Data); err != nil {
			return fmt.Errorf("write the demo's standard responses: %w", err)
		}
	}
	outbox := &mail.Outbox{}
	all, err := assembly.Open(ctx, engine, assembly.Options{
		Mail:     &mail.Options{Sender: outbox, From: "chat@demo.example", RecipientKey: "EmailAddress", Recipient: "customer@demo.example", PerAddress: 1000},
		KeepDays: demoDays, Scanner: proxy.NoScanner{}, Responses: d.Responses, Version: release(), Log: log,
		Chat:  chat.Options{CustomerLimits: &limits, AgentLimits: &agents},
		Proxy: proxy.Config{Auth: auth, Origins: origins, AgentLimits: func() bridge.Limits { return agents }},
	})
	if err != nil {
		return err
	}
	defer all.Close()
	if err := child.send(isReady); err != nil {
		return fmt.Errorf("report that the demo is ready: %w", err)
	}
	requested, err := chatrequest.Start(ctx, engine, chatrequest.Options{Chat: all.Chat, Log: log})
	if err != nil {
		return err
	}
	defer requested.Close()
	keys, err := engine.Secret(ctx, "gms")
	if err != nil {
		return fmt.Errorf("read the secret for CometD's keys: %w", err)
	}
	chatAPI, err := gms.NewServer(all.Proxy, gms.Options{Requests: requested, CometD: gms.CometD{Secret: keys}, Log: log})
	if err != nil {
		return err
	}
	defer chatAPI.Close()
	service := &service{
		handler: onlyAt(hosts, demoHandler(s.page, all.Proxy, chatAPI, requested, auth, outbox, child)), listener: l,
		ready: engine.Ready, log: log,
		drain: func(ctx context.Context) error { chatAPI.Drain(); return all.Proxy.Drain(ctx) },
	}
	return service.run(interrupted)
}

// hosts are the names that the demo answers to, as a browser writes them.
func hosts(a *net.TCPAddr) []string {
	list := []string{a.String(), fmt.Sprintf("localhost:%d", a.Port)}
	for i := range list {
		list[i] = strings.TrimSuffix(list[i], ":80")
	}
	return list
}

// ownTokens accepts the tokens that the demo has issued, in this run or an earlier
// one, so that open pages resume.
func ownTokens(ctx context.Context, e *engine.Engine) (*token.Authenticator, error) {
	secret, err := e.Secret(ctx, "demo")
	if err != nil {
		return nil, fmt.Errorf("read the secret for tokens: %w", err)
	}
	return token.NewAuthenticator(token.Secret(secret))
}

// onlyAt refuses requests to other hosts: an attacker can point a domain of its own
// at loopback, and a page under that name could read the demo's tokens.
func onlyAt(hosts []string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(hosts, r.Host) {
			http.Error(w, "the demo is at http://"+hosts[0]+"/", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// demoHandler serves the proxy, GMS' Chat API, the chats that were requested by it, the web folder,
// the pages, their tokens, the mails that would be sent, and the plug.
func demoHandler(page []byte, p *proxy.Proxy, chatAPI, requested http.Handler, auth *token.Authenticator, outbox *mail.Outbox, child *child) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/attache/", p)
	mux.Handle(gms.Path, chatAPI)
	mux.Handle("GET /web/", http.StripPrefix("/web", web.HandlerOf(web.FS, web.Demo)))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { servePage(w, r, page, "'none'") })
	mux.HandleFunc("GET "+restPath, serveRest)
	mux.Handle("GET /demo/chats.json", requested)
	mux.HandleFunc("GET /demo/session.json", func(w http.ResponseWriter, r *http.Request) { serveSession(w, r, auth) })
	mux.Handle("GET /demo/mails.json", outbox)
	mux.HandleFunc("POST /demo/plug", child.servePlug)
	return proxy.CleanPaths(mux)
}
