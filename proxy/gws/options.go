package gws

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"attache/proxy"
)

// Options of [New].
type Options struct {
	URL string      // http or https, with or without a path. Required
	TLS *tls.Config // nil: the system's roots

	// Account logs in for parties that Accounts, by user id, does not name, and reads what
	// others have attached. Whether GWS lets an account attach to an interaction that another
	// agent handles is unknown.
	Account  Account
	Accounts map[string]Account

	// Timeout is how long GWS may take to answer, and how long bytes may not move. Default: 30 s.
	Timeout time.Duration
	// RetryFor bounds the retries of a request that only reads. Default: 10 s.
	RetryFor time.Duration

	Named Named
	Log   *slog.Logger // default: discarded
}

// Account is a user of GWS. With the login bearer, Secret is the token.
type Account struct {
	User   string `json:"user"`
	Secret string `json:"secret"`
}

func (a Account) given() bool { return a.Secret != "" }

func (o Options) complete() (Options, *url.URL, error) {
	base, err := url.Parse(strings.TrimSuffix(o.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return o, nil, fmt.Errorf("the URL of GWS is http://host:port or https://host:port, not %q", o.URL)
	}
	o.Named.complete()
	if !o.Account.given() && len(o.Accounts) == 0 {
		return o, nil, errors.New("GWS needs an account to log in with")
	}
	for user, a := range o.Accounts {
		if !a.given() {
			return o, nil, fmt.Errorf("the account of %q has no secret", user)
		}
	}
	o.Timeout, o.RetryFor = cmp.Or(o.Timeout, 30*time.Second), cmp.Or(o.RetryFor, 10*time.Second)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Named.MaxSize == 0 {
		o.Named.MaxSize = proxy.MaxTheSize
	}
	return o, base, nil
}

// Named are the options that [NamedOptions] lists.
type Named struct {
	API      API
	Login    Login
	Unclear  Unclear
	Announce Announce
	Body     Body
	Store    Store
	MaxSize  int64
	values   map[string]string
}

// Set sets the option that a setting NAME=VALUE names.
func (n *Named) Set(setting string) error {
	name, value, ok := strings.Cut(setting, "=")
	if !ok {
		return fmt.Errorf("%q has no value: write NAME=VALUE", setting)
	}
	i := slices.IndexFunc(NamedOptions, func(o NamedOption) bool { return o.Name == name })
	if i < 0 {
		return fmt.Errorf("%q is not an option of GWS: --help lists the names", name)
	}
	if err := NamedOptions[i].check(value); err != nil {
		return fmt.Errorf("%s=%s: %w", name, value, err)
	}
	if n.values == nil {
		n.values = map[string]string{}
	}
	n.values[name] = value
	n.complete()
	return nil
}

// get returns the option's value, or its default.
func (n Named) get(name string) string {
	if v, ok := n.values[name]; ok {
		return v
	}
	i := slices.IndexFunc(NamedOptions, func(o NamedOption) bool { return o.Name == name })
	return NamedOptions[i].Default
}

func (n *Named) complete() {
	n.API, n.Login, n.Unclear = API(n.get("api")), Login(n.get("login")), Unclear(n.get("unclear"))
	n.Announce, n.Body, n.Store = Announce(n.get("announce")), Body(n.get("body")), Store(n.get("store"))
}
