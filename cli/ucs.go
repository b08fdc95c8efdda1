package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"attache/proxy/assembly"
	"attache/proxy/engine"
	"attache/proxy/guests"
	"attache/proxy/spool"
	"attache/proxy/ucs"
)

// ucsFlags use a Universal Contact Server for files, or serve ours as one.
type ucsFlags struct {
	UCS        string        `name:"ucs" help:"address of a Universal Contact Server 9.1 that stores the files, by its HTTP interface: http://host:port or https://host:port, with its base-url if it has one" group:"ucs" placeholder:"URL"`
	UCSTimeout time.Duration `name:"ucs-timeout" default:"1m" help:"how long UCS may take to answer, and to take or send the next piece of a file; longer than UCS waits for its own database" group:"ucs"`
	UCSCA      string        `name:"ucs-ca" type:"path" help:"certificates that UCS' certificate must come from, PEM; without them, those that this machine trusts" group:"ucs" placeholder:"FILE"`
	UCSMaxSize int64         `name:"ucs-max-size" default:"2147483647" help:"bytes of the largest file that UCS takes; offers of larger ones are refused" group:"ucs"`
	UCSSpool   int64         `name:"ucs-spool" default:"4294967296" help:"bytes of disk space for files that are being downloaded from UCS, which cannot send a part of one" group:"ucs"`

	UCSListen   string `name:"ucs-listen" help:"address where programs that use UCS reach our documents by its HTTP interface; never a public one" group:"ucs" placeholder:"ADDRESS"`
	UCSBase     string `name:"ucs-base" help:"what the paths at --ucs-listen begin with, as UCS' option base-url; /ucs/v1/ follows" group:"ucs" placeholder:"PATH"`
	UCSClientCA string `name:"ucs-client-ca" type:"path" help:"certificates that a client's certificate must come from at --ucs-listen, PEM; it needs --ucs-cert" group:"ucs" placeholder:"FILE"`

	UCSSecret     string `name:"ucs-secret" xor:"ucs" help:"secret that clients must show at --ucs-listen, and that is sent to --ucs, as a bearer token; at least 32 bytes" group:"ucs" placeholder:"TEXT"`
	UCSSecretFile string `name:"ucs-secret-file" xor:"ucs" type:"path" help:"file with that secret" group:"ucs" placeholder:"FILE"`
	UCSCert       string `name:"ucs-cert" type:"path" help:"our certificate with its chain, PEM: the server's at --ucs-listen, and the client's to --ucs" group:"ucs" placeholder:"FILE"`
	UCSKey        string `name:"ucs-key" type:"path" help:"private key of that certificate, PEM" group:"ucs" placeholder:"FILE"`

	UCSOption []string `name:"ucs-option" sep:";" help:"what is not known of UCS' HTTP interface, by name; repeat it for more, or separate them by semicolons; --help lists them below" group:"ucs" placeholder:"NAME=VALUE"`
}

func (f ucsFlags) check(m *mistakes, systems systemFlags) {
	if f.UCS == "" && f.UCSListen == "" {
		m.idle(given(f), "without --ucs or --ucs-listen")
		return
	}
	secret, err := f.secret()
	if err != nil || len(secret) > 0 {
		m.secret("--ucs-secret", secret, err)
	}
	if (f.UCSCert == "") != (f.UCSKey == "") {
		m.add("--ucs-cert and --ucs-key go together")
	} else if f.UCSCert != "" {
		_, err := tls.LoadX509KeyPair(f.UCSCert, f.UCSKey)
		m.addError("--ucs-cert and --ucs-key:", err)
	}
	_, err = roots(f.UCSCA)
	m.addError("--ucs-ca:", err)
	_, err = roots(f.UCSClientCA)
	m.addError("--ucs-client-ca:", err)
	_, err = f.dialect()
	m.addError("--ucs-option", err)
	if f.UCS != "" {
		f.checkClient(m, systems)
	}
	if f.UCSListen != "" {
		f.checkServer(m, systems, secret)
	}
	if f.UCS == "" {
		m.idle(given(f, shared("ucs-listen", "ucs-base", "ucs-client-ca")...), "without --ucs")
	}
	if f.UCSListen == "" {
		m.idle(given(f, shared("ucs", "ucs-timeout", "ucs-ca", "ucs-max-size", "ucs-spool")...), "without --ucs-listen")
	}
}

// shared are the flags of one end and of both.
func shared(flags ...string) []string {
	return append(flags, "ucs-secret", "ucs-secret-file", "ucs-cert", "ucs-key", "ucs-option")
}

func (f ucsFlags) checkClient(m *mistakes, systems systemFlags) {
	m.base("--ucs", f.UCS)
	if systems.Documents != "" {
		m.add("--ucs and --documents both say where files are: remove one")
	}
	if f.UCSTimeout <= 0 {
		m.add("--ucs-timeout=%v: give a time longer than UCS waits for its own database, such as 1m", f.UCSTimeout)
	}
	if f.UCSMaxSize < 1 || f.UCSSpool < f.UCSMaxSize {
		m.add("--ucs-max-size=%d and --ucs-spool=%d: both positive, and the spool not smaller than the largest file", f.UCSMaxSize, f.UCSSpool)
	}
	if !strings.HasPrefix(f.UCS, "https:") && f.UCSCA+f.UCSCert != "" {
		m.add("--ucs-ca and --ucs-cert have no effect on %s: write https://", f.UCS)
	}
}

func (f ucsFlags) checkServer(m *mistakes, systems systemFlags, secret []byte) {
	m.address("--ucs-listen", f.UCSListen)
	switch {
	case f.UCS != "" || !systems.ownDocuments():
		m.add("--ucs-listen serves our own documents, and they are elsewhere: remove it, or --ucs and --backend")
	case len(secret) == 0 && f.UCSClientCA == "":
		m.add("--ucs-listen needs --ucs-secret-file or --ucs-client-ca, because who reaches it can read and change every file")
	}
	if f.UCSClientCA != "" && f.UCSCert == "" {
		m.add("--ucs-client-ca needs --ucs-cert and --ucs-key, because clients show certificates over TLS only")
	}
}

func (f ucsFlags) secret() ([]byte, error) {
	if f.UCSSecretFile == "" {
		return []byte(f.UCSSecret), nil
	}
	text, err := os.ReadFile(f.UCSSecretFile)
	if err != nil {
		return nil, fmt.Errorf("read the secret for UCS: %w", err)
	}
	if text = trimmed(text); len(text) == 0 {
		return nil, errors.New("the file is empty")
	}
	return text, nil
}

func (f ucsFlags) dialect() (d ucs.Dialect, err error) {
	for _, setting := range f.UCSOption {
		err = errors.Join(err, d.SetNamed(setting))
	}
	return d, err
}

// roots are the certificates in a file; nil without one.
func roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return pool, nil
}

// tls are the settings of both ends.
func (f ucsFlags) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	var err, failed error
	c.RootCAs, err = roots(f.UCSCA)
	if c.ClientCAs, failed = roots(f.UCSClientCA); c.ClientCAs != nil {
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if f.UCSCert == "" {
		return c, errors.Join(err, failed)
	}
	pair, unread := tls.LoadX509KeyPair(f.UCSCert, f.UCSKey)
	c.Certificates = []tls.Certificate{pair}
	return c, errors.Join(err, failed, unread)
}

// use makes w's documents those in UCS, if there is one. Call closed after the proxy has ended.
func (f ucsFlags) use(ctx context.Context, e *engine.Engine, keepDays int, w *assembly.Elsewhere, log *slog.Logger) (closed func(), err error) {
	if f.UCS == "" {
		return func() {}, nil
	}
	o := ucs.ClientOptions{URL: f.UCS, Timeout: f.UCSTimeout, MaxSize: f.UCSMaxSize, Log: log}
	if o.Secret, err = f.secret(); err != nil {
		return nil, err
	}
	if o.Dialect, err = f.dialect(); err != nil {
		return nil, err
	}
	if o.TLS, err = f.tls(); err != nil {
		return nil, err
	}
	if o.Ledger, err = ucs.OpenLedger(ctx, e, time.Duration(keepDays+1)*24*time.Hour); err != nil {
		return nil, err
	}
	dir, remove := e.Dir(), func() {}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "attache-ucs-"); err != nil {
			return nil, fmt.Errorf("make the spool: %w", err)
		}
		remove = func() { os.RemoveAll(dir) }
	}
	if o.Spool, err = spool.Open(spool.Options{Dir: filepath.Join(dir, "ucs-spool"), MaxBytes: f.UCSSpool}); err != nil {
		remove()
		return nil, err
	}
	client, err := ucs.NewClient(o)
	if err != nil {
		o.Spool.Close()
		remove()
		return nil, err
	}
	w.Documents, w.Library = client.Documents, nil // a backend's library is in its own documents
	return func() { client.Close(); o.Spool.Close(); remove() }, nil
}

// ucsServer serves our documents on a listener of its own.
type ucsServer struct {
	*http.Server
	address string // for people
	log     *slog.Logger
	ended   chan struct{}
}

// listen serves the documents in store; nil without --ucs-listen.
func (f ucsFlags) listen(store ucs.Store, log *slog.Logger) (*ucsServer, error) {
	if f.UCSListen == "" {
		return nil, nil
	}
	o := ucs.HandlerOptions{Base: f.UCSBase, ClientCertificates: f.UCSClientCA != "", Log: log}
	var err error
	if o.Secret, err = f.secret(); err != nil {
		return nil, err
	}
	if o.Dialect, err = f.dialect(); err != nil {
		return nil, err
	}
	o.Documents = ucs.NewDocuments(store, ucs.Options{AnySize: o.Dialect.AnySize})
	handler, err := ucs.NewHandler(o)
	if err != nil {
		return nil, err
	}
	l, err := listen("--ucs-listen", f.UCSListen)
	if err != nil {
		return nil, err
	}
	s := &ucsServer{Server: server(handler, guests.TimedBodies, log), address: "http://" + l.Addr().String(), log: log, ended: make(chan struct{})}
	accepted := net.Listener(guests.Listen(l, guests.Options{}))
	if f.UCSCert != "" {
		config, err := f.tls()
		if err != nil {
			l.Close()
			return nil, err
		}
		s.address = "https://" + l.Addr().String()
		config.NextProtos = []string{"h2", "http/1.1"}
		accepted = tls.NewListener(accepted, config)
	}
	go func() {
		defer close(s.ended)
		if err := s.Serve(accepted); !errors.Is(err, http.ErrServerClosed) {
			log.Error("UCS's interface is no longer served", "error", err)
		}
	}()
	return s, nil
}

// drain lets its requests end.
func (s *ucsServer) drain(ctx context.Context) {
	if s == nil {
		return
	}
	if err := s.Shutdown(ctx); err != nil {
		s.log.Warn("some requests to UCS's interface did not end in time", "error", err)
	}
	s.stop()
}

// stop ends it at once. A second call does nothing.
func (s *ucsServer) stop() {
	if s != nil {
		s.Close()
		<-s.ended
	}
}

func (s *ucsServer) String() string {
	if s == nil {
		return ""
	}
	return " UCS's interface on " + s.address
}

// ucsOptionHelp lists the options of --ucs-option with their defaults.
func ucsOptionHelp() string {
	var b strings.Builder
	b.WriteString("\nOptions for --ucs-option, with their defaults (docs/operating.md says where they are from):\n")
	for _, n := range ucs.NamedOptions {
		fmt.Fprintf(&b, "  %s=%s\n      %s (%s)\n", n.Name, cmp.Or(n.Default, "false"), n.Help, n.Values)
	}
	return b.String()
}
