package upstream

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"attache/bridge"
)

// Options are those of [Open]. URL is required.
type Options struct {
	// URL is the address of GMS, https://host:port, with a path if a reverse proxy adds one.
	URL string
	// Service is the name of the chat service in GMS' configuration. Default: customer-support,
	// the one of its samples.
	Service string
	// APIKey is sent in the header apikey, which an API gateway in front of GMS checks.
	APIKey string
	// CA are the authorities that may have issued GMS' certificate. Default: the system's.
	CA *x509.CertPool

	// RequestTime bounds a request that carries no file. It must be longer than GMS' own time
	// for Chat Server. Default: 10 s.
	RequestTime time.Duration
	// IdleTime bounds how long a file's transfer may stall, including GMS' own work before it
	// answers an upload. Default: 1 min.
	IdleTime time.Duration
	// Poll is the pause between two polls of a chat. Default: 1 s.
	Poll time.Duration
	// Settle is how long GMS may still do what it was asked by a request that is over for us.
	// Default: 10 s.
	Settle time.Duration
	// Lease is how long a chat stays with a proxy that has gone silent; much less than GMS' own
	// flex-disconnect-timeout. Default: 5 s.
	Lease time.Duration
	// Keep is how long chats and their events are remembered. Default: 30 days.
	Keep time.Duration
	// KeepContent is how long a downloaded file answers retries and Ranges without another
	// attempt: as long as a download may be resumed. Default: 6 h.
	KeepContent time.Duration

	Unknowns Unknowns

	// Log receives failures; nil drops them.
	Log *slog.Logger
}

// Unknowns are what the vendor's papers leave open. The zero value is the default.
type Unknowns struct {
	// HideKey leaves userData[attache-key] out of uploads. Whether GMS passes keys of userData
	// that it does not know on to the notice is unknown; where it refuses them, hide ours.
	HideKey bool
	// Status2Ends says that an answer with statusCode 2 ends the chat. The vendor's papers say
	// so in one place, and in another one to look at chatEnded; by default a refresh decides.
	Status2Ends bool
	// Nickname is that of customers whose token has none: GMS refuses a chat without a name.
	// Default: Customer.
	Nickname string
	// Codes of faults that are not in the vendor's widget: a file that is too large by itself,
	// no download attempt left, no agent in the chat yet, no such file. Default: none is known.
	FileTooLarge, AttemptsUsed, NeedAgent, UnknownFile int
}

// unknownFields sets one of the unknowns by its name on the command line.
var unknownFields = map[string]func(*Unknowns, string) error{
	"attache-key":    choice(func(u *Unknowns, hide bool) { u.HideKey = hide }, "send", "hide"),
	"status-2":       choice(func(u *Unknowns, ends bool) { u.Status2Ends = ends }, "ask", "ends"),
	"nickname":       func(u *Unknowns, s string) error { u.Nickname = s; return bridge.CheckNickname(s) },
	"file-too-large": number(func(u *Unknowns) *int { return &u.FileTooLarge }),
	"attempts-used":  number(func(u *Unknowns) *int { return &u.AttemptsUsed }),
	"need-agent":     number(func(u *Unknowns) *int { return &u.NeedAgent }),
	"unknown-file":   number(func(u *Unknowns) *int { return &u.UnknownFile }),
}

func choice(set func(*Unknowns, bool), off, on string) func(*Unknowns, string) error {
	return func(u *Unknowns, s string) error {
		if s != off && s != on {
			return fmt.Errorf("it is %s or %s", off, on)
		}
		set(u, s == on)
		return nil
	}
}

func number(field func(*Unknowns) *int) func(*Unknowns, string) error {
	return func(u *Unknowns, s string) error {
		if n, err := fmt.Sscanf(s, "%d\n", field(u)); err != nil || n != 1 || *field(u) < 1 {
			return errors.New("it is the number of a fault")
		}
		return nil
	}
}

// Set sets an unknown by its name.
func (u *Unknowns) Set(name, value string) error {
	set, ok := unknownFields[name]
	if !ok {
		return fmt.Errorf("there is no option %q of a GMS", name)
	}
	if err := set(u, value); err != nil {
		return fmt.Errorf("the option %s of a GMS: %w", name, err)
	}
	return nil
}

func (o *Options) complete() (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(o.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("the address of GMS is https://host:port, not %q", o.URL)
	}
	o.Service = cmp.Or(o.Service, "customer-support")
	if strings.ContainsAny(o.Service, "/?#%") || o.Service == "." || o.Service == ".." {
		return nil, fmt.Errorf("%q cannot be the name of a chat service", o.Service)
	}
	o.RequestTime = cmp.Or(o.RequestTime, 10*time.Second)
	o.IdleTime = cmp.Or(o.IdleTime, time.Minute)
	o.Poll = cmp.Or(o.Poll, time.Second)
	o.Settle = cmp.Or(o.Settle, 10*time.Second)
	o.Lease = cmp.Or(o.Lease, 5*time.Second)
	o.Keep = cmp.Or(o.Keep, 30*24*time.Hour)
	o.KeepContent = cmp.Or(o.KeepContent, 6*time.Hour)
	o.Unknowns.Nickname = cmp.Or(o.Unknowns.Nickname, "Customer")
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return base, nil
}
