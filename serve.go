package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/clamd"
	"attache/proxy/engine"
	"attache/proxy/token"
	"attache/web"
)

// serve is the proxy for real pages.
type serve struct {
	Listen  string   `default:":8371" help:"address of the sockets, the downloads and the web files"`
	Admin   string   `default:"127.0.0.1:8372" help:"address of /healthz, /readyz, /version and /metrics; empty for none"`
	Origin  []string `required:"" help:"page origin that may connect, exact; repeat it for more" placeholder:"URL"`
	TLSCert string   `type:"existingfile" help:"certificate, PEM; without it, put a TLS front end in front of the proxy"`
	TLSKey  string   `type:"existingfile" help:"its key, PEM"`

	FrontEnd []string `help:"address or network (CIDR) of a TLS front end whose X-Forwarded-For is believed; repeat it for more" placeholder:"ADDRESS"`

	DownloadCredentials bool `help:"let pages send cookies with downloads, if a front end requires them (credentials: 'include' in the page)"`

	PartySockets int `default:"8" help:"chat sockets, and data sockets, that one party may have open here; each tab has one of each"`

	keyFlags
	storeFlags
	relayFlags
	customerFlags
	agentFlags
	textFlags
	scannerFlags
	auditFlags
	logging
}

// keyFlags say who signs the tokens.
type keyFlags struct {
	secretFlags
	JWKS string `name:"jwks" help:"key set (JWKS) for the tokens instead: a file or an https URL" group:"tokens" placeholder:"FILE|URL"`
}

// secretFlags name the secret that the tokens' maker and the proxy share.
type secretFlags struct {
	TokenSecret     string `xor:"secret" help:"shared secret of the tokens, at least 32 bytes" group:"tokens" placeholder:"TEXT"`
	TokenSecretFile string `xor:"secret" type:"existingfile" help:"file with that secret" group:"tokens"`
}

// storeFlags say where everything lasts.
type storeFlags struct {
	Data     string `required:"" xor:"store" type:"path" help:"directory of the embedded engine" group:"store" placeholder:"DIR"`
	NATS     string `required:"" xor:"store" name:"nats" help:"cluster to use instead: nats://a,nats://b,nats://c" group:"store" placeholder:"URL"`
	Login    string `name:"nats-credentials" type:"existingfile" help:"credentials for the cluster, if it requires any" group:"store" placeholder:"FILE"`
	Replicas int    `default:"0" help:"copies of everything in the cluster; 0 is 3" group:"store"`
	KeepDays int    `default:"30" help:"days that transcripts and files are kept" group:"store"`
}

func (f storeFlags) options() engine.Options {
	return engine.Options{Dir: f.Data, URL: f.NATS, Credentials: f.Login, Replicas: f.Replicas}
}

func (f storeFlags) check(m *mistakes) {
	// What is kept longer than a century is more than a duration can say after three.
	if f.KeepDays < 1 || f.KeepDays > 36500 {
		m.add("--keep-days=%d: at least 1, at most 36500", f.KeepDays)
	}
	if f.NATS == "" {
		m.directory("--data", f.Data)
		if f.Replicas > 1 {
			m.add("--replicas=%d needs a cluster: --data keeps one copy, name a cluster with --nats", f.Replicas)
		}
		if f.Login != "" {
			m.add("--nats-credentials are for a cluster: name it with --nats")
		}
	}
	// JetStream keeps at most five.
	if f.Replicas < 0 || f.Replicas > 5 {
		m.add("--replicas=%d: 1 to 5, or 0 for 3", f.Replicas)
	}
	for _, s := range strings.FieldsFunc(f.NATS, func(r rune) bool { return r == ',' }) {
		u, err := url.Parse(s)
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			m.add("--nats %q is not the URL of a server: write nats://host:4222, several with commas", s)
		}
	}
}

// customerFlags are Chat Server's options of section client-file-transfer, by
// its names.
type customerFlags struct {
	UploadMaxFiles     int64  `default:"3" help:"files that customers may send in a session; 0 switches uploads off" group:"customers"`
	UploadMaxFileSize  int64  `default:"2097152" help:"bytes of one file; 0 switches uploads off" group:"customers"`
	UploadMaxTotalSize int64  `default:"5242880" help:"bytes of all files of a session; 0 switches uploads off" group:"customers"`
	UploadFileTypes    string `help:"extensions without dots, colon-separated; empty allows every type" group:"customers" placeholder:"jpg:pdf:…"`
	UploadNeedAgent    bool   `help:"refuse uploads until an agent has joined" group:"customers"`
	DownloadAttempts   int64  `default:"2" help:"downloads of a session; -1 for no limit" group:"customers"`
}

// agentFlags bind everybody else; Chat Server leaves that to the desktop.
type agentFlags struct {
	AgentMaxFileSize int64  `default:"-1" help:"bytes of one file; -1 for no limit" group:"agents"`
	AgentFileTypes   string `help:"extensions without dots, colon-separated; empty allows every type" group:"agents" placeholder:"jpg:pdf:…"`
}

// scannerFlags say who looks into files before anybody gets them.
type scannerFlags struct {
	Scanner     string `enum:"strict,off" default:"strict" help:"strict: every file is scanned; off: none is" group:"scanner"`
	Clamd       string `help:"address of ClamAV's daemon: the path of its socket, or host:port" group:"scanner" placeholder:"ADDRESS"`
	ScanMaxSize int64  `default:"26214400" help:"bytes of the largest file that is scanned, at most clamd's StreamMaxLength; larger files are refused" group:"scanner"`

	SignaturesMaxAge time.Duration `default:"0s" help:"how old ClamAV's signatures may be, for instance 72h: with older ones, or of unknown age, no file passes and the proxy does not start; 0s: only warn in the log" group:"scanner" placeholder:"DURATION"`
}

// mistakes are those of all its flags.
func (c serve) mistakes() (m mistakes) {
	m.address("--listen", c.Listen)
	m.admin(c.Listen, c.Admin)
	m.origins(c.Origin)
	m.certificate(c.TLSCert, c.TLSKey)
	for _, s := range c.FrontEnd {
		m.found("--front-end", proxy.CheckFrontEnd(s))
	}
	if c.PartySockets < 1 {
		m.add("--party-sockets=%d: at least 1, because a page has a chat socket and a data socket", c.PartySockets)
	}
	c.keyFlags.check(&m)
	c.storeFlags.check(&m)
	c.relayFlags.check(&m)
	c.customerFlags.check(&m)
	c.agentFlags.check(&m)
	c.textFlags.check(&m)
	c.scannerFlags.check(&m)
	c.auditFlags.check(&m)
	if c.Relay == "" {
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
	elsewhere, err := c.relayFlags.dial(starting, log)
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
		frontEnds:      c.FrontEnd,
		sockets:        c.PartySockets,
		credentials:    c.DownloadCredentials,
		customerLimits: c.customerFlags.limits(), agentLimits: c.agentFlags.limits(),
		customerText: c.CustomerMaxText, agentText: c.AgentMaxText,
		scanner: scanner, largest: c.largest(), relay: elsewhere, audit: trail, log: log,
	})
	if err != nil {
		return err
	}
	defer all.Close()
	service := &service{
		handler: serveHandler(all), listener: l, tls: pair,
		ready: all.engine.Ready, metrics: all.metrics.Handler(), drain: all.proxy.Drain, log: log,
		exempt: all.proxy.FrontEnd, counts: all.metrics.AcceptFailures,
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
	c.report(log)
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

// secret is the shared secret, from wherever it was given; nil without one.
func (k secretFlags) secret() ([]byte, error) {
	if k.TokenSecretFile == "" {
		return []byte(k.TokenSecret), nil
	}
	text, err := os.ReadFile(k.TokenSecretFile)
	if err != nil {
		return nil, fmt.Errorf("read the token secret: %w", err)
	}
	return trimmed(text), nil
}

// trimmed is a secret as its file means it: an editor ends the file with a line break, and
// on Windows may begin it with a byte order mark.
func trimmed(text []byte) []byte { return bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))) }

func (k keyFlags) check(m *mistakes) {
	secret, err := k.secret()
	switch {
	case err != nil || len(secret) > 0 && k.JWKS == "":
		m.secret(k.flag(), secret, err)
	case len(secret) > 0:
		m.add("give either a token secret or --jwks: one of them says who signs the tokens")
	case k.JWKS == "" && k.TokenSecretFile != "":
		m.add("--token-secret-file %s is empty: it needs at least %d bytes", k.TokenSecretFile, minSecret)
	case k.JWKS == "":
		m.add("who signs the tokens? give --token-secret-file or --jwks")
	default:
		m.found("--jwks:", token.CheckSource(k.JWKS))
	}
}

// flag is the one that the secret was given by.
func (k secretFlags) flag() string {
	if k.TokenSecretFile != "" {
		return "--token-secret-file"
	}
	return "--token-secret"
}

func (k keyFlags) authenticator(ctx context.Context, log *slog.Logger) (*token.Authenticator, error) {
	if k.JWKS != "" {
		set, err := token.KeySet(ctx, k.JWKS, log)
		if err != nil {
			return nil, err
		}
		return token.NewAuthenticator(set)
	}
	secret, err := k.secret()
	if err != nil {
		return nil, err
	}
	return token.NewAuthenticator(token.Secret(secret))
}

func (f scannerFlags) check(m *mistakes) {
	if f.SignaturesMaxAge < 0 {
		m.add("--signatures-max-age=%s is negative: write, for instance, 72h, or 0s to warn only", f.SignaturesMaxAge)
	}
	if f.Scanner == "off" {
		return
	}
	if f.ScanMaxSize < 1 || f.ScanMaxSize > bridge.MaxInteger {
		m.add("--scan-max-size=%d: give the bytes of the largest file that the scanner takes", f.ScanMaxSize)
	}
	if f.Clamd == "" {
		m.add("who looks for viruses? give --clamd, or --scanner=off to let every file pass")
		return
	}
	if _, err := clamd.New(f.Clamd, clamd.Options{}); err != nil {
		m.add("--clamd: %w", err)
	} else if host, port, err := net.SplitHostPort(strings.TrimPrefix(f.Clamd, "tcp://")); err == nil && !strings.Contains(f.Clamd, "/") {
		if n, err := net.LookupPort("tcp", port); err != nil || n == 0 || host == "" {
			m.add("--clamd %q has no valid host or port: write, for instance, 127.0.0.1:3310", f.Clamd)
		}
	}
}

// beyondScanner refuses a size that pages would be promised and the scanner would refuse.
func (f scannerFlags) beyondScanner(m *mistakes, flag string, size int64) {
	if f.Scanner != "off" && f.ScanMaxSize > 0 && size > f.ScanMaxSize {
		m.add("%s=%d is more than --scan-max-size=%d, beyond which every file is refused: lower it, or raise --scan-max-size and clamd's StreamMaxLength",
			flag, size, f.ScanMaxSize)
	}
}

// scanner is one that has shown that it finds what it must.
func (f scannerFlags) scanner(ctx context.Context, log *slog.Logger) (proxy.Scanner, error) {
	if f.Scanner == "off" {
		return proxy.NoScanner{}, nil
	}
	client, err := clamd.New(f.Clamd, clamd.Options{MaxSize: f.ScanMaxSize, MaxAge: f.SignaturesMaxAge, Log: log})
	if err != nil {
		return nil, err
	}
	if err := client.Await(ctx); err != nil {
		return nil, err
	}
	if err := client.Prove(ctx); err != nil {
		return nil, fmt.Errorf("the scanner is not to be relied on: %w", err)
	}
	client.Report(ctx)
	if err := client.Fresh(ctx); err != nil {
		return nil, fmt.Errorf("the scanner is not to be relied on, by --signatures-max-age=%s: %w", f.SignaturesMaxAge, err)
	}
	return client, nil
}

// largest is what a page is told before it sends; otherwise the scanner would
// refuse it after.
func (f scannerFlags) largest() int64 {
	if f.Scanner == "off" {
		return bridge.NoLimit
	}
	return f.ScanMaxSize
}

func (c customerFlags) check(m *mistakes) {
	m.number("--upload-max-files", c.UploadMaxFiles, "no uploads")
	m.number("--upload-max-file-size", c.UploadMaxFileSize, "no uploads")
	m.number("--upload-max-total-size", c.UploadMaxTotalSize, "no uploads")
	m.number("--download-attempts", c.DownloadAttempts, "no downloads")
	m.extensions("--upload-file-types", c.UploadFileTypes)
	on := c.UploadMaxFiles != 0 && c.UploadMaxTotalSize > 0
	if on && c.UploadMaxFileSize > c.UploadMaxTotalSize {
		m.add("--upload-max-file-size=%d is more than --upload-max-total-size=%d, so no such file could be sent: raise the total or lower the size",
			c.UploadMaxFileSize, c.UploadMaxTotalSize)
	}
}

func (a agentFlags) check(m *mistakes) {
	m.number("--agent-max-file-size", a.AgentMaxFileSize, "no uploads")
	m.extensions("--agent-file-types", a.AgentFileTypes)
}

func (c customerFlags) limits() bridge.Limits {
	return bridge.Limits{
		MaxFiles: c.UploadMaxFiles, MaxFileSize: c.UploadMaxFileSize, MaxTotalSize: c.UploadMaxTotalSize,
		Types: bridge.ParseTypes(c.UploadFileTypes), NeedAgent: c.UploadNeedAgent, MaxDownloads: c.DownloadAttempts,
	}
}

func (a agentFlags) limits() bridge.Limits {
	l := bridge.Unlimited()
	l.MaxFileSize = a.AgentMaxFileSize
	l.Types = bridge.ParseTypes(a.AgentFileTypes)
	return l
}
