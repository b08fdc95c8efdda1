package client

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func failed(code bridge.Code) bridge.Wire { return &bridge.Fail{Error: *bridge.NewError(code, "")} }

// B31: an application that has no token for a while ends nothing, at the first
// connect as well as later.
func TestB31MissingTokenIsRetried(t *testing.T) {
	for _, later := range []bool{false, true} {
		t.Run(fmt.Sprintf("later %v", later), func(t *testing.T) {
			w := newTestWorld(t)
			asked, give := 0, later
			w.token = func(number int64) {
				asked++
				if give {
					w.give(number, "a token", false, "")
					return
				}
				w.give(number, "", false, "the token function failed")
			}
			w.open("", 0)
			if later {
				s := w.last()
				s.open()
				s.push(welcome())
				give = false
				s.cut()
			}
			before := len(w.sockets)
			w.pass(time.Minute)
			require.Len(t, w.sockets, before, "no token for the hello")
			require.GreaterOrEqual(t, asked, 6)
			require.LessOrEqual(t, asked, 20, "wider and wider")
			reported := w.words(WordState, WordClosed)
			require.Equal(t, WordState, reported[len(reported)-1].word)
			require.Contains(t, reported[len(reported)-1].text, `"message":"the token function failed"`)
			require.Contains(t, reported[len(reported)-1].text, `"retry":true`)
			give = true
			w.wake()
			require.Len(t, w.sockets, before+1, "at once")
			w.last().open()
			w.last().push(welcome())
			require.Len(t, w.words(WordWelcome), 1)
		})
	}
}

// B31: only the proxy's refusal of a new token ends a chat.
func TestB31RefusedTokens(t *testing.T) {
	const session, expired, invalid = bridge.CodeSessionEnded, bridge.CodeTokenExpired, bridge.CodeTokenInvalid
	for name, test := range map[string]struct {
		later  bool
		tokens []string // one after the other; the last one again and again
		code   bridge.Code
		within time.Duration // in which it ends; 0: never
	}{
		"an error page, and the same again":        {true, []string{"Bad Gateway"}, invalid, 2 * time.Minute},
		"an error page, at the first connect":      {false, []string{"Bad Gateway"}, invalid, 15 * time.Second},
		"another one refused, too":                 {true, []string{"one", "two"}, invalid, time.Second},
		"another one refused at the first connect": {false, []string{"one", "two"}, invalid, time.Second},
		"another's right":                          {true, []string{"one", "two"}, bridge.CodeForbidden, time.Second},
		"expired, again and again":                 {true, []string{"one", "two", "three"}, expired, 0},
		"expired at the first connect":             {false, []string{"one", "one", "two"}, expired, 0},
		"an agent behind a GMS":                    {false, []string{"one"}, bridge.CodeCustomersOnly, time.Millisecond},
		"the session's end":                        {true, []string{"one"}, session, time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			w.open("", 0)
			s := w.last()
			if test.later {
				s.open()
				s.push(welcome())
			}
			tokens := test.tokens
			w.token = func(number int64) {
				w.give(number, tokens[0], false, "")
				tokens = append(tokens[1:], tokens[0])[:max(1, len(tokens)-1)]
			}
			s.cut()
			w.heard = nil
			for seen := s; w.at < 5*time.Minute; w.pass(100 * time.Millisecond) {
				if last := w.last(); last != seen {
					seen = last
					seen.open()
					seen.push(failed(test.code))
				}
				ended := false
				for _, h := range w.heard {
					ended = ended || h.word == WordClosed
				}
				if ended {
					require.NotZero(t, test.within)
					require.LessOrEqual(t, w.at, test.within+time.Second)
					return
				}
			}
			require.Zero(t, test.within, "it never ends")
			require.Less(t, len(w.sockets), 60, "wider and wider")
		})
	}
}

// B34: a token function that never answers is asked again when the network is
// back; its late answer does not matter.
func TestB34WakeAsksForATokenAgain(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	var numbers []int64
	w.token = func(number int64) { numbers = append(numbers, number) }
	s.cut()
	w.pass(time.Second)
	require.Len(t, numbers, 1)
	w.wake()
	require.Len(t, numbers, 1, "it has only just been asked")
	w.pass(3 * time.Second)
	w.wake()
	require.Len(t, numbers, 2)
	w.give(numbers[0], "late", false, "")
	require.Len(t, w.sockets, 1)
	w.give(numbers[1], "a token", false, "")
	require.Len(t, w.sockets, 2)
}

// After a data socket's token is refused, the chat socket reconnects: only a welcome
// names the new token's party, and no frame is sent under another party's name.
func TestB39NoFrameGoesOutUnderAnotherName(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(10))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	d := w.last()
	d.open()
	d.hello()
	d.push(failed(bridge.CodeTokenExpired))
	next := w.last()
	require.Contains(t, next.url, "/attache/chat")
	next.open()
	next.push(welcome(func(m *bridge.Welcome) { m.Party.UserID = "bo" }))
	closed := w.words(WordClosed)
	require.Len(t, closed, 1)
	require.Contains(t, closed[0].text, `"code":"session-invalid"`)
	require.Len(t, next.sent(), 1, "the hello and nothing else")
	require.Len(t, w.sockets, 3)
}

// The proxy attaches a party at each hello, on both sockets.
func TestSecureKeyIsInEveryHello(t *testing.T) {
	w := newTestWorld(t)
	w.secureKey = "the key"
	w.open("", 0)
	s := w.last()
	s.open()
	require.Equal(t, "the key", s.hello().SecureKey)
	s.push(welcome())
	w.newFile(1, content(10)).upload(key, "a.bin")
	d := w.last()
	require.NotSame(t, s, d)
	d.open()
	require.Equal(t, "the key", d.hello().SecureKey)
	s.cut()
	w.wake()
	require.NotSame(t, d, w.last())
	w.last().open()
	require.Equal(t, "the key", w.last().hello().SecureKey)
	for _, h := range w.heard {
		require.NotContains(t, h.text, "the key")
	}
}
