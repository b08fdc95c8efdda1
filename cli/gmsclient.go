package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"attache/proxy/assembly"
	"attache/proxy/backend"
	"attache/proxy/engine"
	"attache/proxy/gms/upstream"
)

// upstreamFlags say how customers are relayed to a GMS, which --gms names by its address.
type upstreamFlags struct {
	GMSUpstreamService string        `name:"gms-upstream-service" default:"customer-support" help:"with --gms URL: name of the chat service in GMS' configuration" group:"gms" placeholder:"NAME"`
	GMSUpstreamKeyFile string        `name:"gms-upstream-apikey-file" type:"path" help:"with --gms URL: file with the key for the header apikey, if an API gateway requires one" group:"gms" placeholder:"FILE"`
	GMSCA              string        `name:"gms-ca" type:"path" help:"with --gms URL: certificates to trust instead of the system's, PEM" group:"gms" placeholder:"FILE"`
	GMSRequestTimeout  time.Duration `name:"gms-request-timeout" default:"10s" help:"with --gms URL: how long GMS may take for a request without a file; more than it gives Chat Server" group:"gms" placeholder:"DURATION"`
	GMSTransferTimeout time.Duration `name:"gms-transfer-timeout" default:"1m" help:"with --gms URL: how long the transfer of a file may stall, with the work of GMS before it answers" group:"gms" placeholder:"DURATION"`
	GMSSettle          time.Duration `name:"gms-settle" default:"10s" help:"with --gms URL: how long GMS may still do what it was asked by a request whose answer was lost; only then is the request repeated" group:"gms" placeholder:"DURATION"`
	GMSPoll            time.Duration `name:"gms-poll" default:"1s" help:"with --gms URL: pause between two polls of a chat" group:"gms" placeholder:"DURATION"`
	GMSUpstreamOption  []string      `name:"gms-upstream-option" sep:";" help:"with --gms URL: what the vendor has not published of it: attache-key (send, hide), status-2 (ask, ends), nickname, and the fault codes file-too-large, attempts-used, need-agent and unknown-file" group:"gms" placeholder:"NAME=VALUE"`
}

// ofGMS is the system behind --gms URL, as the log names it.
const ofGMS = "gms"

// relays reports whether customers are relayed to a GMS.
func (f gmsFlags) relays() bool { return f.GMS != "" && f.GMS != gmsServed }

// chatOf is the system whose Chat Server is used.
func (c serve) chatOf() string {
	if c.relays() {
		return ofGMS
	}
	return c.systemFlags.chatOf()
}

// documentsOf is the system whose documents are used.
func (c serve) documentsOf() string {
	if c.relays() {
		return ofGMS
	}
	return c.systemFlags.documentsOf()
}

func (c serve) checkRelay(m *mistakes) {
	if !c.relays() {
		m.idle(given(c.upstreamFlags), "without the address of a GMS: give it with --gms=URL")
		return
	}
	m.base("--gms", c.GMS)
	if _, err := c.upstream(nil); err != nil {
		m.add("--gms: %w", err)
	}
	for flag, d := range map[string]time.Duration{
		"--gms-request-timeout": c.GMSRequestTimeout, "--gms-transfer-timeout": c.GMSTransferTimeout, "--gms-settle": c.GMSSettle, "--gms-poll": c.GMSPoll,
	} {
		if d <= 0 {
			m.add("%s=%s: write, for instance, 10s", flag, d)
		}
	}
	for flag, set := range map[string]bool{
		"--backend": c.Backend != "", "--documents": c.Documents != "", "--responses": c.Responses != "", "--mail-server": c.MailServer != "",
		"--ucs": c.UCS != "", "--ucs-listen": c.UCSListen != "", "--gws": c.GWS != "",
	} {
		if set {
			m.add("%s has no effect with --gms URL: Chat Server, documents and e-mails are those behind GMS", flag)
		}
	}
}

// upstream are the options of the relay.
func (f gmsFlags) upstream(log *slog.Logger) (o upstream.Options, err error) {
	o = upstream.Options{
		URL: f.GMS, Service: f.GMSUpstreamService, Log: log,
		RequestTime: f.GMSRequestTimeout, IdleTime: f.GMSTransferTimeout, Settle: f.GMSSettle, Poll: f.GMSPoll,
	}
	if f.GMSUpstreamKeyFile != "" {
		key, err := os.ReadFile(f.GMSUpstreamKeyFile)
		if err != nil {
			return o, fmt.Errorf("read the key for GMS: %w", err)
		}
		o.APIKey = string(trimmed(key))
	}
	if f.GMSCA != "" {
		pem, err := os.ReadFile(f.GMSCA)
		if err != nil {
			return o, fmt.Errorf("read the certificates for GMS: %w", err)
		}
		o.CA = x509.NewCertPool()
		if !o.CA.AppendCertsFromPEM(pem) {
			return o, errors.New("there is no certificate in " + f.GMSCA)
		}
	}
	for _, option := range f.GMSUpstreamOption {
		name, value, ok := strings.Cut(option, "=")
		if !ok {
			return o, fmt.Errorf("--gms-upstream-option %q: write NAME=VALUE", option)
		}
		if err := o.Unknowns.Set(name, value); err != nil {
			return o, err
		}
	}
	return o, nil
}

// elsewhere are the systems that take the place of our own. The caller calls closeAll.
func (c serve) elsewhere(ctx context.Context, e *engine.Engine, b *backend.Client, log *slog.Logger) (w assembly.Elsewhere, closeAll func(), err error) {
	if !c.relays() {
		return c.systemFlags.elsewhere(ctx, e, b, c.KeepDays, log)
	}
	o, err := c.upstream(log)
	if err != nil {
		return w, nil, err
	}
	o.Keep = time.Duration(c.KeepDays+1) * 24 * time.Hour
	relay, err := upstream.Open(ctx, e, o)
	if err != nil {
		return w, nil, err
	}
	return assembly.Elsewhere{Chat: relay, Documents: relay.Documents}, relay.Close, nil
}
