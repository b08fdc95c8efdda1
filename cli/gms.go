package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/gms"
)

// gmsServed is the value of --gms without an address.
const gmsServed = "serve"

// withAddress says why flags of the served interface have no effect beside --gms URL.
const withAddress = "with the address of a GMS: give --gms without an address to serve its Chat API here"

// gmsFlags serve the vendor's HTTP interface for customers.
type gmsFlags struct {
	GMS                 string        `name:"gms" help:"serve GMS' Chat API version 2 below /genesys/, for existing customer widgets and apps; with an address, relay customers through the GMS there instead" group:"gms" placeholder:"URL"`
	GMSService          []string      `name:"gms-service" help:"chat service that clients may name in their path, with the queue key that routes its chats; repeat it for more; by default any name, which is then the queue key" group:"gms" placeholder:"NAME[=TENANT:ENDPOINT]"`
	GMSAdmission        string        `name:"gms-admission" default:"open" enum:"open,apikey,token" help:"which clients may request a chat: open is any, within a rate by address; apikey is those with a key of --gms-api-key-file in the header apikey; token is those with the application's token as Authorization: Bearer" group:"gms"`
	GMSAPIKeyFile       string        `name:"gms-api-key-file" type:"path" help:"file with the API keys, one a line" group:"gms" placeholder:"FILE"`
	GMSHeaders          []string      `name:"gms-headers" help:"more request headers that pages may send, such as a gateway's; repeat it for more" group:"gms" placeholder:"NAME"`
	GMSCometD           bool          `name:"gms-cometd" help:"serve CometD as well, at /genesys/cometd: events are pushed (GMS' option enable_notification_mode, which is off by default too)" group:"gms"`
	GMSCometDCallback   bool          `name:"gms-cometd-callback" help:"serve CometD's transport callback-polling, for pages that can use nothing else; a page of any origin can use it" group:"gms"`
	GMSCometDCookie     bool          `name:"gms-cometd-cookie" help:"require the cookie BAYEUX_BROWSER for file operations over /genesys/2/chat-ntf; by default the secure key suffices, because browsers may block the cookie" group:"gms"`
	GMSCometDBackground time.Duration `name:"gms-cometd-background" default:"10m" help:"how long a customer whose app went to the background stays in its chat; how long GMS keeps it is not published" group:"gms" placeholder:"DURATION"`
	GMSOption           []string      `name:"gms-option" sep:";" help:"what the vendor has not published of the interface; repeat it for more, or separate them by semicolons; --help lists them below" group:"gms" placeholder:"NAME=VALUE"`
	upstreamFlags
}

func (f gmsFlags) check(m *mistakes) {
	if f.GMS != gmsServed {
		why := "without --gms"
		if f.GMS != "" {
			why = withAddress
		}
		m.idle(given(f, "gms"), why)
		return
	}
	for _, s := range f.GMSService {
		_, err := gms.ParseService(s)
		m.addError("--gms-service", err)
	}
	for _, err := range gms.NamedOptions.Check(f.GMSOption) {
		m.addError("--gms-option", err)
	}
	for _, h := range f.GMSHeaders {
		if h == "" || strings.Trim(strings.ToLower(h), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			m.add("--gms-headers=%s: give the name of a header", h)
		}
	}
	if !f.GMSCometD && (f.GMSCometDCallback || f.GMSCometDCookie) {
		m.add("--gms-cometd-callback and --gms-cometd-cookie have no effect without --gms-cometd")
	}
	if f.GMSCometDBackground < 0 || f.GMSCometDBackground > mostAway {
		m.add("--gms-cometd-background=%s: it takes 0s to 480h", f.GMSCometDBackground)
	}
	keys, err := f.apiKeys()
	m.addError("--gms-api-key-file", err)
	if err == nil && len(keys) == 0 && f.GMSAdmission == string(gms.AdmitAPIKey) {
		m.add("--gms-admission=apikey needs keys: give --gms-api-key-file")
	}
}

// minAPIKey is the length below which a key could be guessed, in bytes.
const minAPIKey = 16

func (f gmsFlags) apiKeys() (keys []string, err error) {
	if f.GMSAPIKeyFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.GMSAPIKeyFile)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if len(line) < minAPIKey {
			return nil, errors.New("a key has at least 16 characters: make one with openssl rand -hex 16")
		}
		keys = append(keys, line)
	}
	return keys, nil
}

// handler returns the handler of gms.Path; nil if it is not served. The flags have been checked.
func (f gmsFlags) handler(ctx context.Context, p *proxy.Proxy, e *engine.Engine, o gms.Options) (*gms.Server, error) {
	if f.GMS != gmsServed {
		return nil, nil
	}
	for _, text := range f.GMSService {
		s, err := gms.ParseService(text)
		if err != nil {
			return nil, err
		}
		o.Services = append(o.Services, s)
	}
	for _, setting := range f.GMSOption {
		if err := gms.NamedOptions.Set(&o, setting); err != nil {
			return nil, err
		}
	}
	var err error
	o.Admission, o.Headers = gms.Admission(f.GMSAdmission), f.GMSHeaders
	if o.APIKeys, err = f.apiKeys(); err != nil {
		return nil, err
	}
	if f.GMSCometD {
		if o.CometD.Secret, err = e.Secret(ctx, "gms"); err != nil {
			return nil, fmt.Errorf("read the secret for CometD's keys: %w", err)
		}
		o.CometD.Callback, o.CometD.RequireCookie, o.CometD.Background = f.GMSCometDCallback, f.GMSCometDCookie, f.GMSCometDBackground
	}
	return gms.NewServer(p, o)
}
