package mail_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/mail"
)

// The server fails in that phase, in each of these ways, once.
func TestB22ServerFailsInEachPhase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newServer(t)
	type outcome struct {
		state mail.State
		mails int
	}
	once := outcome{mail.Sent, 1}
	type failure struct {
		phase phase
		how   string
	}
	expected := map[failure]map[mail.UnclearPolicy]outcome{}
	always := func(p phase, how string, o outcome) {
		expected[failure{p, how}] = map[mail.UnclearPolicy]outcome{mail.Drop: o, mail.Repeat: o}
	}
	for _, p := range phases {
		always(p, cut, once)
		if p == connecting || p == content {
			continue
		}
		always(p, "451 try again later", once)
		always(p, "551 never", once)
	}
	// 5xx of the message ends it.
	for _, p := range []phase{from, rcpt, data, end} {
		always(p, "551 never", outcome{mail.Failed, 0})
	}
	// Without an answer to the end of the message it is unclear.
	expected[failure{end, cut}] = map[mail.UnclearPolicy]outcome{mail.Drop: {mail.Unclear, 0}, mail.Repeat: once}
	expected[failure{end, cutKept}] = map[mail.UnclearPolicy]outcome{mail.Drop: {mail.Unclear, 1}, mail.Repeat: {mail.Sent, 2}}

	for _, policy := range []mail.UnclearPolicy{mail.Drop, mail.Repeat} {
		l := w.start(s.sender(), func(o *mail.Options) { o.Unclear = policy })
		n := 0
		for f, outcomes := range expected {
			n++
			session := fmt.Sprint(policy, n)
			want := outcomes[policy]
			t.Run(fmt.Sprint(f.phase, " ", f.how, " ", policy), func(t *testing.T) {
				var failed atomic.Bool
				s.fail(func(p phase, _ int) string {
					if p == f.phase && failed.CompareAndSwap(false, true) {
						return f.how
					}
					return ""
				})
				w.chatted(session)
				r := w.until(l, session, func(r mail.Record) bool { return r.State.Final() })
				taken := s.taken()
				if f.phase == content && r.State == mail.Unclear {
					// The end of the message may have been on its way already.
					require.Equal(t, mail.Drop, policy)
					require.Empty(t, taken)
					return
				}
				require.Equal(t, want.state, r.State)
				require.Len(t, taken, want.mails)
				for _, m := range taken {
					require.Equal(t, "<"+r.MessageID+">", m.id, "it is the same for every try")
				}
				if want.state == mail.Failed {
					require.Equal(t, 551, r.Status)
					require.Equal(t, bridge.CodeForbidden, r.Code)
				}
			})
		}
		require.NoError(t, l.Close(t.Context()))
	}
	require.NotContains(t, w.log.String(), address, "an address is in no log")
}
