package mail_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/audit"
	"attache/proxy/mail"
)

// failing is a Sender that always fails so.
type failing struct{ failure mail.Failure }

func (f failing) Send(_ context.Context, _ mail.Message, commit func() error) error {
	if f.failure.Phase == mail.EndOfData {
		if err := commit(); err != nil {
			return err
		}
	}
	return &f.failure
}

func TestT53AddressGetsALimitedNumberOfMailsADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := &mail.Outbox{}
	l := w.start(o, func(o *mail.Options) { o.PerAddress, o.RecipientKey = 3, "EmailAddress" })
	for n, to := range []string{"a@b.example", "A@B.example", "a@b.example", "other@b.example"} {
		session := fmt.Sprint("s", n)
		w.chatted(session, emailAddress(to))
		w.await(l, session, mail.Sent)
	}
	w.chatted("s4", emailAddress("a@B.example"))
	require.Equal(t, bridge.CodeBusy, w.await(l, "s4", mail.Failed).Code)
	require.Len(t, o.Mails(""), 4)
}

// A mail that is tried again counts once.
func TestT53TriesOfOneMailCountOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start(failing{mail.Failure{Phase: mail.Envelope, Status: 451, Err: os.ErrClosed}}, func(o *mail.Options) { o.PerAddress = 1 })
	w.chatted("s1")
	w.until(l, "s1", func(r mail.Record) bool { return r.Tries > 2 })
}

func TestMailIsGivenUpAfterItsTriesAndItsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refusing := failing{mail.Failure{Phase: mail.Connect, Status: 554, Err: fmt.Errorf("no service for %s", address)}}
	l := w.start(refusing, func(o *mail.Options) { o.Tries = 3 })
	w.chatted("s1")
	r := w.await(l, "s1", mail.Failed)
	require.Equal(t, 3, r.Tries)
	require.Equal(t, bridge.CodeOffline, r.Code)
	require.Equal(t, 554, r.Status)
	require.Contains(t, w.log.String(), "no service for <recipient>")
	require.Contains(t, w.log.String(), "is sent by mail\" \"recipient key\"=")
	require.Equal(t, 2, strings.Count(w.log.String(), "a mail could not be sent yet"), w.log)
	require.Equal(t, 1, strings.Count(w.log.String(), "a mail was not sent"), w.log)
	require.Regexp(t, "could not be sent yet.*status=554 retry=.* hint=", w.log.String())
	require.NotContains(t, w.log.String(), address)
	require.NoError(t, l.Close(t.Context()))

	w.chatted("s2")
	late := w.start(&mail.Outbox{}, func(o *mail.Options) {
		o.Now = func() time.Time { return time.Now().Add(73 * time.Hour) }
	})
	require.Equal(t, bridge.CodeTimeout, w.await(late, "s2", mail.Failed).Code)
}

func TestSessionsBeforeMailWasSwitchedOnGetNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.chatted("before")
	o := &mail.Outbox{}
	l := w.start(o, func(o *mail.Options) { o.Now = func() time.Time { return time.Now().Add(time.Minute) } })
	w.await(l, "before", mail.Skipped)
	require.NoError(t, l.Close(t.Context()))
	require.Empty(t, o.Mails(""))
}

// Several proxies share one engine, and each session's mail is sent by one of them.
func TestSeveralProxiesSendEachMailOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := &mail.Outbox{}
	count := counting{Outbox: o, sent: map[string]int{}}
	var loops []*mail.Loop
	for range 3 {
		loops = append(loops, w.start(&count))
	}
	for n := range 12 {
		w.chatted(fmt.Sprint("s", n))
	}
	for n := range 12 {
		w.await(loops[n%3], fmt.Sprint("s", n), mail.Sent)
	}
	count.mu.Lock()
	defer count.mu.Unlock()
	require.Len(t, count.sent, 12)
	for session, n := range count.sent {
		require.Equal(t, 1, n, session)
	}
}

// counting is an Outbox that counts the mails of each session.
type counting struct {
	*mail.Outbox
	mu   sync.Mutex
	sent map[string]int
}

func (c *counting) Send(ctx context.Context, m mail.Message, commit func() error) error {
	err := c.Outbox.Send(ctx, m, commit)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.sent[m.Session]++
	}
	return err
}

// slow is a Sender that waits before and after it commits.
type slow struct {
	*mail.Outbox
	in, commit chan struct{}
}

func (s slow) Send(ctx context.Context, m mail.Message, commit func() error) error {
	return s.Outbox.Send(ctx, m, func() error {
		s.in <- struct{}{}
		<-s.commit
		return commit()
	})
}

// A proxy that only seemed dead, and was overtaken, sends nothing.
func TestB22OvertakenProxySendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stuck := slow{&mail.Outbox{}, make(chan struct{}), make(chan struct{})}
	// Its lease is renewed only by a loop that lives, so a closed one cannot hold it.
	first := w.start(stuck, func(o *mail.Options) { o.Lease = brief })
	w.chatted("s1")
	<-stuck.in
	closed := make(chan struct{})
	go func() { kill(first); close(closed) }()
	second := &mail.Outbox{}
	l := w.start(second, func(o *mail.Options) { o.Lease = brief })
	w.await(l, "s1", mail.Sent)
	close(stuck.commit)
	<-closed
	require.Len(t, second.Mails(""), 1)
	require.Empty(t, stuck.Mails(""))
}

func TestCloseBreaksADialogueOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newServer(t)
	reached, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	var once sync.Once
	s.fail(func(p phase, _ int) string {
		if p == rcpt {
			once.Do(func() { close(reached) })
			<-release
			return cut
		}
		return ""
	})
	l := w.start(s.sender())
	w.chatted("s1")
	<-reached
	begun := time.Now()
	kill(l)
	require.Less(t, time.Since(begun), patience/2, "it does not wait for the server")
	r, _, err := l.Record(t.Context(), "s1")
	require.NoError(t, err)
	require.Equal(t, mail.Waiting, r.State)
}

func TestT21EveryMailThatEndsHasALine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := t.TempDir() + "/audit"
	log, err := audit.Open(path, audit.Options{})
	require.NoError(t, err)
	defer log.Close()
	l := w.start(&mail.Outbox{}, func(o *mail.Options) { o.Audit, o.PerAddress = log, 1 })
	w.chatted("s1")
	w.await(l, "s1", mail.Sent)
	w.chatted("s2")
	w.await(l, "s2", mail.Failed)
	require.NoError(t, l.Close(t.Context()))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), `"action":"mail","session":"s1"`)
	require.Contains(t, string(text), `"action":"mail","session":"s2"`)
	require.Contains(t, string(text), `"code":"busy"`)
	require.NotContains(t, string(text), "@")
}

func TestSMTPRefusesOptionsThatCannotWork(t *testing.T) {
	good := mail.SMTPOptions{Server: "mail.example:587", From: "Support <support@example.com>", User: "u", Password: "p"}
	_, err := mail.NewSMTP(good)
	require.NoError(t, err)
	for message, change := range map[string]func(*mail.SMTPOptions){
		"is not host:port":                func(o *mail.SMTPOptions) { o.Server = "mail.example" },
		"has no valid port":               func(o *mail.SMTPOptions) { o.Server = "mail.example:x" },
		"is not an address":               func(o *mail.SMTPOptions) { o.From = "support" },
		"is none of starttls, tls, none":  func(o *mail.SMTPOptions) { o.TLS = "ssl" },
		"go together":                     func(o *mail.SMTPOptions) { o.Password = "" },
		"would be sent in clear":          func(o *mail.SMTPOptions) { o.TLS = mail.NoTLS },
		"\"\" is not an address such as ": func(o *mail.SMTPOptions) { o.From = "" },
	} {
		o := good
		change(&o)
		_, err := mail.NewSMTP(o)
		require.ErrorContains(t, err, message)
	}
	w := newWorld(t)
	for message, o := range map[string]mail.Options{
		"needs a Chat Server": {Sender: &mail.Outbox{}, Recipient: address},
		"needs a Sender":      {Chat: w.chat, Recipient: address},
		"needs a recipient":   {Chat: w.chat, Sender: &mail.Outbox{}},
		"the recipient":       {Chat: w.chat, Sender: &mail.Outbox{}, Recipient: "x"},
		"drop or repeat":      {Chat: w.chat, Sender: &mail.Outbox{}, Recipient: address, Unclear: "x"},
	} {
		_, err := mail.Start(t.Context(), w.engine, o)
		require.ErrorContains(t, err, message)
	}
}

func TestMailOverTLSFromTheFirstByte(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.l.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", s.tls)
	require.NoError(t, err)
	s.l = l
	s.running.Go(func() { s.accept(l) })
	require.NoError(t, s.sender(func(o *mail.SMTPOptions) { o.TLS = mail.Implicit }).Send(t.Context(),
		mail.Message{ID: "1@example.com", To: address, Subject: "x", Text: "hello", HTML: "hello"}, func() error { return nil }))
	require.Len(t, s.taken(), 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Equal(t, []string{"/attache/secret"}, s.users)
	require.False(t, strings.Contains(string(s.mails[0].raw), "secret"))
}

// A server that offers no STARTTLS gets nothing.
func TestT54NothingIsSentInClear(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.fail(func(p phase, _ int) string {
		if p == ehlo {
			return "250-mail.example\n250 AUTH PLAIN LOGIN"
		}
		return ""
	})
	err := s.sender().Send(t.Context(), mail.Message{ID: "1@example.com", To: address}, func() error { return nil })
	var failure *mail.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, mail.Connect, failure.Phase)
	require.ErrorContains(t, err, "STARTTLS")
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Empty(t, s.users)
}

// A message whose state cannot be recorded is not handed to the server.
func TestB22NothingIsSentWithoutItsRecord(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	lost := errors.New("the record cannot be written")
	err := s.sender().Send(t.Context(), mail.Message{ID: "1@example.com", To: address, Text: "hello"}, func() error { return lost })
	require.ErrorIs(t, err, lost)
	require.Empty(t, s.taken())
}

// giving is a Sender that commits, waits, and then fails or not.
type giving struct {
	in, out chan struct{}
	err     error
}

func (g giving) Send(_ context.Context, _ mail.Message, commit func() error) error {
	if err := commit(); err != nil {
		return err
	}
	g.in <- struct{}{}
	<-g.out
	return g.err
}

// A proxy that was overtaken does not end the mail that another one is sending.
func TestB22OvertakenProxyEndsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unclear := &mail.Failure{Phase: mail.EndOfData, Err: errors.New("cut")}
	first, second := giving{make(chan struct{}), make(chan struct{}), unclear}, giving{make(chan struct{}), make(chan struct{}), nil}
	release := sync.OnceFunc(func() { close(second.out) })
	defer release() // or a failed test would wait for the sender
	overtaken := w.start(first, func(o *mail.Options) { o.Lease = brief })
	w.chatted("s1")
	<-first.in
	closed := make(chan struct{})
	go func() { kill(overtaken); close(closed) }()
	l := w.start(second, func(o *mail.Options) { o.Lease, o.Unclear = brief, mail.Repeat })
	<-second.in
	close(first.out)
	<-closed
	r, _, err := l.Record(t.Context(), "s1")
	require.NoError(t, err)
	require.Equal(t, mail.Sending, r.State)
	release()
	w.await(l, "s1", mail.Sent)
}
