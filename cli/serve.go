package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/token"
	"attache/web"
)

// serve is the proxy for real pages.
type serve struct {
	Listen  string   `default:":8371" help:"address of the sockets, the downloads and the web files"`
	Admin   string   `default:"127.0.0.1:8372" help:"address of /healthz, /readyz, /version and /metrics; empty for none"`
	Origin  []string `required:"" help:"page origin that may connect, exact; repeat it for more" placeholder:"URL"`
	TLSCert string   `type:"existingfile" help:"certificate, PEM; without it, put a reverse proxy in front of the proxy"`
	TLSKey  string   `type:"existingfile" help:"its key, PEM"`

	TrustedProxy []string `help:"address or network (CIDR) of a reverse proxy whose X-Forwarded-For is believed; repeat it for more" placeholder:"ADDRESS"`

	DownloadCredentials bool `help:"let pages send cookies with downloads, if a reverse proxy requires them (credentials: 'include' in the page)"`

	PartySockets int `default:"8" help:"chat sockets, and data sockets, that one party may have open here; each tab has one of each"`

	keyFlags
	storeFlags
	backendFlags
	customerFlags
	agentFlags
	textFlags
	scannerFlags
	auditFlags
	logging
}

// mistakes are those of all its flags.
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
		c.beyondScanner(&m, "--upload-max-file-size", c.UploadMaxFileSize)
	}
	c.beyondScanner(&m, "--agent-max-file-size", c.AgentMaxFileSize)
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
	pair, err := openCertificate(c.TLSCert, c.TLSKey, log)
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
	elsewhere, err := c.backendFlags.dial(starting, log)
	if err != nil {
		return err
	}
	started()
	l, err := listen("--listen", c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	trail, again, err := c.auditFlags.open(ctx, log)
	if err != nil {
		return err
	}
	all, err := assemble(ctx, plan{
		engine: c.options(), days: c.KeepDays,
		auth:           func(*engine.Engine) (*token.Authenticator, error) { return auth, nil },
		origins:        c.Origin,
		trustedProxies: c.TrustedProxy,
		sockets:        c.PartySockets,
		credentials:    c.DownloadCredentials,
		customerLimits: c.customerFlags.limits(), agentLimits: c.agentFlags.limits(),
		customerText: c.CustomerMaxText, agentText: c.AgentMaxText,
		scanner: scanner, largest: c.largest(), backend: elsewhere, audit: trail, log: log,
	})
	if err != nil {
		return err
	}
	defer all.Close()
	service := &service{
		handler: serveHandler(all), listener: l, tls: pair,
		ready: all.engine.Ready, metrics: all.metrics.Handler(), drain: all.proxy.Drain, log: log,
		exempt: all.proxy.TrustedProxy, counts: all.metrics.AcceptFailures,
	}
	if c.Admin != "" {
		if service.admin, err = listen("--admin", c.Admin); err != nil {
			return err
		}
		defer service.admin.Close()
	}
	again = append(again, pair.reloads()...)
	if c.JWKS != "" {
		again = append(again, reload{"key set", auth.Reload})
	}
	go reloadAt(ctx, hangups, again, log)
	c.logLimits(log)
	fmt.Fprintln(s.out, "serving on", scheme(c.TLSCert)+l.Addr().String(), "admin on", address(service.admin))
	return service.run(interrupted)
}

func serveHandler(all *parts) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/attache/", all.proxy)
	mux.Handle("GET /web/", http.StripPrefix("/web", web.Handler()))
	return all.proxy.Mounted(mux)
}

func scheme(cert string) string {
	if cert != "" {
		return "https://"
	}
	return "http://"
}

func address(l net.Listener) string {
	if l == nil {
		return "none"
	}
	return "http://" + l.Addr().String()
}
