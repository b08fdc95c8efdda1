package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/backend"
	"attache/web"
)

// serve runs the proxy for real pages.
type serve struct {
	Listen  string   `default:":8371" help:"address for sockets, downloads and web files"`
	Admin   string   `default:"127.0.0.1:8372" help:"address for /healthz, /readyz, /version and /metrics; empty for none"`
	Origin  []string `required:"" help:"origin of a page that may connect, matched exactly; repeat it for more" placeholder:"URL"`
	TLSCert string   `type:"path" help:"TLS certificate with its chain, PEM; without one, run a reverse proxy in front" placeholder:"FILE"`
	TLSKey  string   `type:"path" help:"private key of the certificate, PEM" placeholder:"FILE"`

	TrustedProxy []string `help:"address or network (CIDR) of a reverse proxy whose X-Forwarded-For is trusted; repeat it for more" placeholder:"ADDRESS"`

	DownloadCredentials bool `help:"allow pages to send cookies with downloads, for a reverse proxy that requires them (credentials: 'include' in the page)"`

	PartySockets int `default:"8" help:"maximum chat sockets of one party at this proxy, and maximum data sockets; each tab has one of each"`

	keyFlags
	storeFlags
	backendFlags
	customerFlags
	agentFlags
	textFlags
	scannerFlags
	auditFlags
	logFlags
}

// backendFlags name a backend that takes the place of our own Chat Server and documents.
type backendFlags struct {
	Backend string `help:"address of a Chat Server and document store in another process that implements docs/backend.md; it then sets the customers' limits" group:"backend" placeholder:"URL"`
	backendSecret
}

func (f backendFlags) check(m *mistakes) {
	if f.Backend == "" {
		if f.BackendSecret != "" || f.BackendSecretFile != "" {
			m.add("--backend-secret has no effect without a backend: name one with --backend")
		}
		return
	}
	m.base("--backend", f.Backend)
	f.backendSecret.check(m)
}

// dial waits until the backend answers or ctx ends; without --backend it returns nil.
func (f backendFlags) dial(ctx context.Context, log *slog.Logger) (*backend.Client, error) {
	if f.Backend == "" {
		return nil, nil
	}
	secret, err := f.backendSecret.read()
	if err != nil {
		return nil, err
	}
	return backend.Dial(ctx, backend.ClientOptions{URL: f.Backend, Secret: secret, Log: log})
}

func (c serve) mistakes() (m mistakes) {
	m.address("--listen", c.Listen)
	m.admin(c.Listen, c.Admin)
	m.origins(c.Origin)
	m.certificate(c.TLSCert, c.TLSKey)
	for _, s := range c.TrustedProxy {
		m.addError("--trusted-proxy", proxy.CheckTrustedProxy(s))
	}
	if c.PartySockets < 1 {
		m.add("--party-sockets=%d: at least 1, because a page has a chat socket and a data socket", c.PartySockets)
	}
	c.keyFlags.check(&m)
	c.storeFlags.check(&m)
	c.backendFlags.check(&m)
	c.customerFlags.check(&m)
	c.agentFlags.check(&m)
	c.textFlags.check(&m)
	c.scannerFlags.check(&m)
	c.auditFlags.check(&m)
	if c.Backend == "" {
		c.checkSize(&m, "--upload-max-file-size", c.UploadMaxFileSize)
	}
	c.checkSize(&m, "--agent-max-file-size", c.AgentMaxFileSize)
	return m
}

// Run serves until a signal.
func (c serve) Run(s streams) error {
	if err := c.mistakes().err(); err != nil {
		return err
	}
	interrupted, hangups := interrupts(), hangups()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log := c.logger(s.log)
	s.warn(log)
	cert, err := openCertificate(c.TLSCert, c.TLSKey, log)
	if err != nil {
		return err
	}
	auth, err := c.authenticator(ctx, log)
	if err != nil {
		return err
	}
	starting, started := untilSignal(interrupted)
	defer started()
	scanner, err := c.scanner(starting, log)
	if err != nil {
		return err
	}
	backend, err := c.backendFlags.dial(starting, log)
	if err != nil {
		return err
	}
	started()
	l, err := listen("--listen", c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	trail, reloads, err := c.auditFlags.open(ctx, log)
	if err != nil {
		return err
	}
	o := c.storeFlags.options()
	o.Log = log
	engine, err := openEngine(ctx, o)
	if err != nil {
		return err
	}
	defer engine.Close()
	agents := c.agentFlags.limits()
	all, err := assembly.Open(ctx, engine, assembly.Options{
		KeepDays: c.KeepDays, Scanner: scanner, Backend: backend, Version: release(), Log: log,
		Chat: chatOptions(c.customerFlags.limits(), agents, c.textFlags),
		Proxy: proxy.Config{
			Auth: auth, Audit: trail, Origins: c.Origin, TrustedProxies: c.TrustedProxy, Credentials: c.DownloadCredentials,
			AgentLimits: &agents, MaxFileSize: c.maxSize(), MaxSockets: c.PartySockets,
		},
	})
	if err != nil {
		return err
	}
	defer all.Close()
	service := &service{
		handler: serveHandler(all.Proxy), listener: l, tls: cert,
		ready: engine.Ready, metrics: all.Metrics.Handler(), drain: all.Proxy.Drain, log: log,
		exempt: all.Proxy.TrustedProxy, reportFailed: all.Metrics.AcceptFailures,
	}
	if c.Admin != "" {
		if service.admin, err = listen("--admin", c.Admin); err != nil {
			return err
		}
		defer service.admin.Close()
	}
	reloads = append(reloads, cert.reloads()...)
	if c.JWKS != "" {
		reloads = append(reloads, reload{"key set", auth.Reload})
	}
	go reloadOn(ctx, hangups, reloads, log)
	c.logLimits(log)
	fmt.Fprintln(s.out, "serving on", baseURL(l, cert), "admin on", baseURL(service.admin, nil))
	return service.run(interrupted)
}

func serveHandler(p *proxy.Proxy) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/attache/", p)
	mux.Handle("GET /web/", http.StripPrefix("/web", web.Handler()))
	return p.Mounted(mux)
}
