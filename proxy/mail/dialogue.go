package mail

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// endFactor is how much longer a server may take for the end of a message than for anything else.
const endFactor = 10

// dialogue is one connection, for one message.
type dialogue struct {
	smtp *SMTP

	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

func (d *dialogue) run(ctx context.Context, to string, raw []byte, commit func() error) error {
	timeout := d.smtp.cfg.Timeout
	client, err := d.connect(ctx)
	if err != nil {
		return failure(Connect, err)
	}
	within := func(t time.Duration) { _ = client.UpdateDeadline(t) }
	within(timeout)
	if err := client.Mail("<" + d.smtp.from.Address + ">"); err != nil {
		return failure(Envelope, err)
	}
	within(timeout)
	if err := client.Rcpt("<" + to + ">"); err != nil {
		return failure(Envelope, err)
	}
	if err := commit(); err != nil {
		return err
	}
	within(timeout)
	w, err := client.Data()
	if err != nil {
		return failure(Data, err)
	}
	crashPoint("data")
	within(timeout + time.Duration(len(raw)/minRate)*time.Second)
	if _, err = w.Write(raw); err == nil {
		err = client.Text.W.Flush() // or a lost connection would not show before the end
	}
	if err != nil {
		return failure(Data, err)
	}
	crashPoint("written")
	within(endFactor * timeout)
	if err := w.Close(); err != nil {
		return failure(EndOfData, err)
	}
	crashPoint("taken by the server")
	within(timeout)
	_ = client.Quit() // the server has the message, whatever it says now
	return nil
}

// minRate is the rate, in bytes per second, at which a server is expected to read, at least.
const minRate = 16 << 10

// authentication are the mechanisms to use, the first that the server offers. Plain and Login are
// refused by the library without TLS, except on this machine.
var authentication = []gomail.SMTPAuthType{
	gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin,
}

func (d *dialogue) connect(ctx context.Context) (*smtp.Client, error) {
	s := d.smtp
	config := &tls.Config{}
	if s.cfg.Config != nil {
		config = s.cfg.Config.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = s.host
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	options := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.cfg.Timeout), gomail.WithTLSConfig(config), gomail.WithoutSMTPUTF8(),
		gomail.WithDialContextFunc(d.dial(config)),
	}
	switch s.cfg.TLS {
	case StartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case Implicit:
		options = append(options, gomail.WithSSL(), gomail.WithTLSPolicy(gomail.NoTLS))
	case NoTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.cfg.User != "" {
		options = append(options, gomail.WithOpportunisticSMTPAuth(authentication...), gomail.WithUsername(s.cfg.User), gomail.WithPassword(s.cfg.Password))
	}
	client, err := gomail.NewClient(s.host, options...)
	if err != nil {
		return nil, err
	}
	return client.DialToSMTPClientWithContext(ctx)
}

// dial keeps the connection, because only a closed one ends a dialogue at once.
func (d *dialogue) dial(config *tls.Config) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		if d.smtp.cfg.TLS == Implicit {
			conn, err = (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
		} else {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		}
		if err != nil {
			return nil, err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.conn = conn; d.closed {
			conn.Close()
		}
		return conn, nil
	}
}

func (d *dialogue) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.conn != nil {
		d.conn.Close()
	}
}
