package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/backend"
	"attache/proxy/gms"
	"attache/proxy/limits"
	"attache/proxy/responses"
	"attache/proxy/transcript"
	"attache/web"
)

// serve runs the proxy for real pages.
type serve struct {
	Listen  string   `default:":8371" help:"address for sockets, downloads and web files"`
	Admin   string   `default:"127.0.0.1:8372" help:"address for /healthz, /readyz, /version, /metrics and /attache/admin/limits; empty for none"`
	Origin  []string `required:"" help:"origin of a page that may connect, matched exactly; repeat it for more" placeholder:"URL"`
	TLSCert string   `type:"path" help:"TLS certificate with its chain, PEM; without one, run a reverse proxy in front" placeholder:"FILE"`
	TLSKey  string   `type:"path" help:"private key of the certificate, PEM" placeholder:"FILE"`

	TrustedProxy []string `help:"address or network (CIDR) of a reverse proxy whose X-Forwarded-For is trusted; repeat it for more" placeholder:"ADDRESS"`

	DownloadCredentials bool `help:"allow pages to send cookies with downloads, for a reverse proxy that requires them (credentials: 'include' in the page)"`

	TrustCustomerFiles bool `help:"let agents and customers download files that customers announced through another server, such as the vendor's GMS, as if that server vouched for them; only if no customer can name a document id itself (T15)"`
	ShowDocumentIDs    bool `name:"show-document-ids" help:"send customers the keys file-source and file-document-id of notices"`

	PartySockets int `default:"8" help:"maximum chat sockets of one party at this proxy, and maximum data sockets; each tab has one of each"`

	presenceFlags
	keyFlags
	storeFlags
	systemFlags
	customerFlags
	limitsFileFlags
	agentFlags
	textFlags
	chatFlags
	responseFlags
	scannerFlags
	auditFlags
	mailFlags
	gmsFlags
	onChatFlags
	logFlags
}

// responseFlags name the library of standard responses.
type responseFlags struct {
	Responses string `type:"path" help:"directory with files that agents may attach without uploading them (standard responses); an index.json in it is optional; read again every half minute" group:"agents" placeholder:"DIR"`
}

func (f responseFlags) check(m *mistakes) {
	if f.Responses != "" {
		m.addError("--responses:", responses.Check(f.Responses))
	}
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
	c.presenceFlags.check(&m)
	c.keyFlags.check(&m)
	c.storeFlags.check(&m)
	c.systemFlags.check(&m)
	m.limits(c.settings(), c.bounds())
	c.limitsFileFlags.check(&m, c.storeFlags, c.settings(), c.bounds())
	if c.chatOf() != own && (c.AgentMaxFiles != bridge.NoLimit || c.AgentMaxTotalSize != bridge.NoLimit) {
		m.add("--agent-max-files and --agent-max-total-size have no effect with --backend or --gms URL, because it counts customers' files only")
	}
	c.textFlags.check(&m)
	c.chatFlags.check(&m)
	c.responseFlags.check(&m)
	c.scannerFlags.check(&m)
	c.auditFlags.check(&m)
	c.mailFlags.check(&m)
	c.gmsFlags.check(&m)
	c.checkRelay(&m)
	c.onChatFlags.check(&m, c.gmsFlags)
	return m
}

// settings are the limits that the flags start with. A backend has its own for customers.
func (c serve) settings() limits.Settings {
	if c.chatOf() == own {
		return c.customerFlags.settings(c.agentFlags)
	}
	s := limits.Standard()
	s.AgentMaxFileSize, s.AgentFileTypes = c.AgentMaxFileSize, c.AgentFileTypes
	return s
}

// bounds are those of every limit. With a backend they are the agents' only: the defaults of
// customers, which have no effect then, are not to be refused.
func (c serve) bounds() limits.Bounds {
	b := limits.Bounds{Store: c.bound(), AgentsOnly: c.chatOf() != own}
	if c.Scanner != "off" {
		b.Scanned = c.ScanMaxSize
	}
	return b
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
	mails, err := c.mailFlags.options()
	if err != nil {
		return err
	}
	backend, err := c.dial(starting, log)
	if err != nil {
		return err
	}
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
	defer offerBackup(engine, log)()
	base, err := c.base(c.settings(), c.bounds())
	if err != nil {
		return err
	}
	elsewhere, closeElsewhere, err := c.elsewhere(starting, engine, backend, log)
	if err != nil {
		return err
	}
	defer closeElsewhere()
	all, err := assembly.Open(starting, engine, assembly.Options{ // it may move documents of an earlier release
		KeepDays: c.KeepDays, Scanner: scanner, Elsewhere: elsewhere, Mail: mails, Responses: c.Responses, Version: release(), Log: log,
		Inspect: c.inspection(),
		Chat:    chatOptions(c.textFlags, c.chatFlags), Limits: &base,
		Proxy: proxy.Config{
			Auth: auth, Audit: trail, Origins: c.Origin, TrustedProxies: c.TrustedProxy, Credentials: c.DownloadCredentials,
			MaxFileSize: c.maxSize(), MaxSockets: c.PartySockets,
			DisconnectTimeout: c.DisconnectTimeout, FlexDisconnectTimeout: c.FlexDisconnectTimeout,
			TrustCustomerFiles: c.TrustCustomerFiles, ShowDocumentIDs: c.ShowDocumentIDs,
		},
	})
	if err != nil {
		return err
	}
	defer all.Close()
	if err := starting.Err(); err != nil {
		return err
	}
	started()
	api := gms.Options{EmailKey: c.MailRecipientKey, Log: log}
	requested, err := c.onChatFlags.start(ctx, engine, all.Chat, c.GMS == gmsServed, log)
	if err != nil {
		return err
	}
	if requested != nil {
		defer requested.Close()
		api.Requests = requested
	}
	chatAPI, err := c.gmsFlags.handler(ctx, all.Proxy, engine, api)
	if err != nil {
		return err
	}
	defer chatAPI.Close()
	asUCS, err := c.ucsFlags.listen(all.Store, log)
	if err != nil {
		return err
	}
	defer asUCS.stop()
	service := &service{
		handler: serveHandler(all.Proxy, all.Transcripts, chatAPI), listener: l, tls: cert,
		ready: engine.Ready, metrics: all.Metrics.Handler(), requested: requested, log: log,
		drain: func(ctx context.Context) error {
			defer asUCS.drain(ctx)
			chatAPI.Drain()
			return all.Proxy.Drain(ctx)
		},
		exempt: all.Proxy.TrustedProxy, reportFailed: all.Metrics.AcceptFailures,
		limits: limits.NewHandler(limits.HandlerOptions{
			Store: all.Limits, Bounds: c.bounds(), Backend: c.chatOf() != own, Audit: trail, Log: log,
		}),
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
	c.watch(ctx, all.Limits, c.settings(), c.bounds(), log)
	c.logLimits(log, all.Limits.Current().Settings)
	fmt.Fprintln(s.out, "serving on", baseURL(l, cert), "admin on", baseURL(service.admin, nil)+asUCS.String())
	return service.run(interrupted)
}

func serveHandler(p *proxy.Proxy, transcripts http.Handler, chatAPI *gms.Server) http.Handler {
	mux := http.NewServeMux()
	if chatAPI != nil {
		mux.Handle(gms.Path, chatAPI)
	}
	mux.Handle("/attache/", p)
	mux.Handle("GET "+transcript.Path, transcripts)
	mux.Handle("GET /web/", http.StripPrefix("/web", web.Handler()))
	return p.Mounted(mux)
}
