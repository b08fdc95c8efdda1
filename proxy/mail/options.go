package mail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// Chat is a Chat Server whose transcripts can be read without being a party, and that reports
// which sessions have ended.
type Chat interface {
	Transcript(ctx context.Context, session string, position int64, each func(bridge.Event) error) error
	Ended(ctx context.Context, cursor string, ended func(session, cursor string) error) error
}

// Unclear says what happens to a mail that a server may have taken: a proxy died, or the
// connection broke, between DATA and the server's answer.
type UnclearPolicy string

const (
	Drop   UnclearPolicy = "drop"   // it is not sent again: at most once
	Repeat UnclearPolicy = "repeat" // it is sent again, with the same Message-ID: at least once
)

// Options configure [Start]. Chat, Sender and From are required.
type Options struct {
	Chat   Chat
	Sender Sender
	From   string // the sender's address; its domain is in each Message-ID

	// RecipientKey is the key of the customer's user data that has the address. Recipient is
	// the address for sessions without that. At least one is required. The key is not
	// published for Chat Server; GMS' request for a chat has the parameter emailAddress.
	RecipientKey string
	Recipient    string

	// PerAddress is how many mails an address gets in a day, of UTC: whoever writes the user
	// data may name anybody's. Default: 10.
	PerAddress int

	// Unclear is what happens to a mail that the server may have. Default: Drop.
	Unclear UnclearPolicy

	// Texts are the mail's sentences. Default: English.
	Texts *Texts

	// Tries bounds the tries that fail, and Late how long after its session's end a mail is
	// still sent. Default: 100 and 72 h.
	Tries int
	Late  time.Duration

	// Delay is the pause before the second try; it doubles up to MaxDelay, and each pause is
	// random between half of it and all of it. Default: 30 s and 1 h.
	Delay, MaxDelay time.Duration

	// Lease is how long a mail stays with a proxy that has gone silent. Default: 10 s.
	Lease time.Duration

	// Workers is how many mails are sent at the same time. Default: 4.
	Workers int

	// Keep is how long records are kept; at least as long as sessions, which would be mailed
	// again. Default: 31 days.
	Keep time.Duration

	// Audit gets a line for the end of each mail, at least once. Default: none.
	Audit proxy.Audit
	// OnEnd is called with each record that this process has ended; it must not block.
	OnEnd func(Record)
	// Log gets a line for each mail that ends and for each try that fails, never an address.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// complete sets the defaults. It fails if an option is missing or cannot work.
func (o *Options) complete() error {
	o.PerAddress = cmp.Or(o.PerAddress, 10)
	o.Unclear = cmp.Or(o.Unclear, Drop)
	o.Texts = cmp.Or(o.Texts, new(English()))
	o.Tries = cmp.Or(o.Tries, 100)
	o.Late = cmp.Or(o.Late, 72*time.Hour)
	o.Delay = cmp.Or(o.Delay, 30*time.Second)
	o.MaxDelay = cmp.Or(o.MaxDelay, time.Hour)
	o.Lease = cmp.Or(o.Lease, 10*time.Second)
	o.Workers = cmp.Or(o.Workers, 4)
	o.Keep = cmp.Or(o.Keep, 31*24*time.Hour)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.OnEnd == nil {
		o.OnEnd = func(Record) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Recipient != "" {
		if err := CheckAddress(o.Recipient); err != nil {
			return fmt.Errorf("the recipient: %w", err)
		}
	}
	switch {
	case o.Chat == nil:
		return errors.New("a mail needs a Chat Server whose transcripts can be read")
	case o.Sender == nil:
		return errors.New("a mail needs a Sender")
	case o.RecipientKey == "" && o.Recipient == "":
		return errors.New("a mail needs a recipient: the key of the user data that has it, or an address")
	case o.Unclear != Drop && o.Unclear != Repeat:
		return fmt.Errorf("what happens to an unclear mail is drop or repeat, not %q", o.Unclear)
	}
	return o.Texts.check()
}

// domain is the sender's, for Message-IDs.
func (o *Options) domain() string {
	_, domain, _ := strings.Cut(strings.TrimSuffix(o.From, ">"), "@")
	if !validDomain(domain) {
		return "attache.invalid"
	}
	return domain
}
