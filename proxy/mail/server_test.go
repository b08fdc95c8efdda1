package mail_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/mail"
)

// phase is where a server can fail.
type phase string

const (
	connecting phase = "connect"
	banner     phase = "banner"
	ehlo       phase = "EHLO"
	starttls   phase = "STARTTLS"
	auth       phase = "AUTH"
	from       phase = "MAIL"
	rcpt       phase = "RCPT"
	data       phase = "DATA"
	content    phase = "content" // the server breaks off while it reads the message
	end        phase = "end"     // the message has been read
	quit       phase = "QUIT"
)

var phases = []phase{connecting, banner, ehlo, starttls, auth, from, rcpt, data, content, end, quit}

// What a server does instead of what it should. Any other text is its reply.
const (
	cut     = "cut"
	cutKept = "cut, with the message" // at the end of a message
)

// received is a message that a server has taken.
type received struct {
	from, to string
	id       string
	mail     *netmail.Message
	raw      []byte
}

// server is an SMTP server that fails where a test says.
type server struct {
	t    *testing.T
	l    net.Listener
	tls  *tls.Config
	pool *x509.CertPool

	mu sync.Mutex
	// on is called in each phase of each connection; "" is to go on.
	on          func(p phase, connection int) string
	mails       []received
	connections int
	users       []string
	conns       map[net.Conn]bool
	running     sync.WaitGroup
}

func newServer(t *testing.T) *server {
	t.Helper()
	https := httptest.NewUnstartedServer(nil)
	https.StartTLS()
	defer https.Close()
	s := &server{t: t, tls: &tls.Config{Certificates: https.TLS.Certificates}, pool: x509.NewCertPool(), conns: map[net.Conn]bool{}, on: func(phase, int) string { return "" }}
	s.pool.AddCert(https.Certificate())
	var err error
	s.l, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := s.l
	s.running.Go(func() { s.accept(l) })
	t.Cleanup(func() {
		s.l.Close()
		s.mu.Lock()
		for c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		s.running.Wait()
	})
	return s
}

// sender is a Sender that uses the server.
func (s *server) sender(change ...func(*mail.SMTPOptions)) *mail.SMTP {
	s.t.Helper()
	o := mail.SMTPOptions{
		Server: s.l.Addr().String(), From: "Support <support@example.com>", User: "attache", Password: "secret", Config: &tls.Config{RootCAs: s.pool},
		Timeout: patience,
	}
	for _, c := range change {
		c(&o)
	}
	sender, err := mail.NewSMTP(o)
	require.NoError(s.t, err)
	return sender
}

func (s *server) taken() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received{}, s.mails...)
}

// fail sets on, and forgets the mails.
func (s *server) fail(on func(p phase, connection int) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on, s.mails = on, nil
}

func (s *server) does(p phase, connection int) string {
	s.mu.Lock()
	on := s.on
	s.mu.Unlock()
	return on(p, connection)
}

func (s *server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.connections++
		n := s.connections
		s.conns[c] = true
		s.mu.Unlock()
		s.running.Go(func() {
			defer c.Close()
			d := &dialogue{server: s, conn: c, in: bufio.NewReader(c), n: n}
			d.run()
		})
	}
}

// dialogue is one connection.
type dialogue struct {
	*server
	conn     net.Conn
	in       *bufio.Reader
	n        int
	from, to string
}

// at does what the test says; ok is false if the connection ends.
func (d *dialogue) at(p phase, reply string) (ok bool) {
	failed, ok := d.fails(p)
	if !failed {
		d.say(reply)
	}
	return ok
}

// fails is at for a phase with more than a reply.
func (d *dialogue) fails(p phase) (failed, ok bool) {
	switch instead := d.does(p, d.n); instead {
	case "":
		return false, true
	case cut, cutKept:
		return true, false
	default:
		d.say(instead)
		return true, p != banner
	}
}

func (d *dialogue) say(reply string) {
	fmt.Fprint(d.conn, strings.ReplaceAll(reply, "\n", "\r\n")+"\r\n")
}

func (d *dialogue) run() {
	if d.does(connecting, d.n) != "" {
		return
	}
	if !d.at(banner, "220 mail.example ESMTP") {
		return
	}
	for {
		line, err := d.in.ReadString('\n')
		if err != nil {
			return
		}
		if !d.command(strings.TrimSpace(line)) {
			return
		}
	}
}

func (d *dialogue) command(line string) (ok bool) {
	verb, rest, _ := strings.Cut(line, " ")
	_, encrypted := d.conn.(*tls.Conn)
	switch strings.ToUpper(verb) {
	case "EHLO", "HELO":
		reply := "250-mail.example\n250-8BITMIME\n250-SMTPUTF8\n250 STARTTLS"
		if encrypted {
			reply = "250-mail.example\n250-8BITMIME\n250 AUTH PLAIN LOGIN"
		}
		return d.at(ehlo, reply)
	case "STARTTLS":
		if failed, ok := d.fails(starttls); failed {
			return ok
		}
		d.say("220 go on")
		c := tls.Server(d.conn, d.tls)
		d.conn, d.in = c, bufio.NewReader(c)
		return true
	case "AUTH":
		_, token, _ := strings.Cut(rest, " ")
		plain, _ := base64.StdEncoding.DecodeString(token)
		d.mu.Lock()
		d.users = append(d.users, string(bytes.ReplaceAll(plain, []byte{0}, []byte("/"))))
		d.mu.Unlock()
		return d.at(auth, "235 welcome")
	case "MAIL":
		d.from = rest
		return d.at(from, "250 ok")
	case "RCPT":
		d.to = rest
		return d.at(rcpt, "250 ok")
	case "DATA":
		if failed, ok := d.fails(data); failed {
			return ok
		}
		d.say("354 go on")
		return d.content()
	case "QUIT":
		d.at(quit, "221 bye")
		return false
	}
	d.say("250 ok")
	return true
}

func (d *dialogue) content() (ok bool) {
	if d.does(content, d.n) != "" {
		d.in.ReadByte()
		return false
	}
	var raw bytes.Buffer
	for {
		line, err := d.in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, "."))
	}
	instead := d.does(end, d.n)
	if instead == "" || instead == cutKept {
		d.keep(raw.Bytes())
	}
	switch instead {
	case "":
		d.say("250 queued")
		return true
	case cut, cutKept:
		return false
	}
	d.say(instead)
	return true
}

func (d *dialogue) keep(raw []byte) {
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		d.t.Errorf("a message cannot be read: %v\n%s", err, raw)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mails = append(d.mails, received{from: d.from, to: d.to, id: m.Header.Get("Message-Id"), mail: m, raw: raw})
}
