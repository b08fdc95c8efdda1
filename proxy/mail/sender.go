package mail

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Message is a mail that is ready to be sent.
type Message struct {
	ID      string // of the Message-ID, without brackets; the same for every try
	Session string
	Date    time.Time
	To      string // one address that passes [CheckAddress]
	Subject string
	Text    string
	HTML    string
}

// Sender sends mails.
type Sender interface {
	// Send sends m. Before it lets the server take the message, when sender and recipient
	// are accepted, it calls commit; if that fails, it sends nothing and returns that error.
	// Any other error is a *[Failure]. nil means that the server has taken m.
	Send(ctx context.Context, m Message, commit func() error) error
}

// Phase is a part of the SMTP dialogue.
type Phase string

const (
	Connect   Phase = "connect"   // until the server knows who we are, with TLS and AUTH
	Envelope  Phase = "envelope"  // MAIL and RCPT
	Data      Phase = "data"      // from DATA to before the end of the message
	EndOfData Phase = "endOfData" // the end of the message, and its answer
)

// Failure says how far a mail came.
type Failure struct {
	Phase  Phase
	Status int // the server's reply; 0 if there was none
	Err    error
}

func (f *Failure) Error() string { return fmt.Sprintf("send the mail, %s: %v", f.Phase, f.Err) }

func (f *Failure) Unwrap() error { return f.Err }

// Permanent reports whether the server will never take this message: it said so with 5xx, of the
// message and not of us. A server that refuses us (its banner, STARTTLS, AUTH) may be mended.
func (f *Failure) Permanent() bool { return f.Phase != Connect && f.Status >= 500 }

// Unclear reports whether the server may have taken the message although it did not say so.
func (f *Failure) Unclear() bool { return f.Phase == EndOfData && f.Status == 0 }

// maxLogged bounds what the log has of an error, in bytes.
const maxLogged = 300

// reason is the error for the log. A server may repeat an address in its reply.
func reason(err error, address string) string {
	text := err.Error()
	if address != "" {
		text = strings.ReplaceAll(strings.ReplaceAll(text, address, "<recipient>"), strings.ToLower(address), "<recipient>")
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return text[:min(len(text), maxLogged)]
}
