package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"attache/proxy/assembly"
	"attache/proxy/engine"
	"attache/proxy/gws"
)

// gwsFlags name the web services of the agents, which then store what agents send.
type gwsFlags struct {
	GWS             string        `name:"gws" help:"address of GWS (Genesys Web Services): what agents send becomes an attachment of the chat's interaction there, and what others have attached is read there; everything else stays where --documents says" group:"gws" placeholder:"URL"`
	GWSUser         string        `name:"gws-user" help:"user of GWS for agents that --gws-accounts does not have, and to read what others have attached" group:"gws" placeholder:"NAME"`
	GWSPasswordFile string        `name:"gws-password-file" type:"path" help:"file with that user's password, or with the token for --gws-option=login=bearer" group:"gws" placeholder:"FILE"`
	GWSAccounts     string        `name:"gws-accounts" type:"path" help:"file with agents' own accounts, JSON: {\"user id\": {\"user\": \"name\", \"secret\": \"password\"}}" group:"gws" placeholder:"FILE"`
	GWSCA           string        `name:"gws-ca" type:"path" help:"certificates to trust instead of the system's, PEM" group:"gws" placeholder:"FILE"`
	GWSTimeout      time.Duration `name:"gws-timeout" default:"30s" help:"how long GWS may take to answer, and how long no byte may move" group:"gws" placeholder:"DURATION"`
	GWSOption       []string      `name:"gws-option" sep:";" help:"option of the way that GWS is used, because its documents leave it open; repeat it for more, or separate them by semicolons; --help lists them below" group:"gws" placeholder:"NAME=VALUE"`
}

func (f gwsFlags) check(m *mistakes, documents string) {
	if f.GWS == "" {
		m.idle(given(f), "without GWS: name one with --gws")
		return
	}
	m.base("--gws", f.GWS)
	if f.GWSPasswordFile == "" && f.GWSAccounts == "" {
		m.add("--gws needs an account: give --gws-user with --gws-password-file, or --gws-accounts")
	}
	if f.GWSTimeout <= 0 {
		m.add("--gws-timeout=%s: write, for instance, 30s", f.GWSTimeout)
	}
	var n gws.Named
	for _, setting := range f.GWSOption {
		m.addError("--gws-option", n.Set(setting))
	}
	if n.Store == gws.StoreDocuments && documents == own {
		m.add("--gws-option=store=documents: GWS cannot attach what is in our own store, because it takes documents of UCS")
	}
	if _, err := f.options(nil); err != nil {
		m.add("%w", err)
	}
}

func (f gwsFlags) announcedByGWS() bool {
	var n gws.Named
	for _, setting := range f.GWSOption {
		n.Set(setting) // it was checked
	}
	return n.Announce == gws.AnnounceGWS
}

// use makes w's agents' files those of GWS, if there is one. Call closed after the proxy has ended.
func (f gwsFlags) use(ctx context.Context, e *engine.Engine, keepDays int, w *assembly.Elsewhere, log *slog.Logger) (closed func(), err error) {
	if f.GWS == "" {
		return func() {}, nil
	}
	o, err := f.options(log)
	if err != nil {
		return nil, err
	}
	c, err := gws.New(o)
	if err != nil {
		return nil, err
	}
	d, err := gws.Open(ctx, e, c, time.Duration(keepDays)*24*time.Hour)
	if err != nil {
		c.Close()
		return nil, err
	}
	w.Agents = d.From
	return c.Close, nil
}

func (f gwsFlags) options(log *slog.Logger) (o gws.Options, err error) {
	o = gws.Options{URL: f.GWS, Account: gws.Account{User: f.GWSUser}, Timeout: f.GWSTimeout, Log: log}
	if f.GWSPasswordFile != "" {
		text, err := os.ReadFile(f.GWSPasswordFile)
		if err != nil {
			return o, fmt.Errorf("--gws-password-file: %w", err)
		}
		if o.Account.Secret = string(trimmed(text)); o.Account.Secret == "" {
			return o, fmt.Errorf("--gws-password-file %s is empty", f.GWSPasswordFile)
		}
	}
	if f.GWSAccounts != "" {
		text, err := os.ReadFile(f.GWSAccounts)
		if err != nil {
			return o, fmt.Errorf("--gws-accounts: %w", err)
		}
		if err := json.Unmarshal(text, &o.Accounts); err != nil {
			return o, fmt.Errorf("--gws-accounts %s is not a JSON object of accounts: %w", f.GWSAccounts, err)
		}
		for user, a := range o.Accounts {
			if a.Secret == "" {
				return o, fmt.Errorf("--gws-accounts: the account of %q has no secret", user)
			}
		}
	}
	if f.GWSCA != "" {
		pool, err := roots(f.GWSCA)
		if err != nil {
			return o, fmt.Errorf("--gws-ca: %w", err)
		}
		o.TLS = &tls.Config{RootCAs: pool}
	}
	for _, setting := range f.GWSOption {
		o.Named.Set(setting) // it was checked
	}
	return o, nil
}

// gwsOptionHelp lists the options of --gws-option with their defaults.
func gwsOptionHelp() string {
	var b strings.Builder
	b.WriteString("\nOptions for --gws-option, with their defaults (docs/operating.md says where they are from):\n")
	for _, n := range gws.NamedOptions {
		fmt.Fprintf(&b, "  %s=%s\n      %s (%s)\n", n.Name, n.Default, n.Help, n.Values)
	}
	return b.String()
}
