package mail

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// TLS says how the connection to a server is encrypted.
type TLS string

const (
	StartTLS TLS = "starttls" // by the command STARTTLS, before anything else; without it, nothing is sent
	Implicit TLS = "tls"      // from its first byte
	NoTLS    TLS = "none"     // not at all: for a server on this machine
)

// Modes is the closed list.
var Modes = []TLS{StartTLS, Implicit, NoTLS}

// SMTPOptions are the options of [NewSMTP].
type SMTPOptions struct {
	Server   string // host:port
	TLS      TLS    // default: StartTLS
	From     string // address, or name and address: Support <support@example.com>
	User     string // for AUTH; empty: without
	Password string
	// Config is for TLS; nil: the system's roots, and the server's host name.
	Config *tls.Config
	// Timeout bounds each part of the dialogue; the answer to the end of a message has ten
	// times as long, as RFC 5321, section 4.5.3.2 says. Default: 1 min.
	Timeout time.Duration
}

// SMTP sends mails to one server, each over a connection of its own.
type SMTP struct {
	cfg  SMTPOptions
	host string
	port int
	from *mail.Address
}

var _ Sender = (*SMTP)(nil)

// NewSMTP returns a Sender, or an error that says which option cannot work.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	o.TLS, o.Timeout = cmp.Or(o.TLS, StartTLS), cmp.Or(o.Timeout, time.Minute)
	host, port, err := net.SplitHostPort(o.Server)
	if err != nil || host == "" {
		return nil, fmt.Errorf("the server %q is not host:port", o.Server)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return nil, fmt.Errorf("the server %q has no valid port: 1 to 65535", o.Server)
	}
	from, err := mail.ParseAddress(o.From)
	if err == nil {
		err = CheckAddress(from.Address)
	}
	if err != nil {
		return nil, fmt.Errorf("the sender %q is not an address such as Support <support@example.com>", o.From)
	}
	switch {
	case o.TLS != StartTLS && o.TLS != Implicit && o.TLS != NoTLS:
		return nil, fmt.Errorf("the encryption %q is none of starttls, tls, none", o.TLS)
	case (o.User == "") != (o.Password == ""):
		return nil, errors.New("the user and the password for the server go together")
	case o.TLS == NoTLS && o.User != "" && !loopback(host):
		return nil, errors.New("the password would be sent in clear: encrypt the connection")
	}
	return &SMTP{cfg: o, host: host, port: int(number), from: from}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Send sends m.
func (s *SMTP) Send(ctx context.Context, m Message, commit func() error) error {
	raw, err := m.encode(s.from)
	if err != nil {
		return &Failure{Phase: Connect, Err: err}
	}
	d := &dialogue{smtp: s}
	// The library's own deadlines do not end with ctx, and it leaves connections open.
	defer d.close()
	defer context.AfterFunc(ctx, d.close)()
	return d.run(ctx, m.To, raw, commit)
}

// encode returns the message as it is sent.
func (m Message) encode(from *mail.Address) ([]byte, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithBoundary(m.boundary()))
	msg.FromMailAddress(from)
	if err := msg.To(m.To); err != nil {
		return nil, err
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID)
	msg.SetDateWithValue(m.Date)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation notices in answer
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write the mail: %w", err)
	}
	return b.Bytes(), nil
}

// failure returns err with the server's reply, if it is one.
func failure(p Phase, err error) *Failure {
	f := &Failure{Phase: p, Err: err}
	var reply *textproto.Error
	if errors.As(err, &reply) {
		f.Status = reply.Code
	}
	return f
}

// boundary is the same for every try. No customer knows it, because the id is random.
func (m Message) boundary() string {
	sum := sha256.Sum256([]byte(m.ID))
	return "attache_" + hex.EncodeToString(sum[:16])
}
