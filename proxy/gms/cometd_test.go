package gms_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/bayeux/bayeuxtest"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

// pushWorld is a whole proxy that serves CometD.
type pushWorld struct {
	*proxytest.World
	t   *testing.T
	gms *gms.Server
	url string

	mu   sync.Mutex
	lose string // the next answer with this text does not arrive
}

const service = "/service/chatV2/customer-support"

// slow lets parties without requests stay for as long as a test takes.
func slow(o *assembly.Options) { o.Proxy.FlexDisconnectTimeout = time.Hour }

func startPush(t *testing.T, o gms.CometD, change ...proxytest.Change) *pushWorld {
	t.Helper()
	return serveCometD(t, proxytest.Start(t, change...), o)
}

func serveCometD(t *testing.T, p *proxytest.World, o gms.CometD) *pushWorld {
	t.Helper()
	o.Secret = []byte("a secret that the proxies share")
	s, err := gms.NewServer(p.Proxy, gms.Options{CometD: o})
	require.NoError(t, err)
	w := &pushWorld{World: p, t: t, gms: s}
	server := httptest.NewServer(w)
	w.url = server.URL
	t.Cleanup(func() { s.Close(); server.Close() })
	return w
}

func (w *pushWorld) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		w.gms.ServeHTTP(rw, r)
		return
	}
	answer := httptest.NewRecorder()
	w.gms.ServeHTTP(answer, r)
	w.mu.Lock()
	lose := w.lose != "" && strings.Contains(answer.Body.String(), w.lose)
	if lose {
		w.lose = ""
	}
	w.mu.Unlock()
	if lose {
		panic(http.ErrAbortHandler)
	}
	for k, v := range answer.Header() {
		rw.Header()[k] = v
	}
	rw.WriteHeader(answer.Code)
	rw.Write(answer.Body.Bytes())
}

// push is a customer over CometD.
type push struct {
	*bayeuxtest.Client
	t         *testing.T
	secureKey string
	chatID    string
	position  int64
}

func (w *pushWorld) connect(o bayeuxtest.Options) *push {
	w.t.Helper()
	o.URL = w.url + gms.PathCometD
	p := &push{Client: bayeuxtest.Start(w.t, o), t: w.t}
	p.Handshake()
	return p
}

// next is the next envelope.
func (p *push) next() (r gms.Reply) {
	p.t.Helper()
	require.Equal(p.t, service, p.Data(&r).Channel)
	if r.SecureKey != "" {
		p.secureKey, p.chatID = r.SecureKey, r.ChatID
	}
	p.position = max(p.position, r.NextPosition)
	return r
}

// told reads envelopes until n messages have come, and returns them in few words.
func (p *push) told(n int) (words []string) {
	p.t.Helper()
	for len(words) < n {
		words = append(words, told(p.next())...)
	}
	return words
}

func told(r gms.Reply) (words []string) {
	for _, m := range r.Messages {
		words = append(words, strings.TrimSpace(fmt.Sprint(m.From.ParticipantID, " ", m.Type, " ", m.Text)))
	}
	return words
}

// do publishes an operation with the secure key alone.
func (p *push) do(operation string, fields map[string]any) {
	p.t.Helper()
	data := map[string]any{"operation": operation}
	if p.secureKey != "" {
		data["secureKey"] = p.secureKey
	}
	for k, v := range fields {
		data[k] = v
	}
	require.True(p.t, p.Publish(service, data).Successful)
}

// answered does an operation and returns its answer: the envelope without messages.
func (p *push) answered(operation string, fields map[string]any) gms.Reply {
	p.t.Helper()
	p.do(operation, fields)
	return p.envelope(func(r gms.Reply) bool { return len(r.Messages) == 0 })
}

func (p *push) envelope(is func(gms.Reply) bool) (found gms.Reply) {
	p.t.Helper()
	p.Next(func(e bayeuxtest.Event) bool {
		var r gms.Reply
		if e.Event != "message" || json.Unmarshal(e.Message.Data, &r) != nil || !is(r) {
			return false
		}
		found = r
		return true
	})
	return found
}

// chat requests a chat.
func (p *push) chat() gms.Reply {
	p.t.Helper()
	p.do("requestChat", map[string]any{"nickname": "Ann", "subject": "bills", "userData": map[string]any{"Topic": "a bill", "TimeZone": -480}})
	r := p.next()
	require.Equal(p.t, gms.StatusOK, r.StatusCode, r.Errors)
	require.Equal(p.t, []string{"1 ParticipantJoined"}, told(r))
	return r
}

func (w *pushWorld) agent(session string) (say func(bridge.Event)) {
	w.t.Helper()
	_, err := w.Chat.Join(w.t.Context(), session, proxy.Joining{Party: bridge.Party{
		UserID: "alice", Nickname: "Alice", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent,
	}})
	require.NoError(w.t, err)
	return func(e bridge.Event) {
		w.t.Helper()
		_, err := w.Chat.Post(w.t.Context(), session, "alice", e)
		require.NoError(w.t, err)
	}
}

func text(s string) bridge.Event { return bridge.Event{Type: bridge.Message, Text: s} }

func TestCometD_CustomerAndAgentTalk(t *testing.T) {
	t.Parallel()
	for _, o := range []bayeuxtest.Options{
		{Transports: []string{"long-polling"}, Ack: true},
		{Transports: []string{"callback-polling"}},
		{Transports: []string{"websocket"}},
		{Transports: []string{"long-polling"}, Library: "cometd3"},
	} {
		t.Run(fmt.Sprint(o.Library, " ", o.Transports, " ", o.Ack), func(t *testing.T) {
			t.Parallel()
			w := startPush(t, gms.CometD{Callback: true}, slow)
			ann := w.connect(o)
			r := ann.chat()
			require.NotEmpty(t, r.UserID)
			require.NotEmpty(t, r.Alias)
			require.False(t, r.ChatEnded)
			require.Regexp(t, `^[A-Za-z0-9_-]{60,}$`, r.SecureKey)
			say := w.agent(r.ChatID)
			require.Equal(t, []string{"2 ParticipantJoined"}, ann.told(1))
			say(text("hello"))
			require.Equal(t, []string{"2 Message hello"}, ann.told(1))
			ann.do("sendMessage", map[string]any{"message": "hi", "messageType": "text"})
			require.Equal(t, []string{"1 Message hi"}, ann.told(1))
			say(bridge.Event{Type: bridge.Notice, NoticeType: bridge.TypingStarted})
			require.Equal(t, []string{"2 TypingStarted"}, ann.told(1))

			for _, operation := range []struct {
				name   string
				fields map[string]any
				want   []string
			}{
				{"startTyping", map[string]any{"message": "I"}, nil},
				{"stopTyping", nil, nil},
				{"pushUrl", map[string]any{"pushUrl": "https://example.com/a"}, []string{"1 PushUrl https://example.com/a"}},
				{"updateNickname", map[string]any{"nickname": "Anne"}, []string{"1 NicknameUpdated Anne"}},
				{"customNotice", map[string]any{"message": "m"}, []string{"1 CustomNotice m"}},
				{"readReceipt", map[string]any{"transcriptPosition": 3}, nil},
				{"updateData", map[string]any{"userData": map[string]any{"k": 5}}, nil},
			} {
				answer := ann.answered(operation.name, operation.fields)
				require.Equal(t, gms.StatusOK, answer.StatusCode, "%s: %v", operation.name, answer.Errors)
				if operation.want != nil {
					words := ann.envelope(func(r gms.Reply) bool {
						return len(r.Messages) > 0 && r.Messages[0].Text == strings.SplitN(operation.want[0], " ", 3)[2]
					})
					require.Equal(t, operation.want, told(words))
				}
			}
			ann.do("disconnect", nil)
			ended := ann.envelope(func(r gms.Reply) bool { return r.ChatEnded })
			require.Equal(t, gms.StatusOK, ended.StatusCode)
		})
	}
}

func TestCometD_RefusesWithAnEnvelope(t *testing.T) {
	t.Parallel()
	w := startPush(t, gms.CometD{}, slow)
	ann := w.connect(bayeuxtest.Options{})
	r := ann.chat()
	bob := w.connect(bayeuxtest.Options{})
	bob.chat()
	for name, c := range map[string]struct {
		operation string
		fields    map[string]any
		code      int
	}{
		"an unknown operation": {"fly", nil, gms.CannotExecute},
		"no operation":         {"", nil, gms.CannotExecute},
		"refresh is REST's":    {"refresh", nil, gms.CannotExecute},
		"another's user id":    {"sendMessage", map[string]any{"message": "x", "userId": r.UserID}, gms.NotAuthorized},
		"a key of nobody":      {"sendMessage", map[string]any{"message": "x", "secureKey": "abc"}, gms.NotAuthorized},
		"a changed key":        {"requestNotifications", map[string]any{"secureKey": "A" + r.SecureKey[1:]}, gms.NotAuthorized},
		"a wrong position":     {"requestNotifications", map[string]any{"transcriptPosition": "x"}, 400},
		"no name":              {"requestChat", nil, gms.NoName},
		"an empty message":     {"sendMessage", nil, gms.CannotExecute},
	} {
		t.Run(name, func(t *testing.T) {
			answer := bob.answered(c.operation, c.fields)
			require.NotEqual(t, gms.StatusOK, answer.StatusCode)
			require.Equal(t, c.code, answer.Errors[0].Code)
			require.Empty(t, answer.SecureKey)
		})
	}
	require.Equal(t, "the operation is unknown: it is customNotice, disconnect, pushUrl, readReceipt, requestChat, "+
		"requestNotifications, sendMessage, startTyping, stopTyping, updateData or updateNickname", bob.answered("fly", nil).Errors[0].Advice)
	require.False(t, bob.Publish("/service/other", "x").Successful)
	require.False(t, bob.Publish("/chat/of/all", "x").Successful)
	require.Equal(t, gms.CannotExecute, bob.refused("only a text").Errors[0].Code)
}

// refused publishes data that is not an operation.
func (p *push) refused(data any) gms.Reply {
	p.t.Helper()
	require.True(p.t, p.Publish(service, data).Successful)
	return p.envelope(func(r gms.Reply) bool { return r.StatusCode != gms.StatusOK })
}

// Without the acknowledgement extension a lost poll loses what it brought; a client that asks
// again, from its position on, gets the rest.
func TestCometD_RequestNotificationsBringsWhatALostPollLost(t *testing.T) {
	t.Parallel()
	w := startPush(t, gms.CometD{}, slow)
	ann := w.connect(bayeuxtest.Options{})
	r := ann.chat()
	say := w.agent(r.ChatID)
	require.Equal(t, []string{"2 ParticipantJoined"}, ann.told(1))
	w.mu.Lock()
	w.lose = "precious"
	w.mu.Unlock()
	say(text("precious"))
	require.Eventually(t, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.lose == "" }, patience, 5*time.Millisecond)
	again := w.connect(bayeuxtest.Options{})
	again.secureKey = ann.secureKey
	again.do("requestNotifications", map[string]any{"transcriptPosition": ann.position})
	require.Equal(t, []string{"2 Message precious"}, again.told(1))
	say(text("and on"))
	require.Equal(t, []string{"2 Message and on"}, again.told(1))
	require.Equal(t, r.ChatID, again.chatID)

	beyond := w.connect(bayeuxtest.Options{})
	beyond.secureKey = ann.secureKey
	beyond.do("requestNotifications", map[string]any{"transcriptPosition": 99999})
	at := beyond.next()
	require.Empty(t, at.Messages)
	require.EqualValues(t, 5, at.NextPosition, "a position beyond the end is the end's")

	for name, fields := range map[string]map[string]any{"0": {"transcriptPosition": 0}, "none": nil, "null": {"transcriptPosition": nil}} {
		t.Run(name+" asks for everything", func(t *testing.T) {
			all := w.connect(bayeuxtest.Options{})
			all.secureKey = ann.secureKey
			all.do("requestNotifications", fields)
			require.Equal(t, []string{"1 ParticipantJoined", "2 ParticipantJoined", "2 Message precious", "2 Message and on"}, all.told(4))
		})
	}
}

func TestCometD_ALostPollLosesNothingWithAcks(t *testing.T) {
	t.Parallel()
	w := startPush(t, gms.CometD{}, slow)
	ann := w.connect(bayeuxtest.Options{Ack: true})
	say := w.agent(ann.chat().ChatID)
	require.Equal(t, []string{"2 ParticipantJoined"}, ann.told(1))
	w.mu.Lock()
	w.lose = "precious"
	w.mu.Unlock()
	say(text("precious"))
	say(text("and on"))
	require.Equal(t, []string{"2 Message precious", "2 Message and on"}, ann.told(2))
}

// A party is present for as long as its client polls; in the background it stays a while longer.
func TestCometD_BackgroundAndReturn(t *testing.T) {
	t.Parallel()
	const away = 5 * time.Second // longer than the machine pauses between two requests
	w := startPush(t, gms.CometD{}, func(o *assembly.Options) { o.Proxy.FlexDisconnectTimeout = away })
	ann, bob := w.connect(bayeuxtest.Options{}), w.connect(bayeuxtest.Options{})
	annChat, bobChat := ann.chat(), bob.chat()
	say := w.agent(annChat.ChatID)
	require.Equal(t, []string{"2 ParticipantJoined"}, ann.told(1))
	for _, p := range []struct {
		*push
		ext map[string]any
	}{{ann, map[string]any{"transcriptPosition": "2"}}, {bob, nil}} {
		require.True(t, p.Done(p.Do("disconnect", map[string]any{"props": map[string]any{"ext": p.ext}})).Successful)
	}
	// Bob, who has only disconnected, leaves after his time; Ann, who disconnected before him, has not.
	require.Eventually(t, func() bool { return w.left(bobChat) }, patience, 50*time.Millisecond)
	require.False(t, w.left(annChat))
	say(text("are you back?"))
	back := w.connect(bayeuxtest.Options{})
	back.secureKey = ann.secureKey
	back.do("requestNotifications", map[string]any{"transcriptPosition": ann.position})
	require.Equal(t, []string{"2 Message are you back?"}, back.told(1))

	bob = w.connect(bayeuxtest.Options{})
	bob.secureKey = bobChat.SecureKey
	bob.do("requestNotifications", nil)
	ended := bob.next()
	require.True(t, ended.ChatEnded)
	require.Equal(t, []string{"1 ParticipantJoined", "1 ParticipantLeft"}, told(ended), "what a party that has left may read")
}

// left reports whether the customer of a chat has left it.
func (w *pushWorld) left(r gms.Reply) (left bool) {
	require.NoError(w.t, w.Chat.(proxy.Transcripts).Transcript(w.t.Context(), r.ChatID, 0, func(e bridge.Event) error {
		left = left || e.Type == bridge.PartyLeft && e.From.UserID == r.UserID
		return nil
	}))
	return left
}

// A client that comes to another proxy shakes hands again, and asks for the rest there.
func TestCometD_AnotherProxyGoesOn(t *testing.T) {
	t.Parallel()
	w := startPush(t, gms.CometD{}, slow)
	other := serveCometD(t, w.Another(), gms.CometD{})
	ann := w.connect(bayeuxtest.Options{})
	say := w.agent(ann.chat().ChatID)
	require.Equal(t, []string{"2 ParticipantJoined"}, ann.told(1))

	w.gms.Close()
	say(text("meanwhile"))
	moved := other.connect(bayeuxtest.Options{Transports: []string{"websocket"}})
	moved.secureKey = ann.secureKey
	moved.do("requestNotifications", map[string]any{"transcriptPosition": ann.position})
	require.Equal(t, []string{"2 Message meanwhile"}, moved.told(1))
	moved.do("sendMessage", map[string]any{"message": "I am here"})
	require.Equal(t, []string{"1 Message I am here"}, moved.told(1))
}
