package mail_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
	"attache/proxy/engine"
	"attache/proxy/mail"
	"attache/proxy/proxytest"
)

func TestMain(m *testing.M) {
	killedHere()
	proxytest.Main(m)
}

// patience is how long a test waits for an event that must come.
const patience = time.Minute

// brief is a lease whose end a test waits for; unhurried one that no pause of the machine ends.
const (
	brief     = 300 * time.Millisecond
	unhurried = 10 * time.Second
)

const address = "ann@customer.example"

// world is an engine with our own Chat Server on it.
type world struct {
	t      *testing.T
	engine *engine.Engine
	chat   *chat.Server
	log    *proxytest.Log
}

func newWorld(t *testing.T) *world {
	t.Helper()
	e, err := engine.Start(context.WithoutCancel(t.Context()), engine.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	c, err := chat.Open(t.Context(), e, chat.Options{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &world{t: t, engine: e, chat: c, log: &proxytest.Log{}}
}

// start runs a loop with times that suit a test, until the test ends. The recipient is fixed.
func (w *world) start(sender mail.Sender, change ...func(*mail.Options)) *mail.Loop {
	w.t.Helper()
	o := mail.Options{
		Chat: w.chat, Sender: sender, From: "support@example.com", Recipient: address, PerAddress: 1000,
		Lease: unhurried, Delay: 2 * time.Millisecond, MaxDelay: 10 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	l, err := mail.Start(w.t.Context(), w.engine, o)
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		l.Close(ctx)
	})
	return l
}

// kill closes a loop without waiting for its mails.
func kill(l *mail.Loop) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.Close(ctx)
}

var people = map[string]bridge.Party{
	"ann": {UserID: "ann", Nickname: "Ann", UserType: bridge.Client},
	"bob": {UserID: "bob", Nickname: "Bob", UserType: bridge.Agent},
}

// emailAddress is the user data with an address.
func emailAddress(s string) bridge.Item { return bridge.Text("EmailAddress", s) }

// chatted is a session in which a customer and an agent have talked, and which has ended.
func (w *world) chatted(session string, userData ...bridge.Item) {
	w.t.Helper()
	w.join(session, people["ann"], userData...)
	w.join(session, people["bob"])
	w.say(session, "ann", "hello")
	w.over(session)
}

func (w *world) join(session string, p bridge.Party, userData ...bridge.Item) {
	w.t.Helper()
	_, err := w.chat.Join(w.t.Context(), session, proxy.Joining{Party: p, UserData: userData})
	require.NoError(w.t, err)
}

func (w *world) post(session, user string, e bridge.Event) {
	w.t.Helper()
	_, err := w.chat.Post(w.t.Context(), session, user, e)
	require.NoError(w.t, err)
}

func (w *world) say(session, user, text string) {
	w.t.Helper()
	w.post(session, user, bridge.Event{Type: bridge.Message, Text: text, Visibility: bridge.All})
}

func (w *world) over(session string) {
	w.t.Helper()
	require.NoError(w.t, w.chat.Leave(w.t.Context(), session, "bob", proxy.Departure{Reason: bridge.ReasonForcedClose, After: bridge.ForceClose}))
}

// await waits until a session's mail is in that state.
func (w *world) await(l *mail.Loop, session string, state mail.State) mail.Record {
	w.t.Helper()
	return w.until(l, session, func(r mail.Record) bool { return r.State == state })
}

func (w *world) until(l *mail.Loop, session string, is func(mail.Record) bool) (r mail.Record) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		var err error
		r, _, err = l.Record(w.t.Context(), session)
		require.NoError(w.t, err)
		return is(r)
	}, patience, 2*time.Millisecond, "the mail of %s does not get there", session)
	return r
}
