package chatrequest_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chatrequest"
	"attache/proxy/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

const patience = time.Minute

// desk is a system that finds agents: it answers with the next status, and 200 at last.
type desk struct {
	*httptest.Server
	posts    chan post
	statuses chan int
}

type post struct {
	chatrequest.Request
	header http.Header
	body   []byte
}

func newDesk(t *testing.T, statuses ...int) *desk {
	d := &desk{posts: make(chan post, 100), statuses: make(chan int, len(statuses))}
	for _, s := range statuses {
		d.statuses <- s
	}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := post{header: r.Header}
		p.body, _ = io.ReadAll(r.Body)
		json.Unmarshal(p.body, &p.Request)
		d.posts <- p
		select {
		case s := <-d.statuses:
			w.WriteHeader(s)
		default:
		}
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *desk) next(t *testing.T) post {
	t.Helper()
	select {
	case p := <-d.posts:
		return p
	case <-time.After(patience):
		t.Fatal("nothing was posted")
		panic("unreachable")
	}
}

var secret = []byte(proxytest.Secret)

func start(t *testing.T, w *proxytest.World, change func(*chatrequest.Options)) *chatrequest.Requests {
	t.Helper()
	o := chatrequest.Options{Chat: w.Chat, Secret: secret, Delay: time.Millisecond, MaxDelay: 20 * time.Millisecond}
	change(&o)
	r, err := chatrequest.Start(t.Context(), w.Engine, o)
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

func join(t *testing.T, w *proxytest.World, session, user string, kind bridge.UserType) {
	t.Helper()
	_, err := w.Chat.Join(t.Context(), session, proxy.Joining{Party: bridge.Party{UserID: user, Nickname: user, UserType: kind}})
	require.NoError(t, err)
}

func leave(t *testing.T, w *proxytest.World, session, user string) {
	t.Helper()
	require.NoError(t, w.Chat.Leave(t.Context(), session, user, proxy.Departure{Reason: bridge.ReasonLeft}))
}

func request(session string) chatrequest.Request {
	return chatrequest.Request{
		ChatID: session, Service: "support", QueueKey: "Environment:support", Subject: "bills", Nickname: "Ann",
		UserData: map[string]string{"Topic": "a bill"}, At: time.Now().UTC().Truncate(time.Millisecond),
	}
}

func TestRequestIsPostedUntilItIsAccepted(t *testing.T) {
	t.Parallel()
	w := proxytest.Start(t)
	d := newDesk(t, http.StatusInternalServerError, http.StatusNotFound, http.StatusFound)
	r := start(t, w, func(o *chatrequest.Options) { o.URL = d.URL })
	want := request("s1")
	require.NoError(t, r.Add(t.Context(), want))
	require.Empty(t, d.posts, "the customer has not joined")
	join(t, w, "s1", "ann", bridge.Client)
	for range 4 {
		got := d.next(t)
		require.Equal(t, want, got.Request)
		require.Equal(t, "s1", got.header.Get("Idempotency-Key"))
		at, _, _ := strings.Cut(strings.TrimPrefix(got.header.Get(chatrequest.SignatureHeader), "t="), ",")
		seconds, err := strconv.ParseInt(at, 10, 64)
		require.NoError(t, err)
		require.Equal(t, chatrequest.Sign(secret, time.Unix(seconds, 0), got.body), got.header.Get(chatrequest.SignatureHeader))
	}
	require.Eventually(t, func() bool {
		all, err := r.List(t.Context(), false)
		require.NoError(t, err)
		return len(all) == 1 && !all[0].Posted.IsZero() && all[0].Tries == 3
	}, patience, time.Millisecond)
	require.Empty(t, d.posts, "it was accepted")
}

// The process that took the request ends while it posts: another one posts it again.
func TestRequestOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	w := proxytest.Start(t)
	var posts atomic.Int64
	held := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // or the server does not see that the client is gone
		if posts.Add(1) == 1 {
			close(held)
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	first := start(t, w, func(o *chatrequest.Options) { o.URL = server.URL })
	require.NoError(t, first.Add(t.Context(), request("s1")))
	join(t, w, "s1", "ann", bridge.Client)
	<-held
	first.Close()
	second := start(t, w, func(o *chatrequest.Options) { o.URL = server.URL })
	require.Eventually(t, func() bool {
		all, err := second.List(t.Context(), false)
		require.NoError(t, err)
		return len(all) == 1 && !all[0].Posted.IsZero()
	}, patience, time.Millisecond)
	require.EqualValues(t, 2, posts.Load())
}

// Nobody is told of the chat meanwhile: the log says so, and what became of it.
func TestLogSaysThatARequestWasAcceptedLate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statuses []int
		at       time.Duration // before now
		logs     []string
	}{
		"retried":     {[]int{http.StatusBadGateway}, 0, []string{"was not accepted, retrying", "502", `"a request for a chat was accepted late"`, "tries=2"}},
		"at once":     {nil, 0, nil},
		"after hours": {nil, time.Hour, []string{`"a request for a chat was accepted late"`, "tries=1", "wait=1h"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := proxytest.Start(t)
			d := newDesk(t, c.statuses...)
			log := &proxytest.Log{}
			r := start(t, w, func(o *chatrequest.Options) {
				o.URL, o.Log = d.URL, slog.New(slog.NewTextHandler(log, nil))
			})
			late := request("s1")
			late.At = late.At.Add(-c.at)
			join(t, w, "s1", "ann", bridge.Client)
			require.NoError(t, r.Add(t.Context(), late))
			require.Eventually(t, func() bool {
				all, err := r.List(t.Context(), false)
				require.NoError(t, err)
				return len(all) == 1 && !all[0].Posted.IsZero()
			}, patience, time.Millisecond)
			for _, text := range c.logs {
				require.Contains(t, log.String(), text)
			}
			if c.logs == nil {
				require.NotContains(t, log.String(), "late")
			}
		})
	}
}

func TestChatThatNeverBeginsOrHasEndedIsNotPosted(t *testing.T) {
	t.Parallel()
	w := proxytest.Start(t)
	d := newDesk(t)
	silent := start(t, w, func(*chatrequest.Options) {})
	require.NoError(t, silent.Add(t.Context(), request("never")))
	require.NoError(t, silent.Add(t.Context(), request("over")))
	join(t, w, "over", "ann", bridge.Client)
	leave(t, w, "over", "ann")
	r := start(t, w, func(o *chatrequest.Options) { o.URL, o.Begin = d.URL, time.Second })
	require.NoError(t, r.Add(t.Context(), request("open")))
	join(t, w, "open", "ann", bridge.Client)
	require.Equal(t, "open", d.next(t).ChatID)
	require.Eventually(t, func() bool { return closed(t, r) == 2 }, patience, 5*time.Millisecond)
	require.Empty(t, d.posts)
}

// closed is how many of the requests are not listed as going on, and were not posted.
func closed(t *testing.T, r *chatrequest.Requests) (n int) {
	all, err := r.List(t.Context(), true)
	require.NoError(t, err)
	for _, l := range all {
		if l.Closed {
			n++
		}
	}
	return n
}

func TestListSaysWhatHasBecomeOfEachRequest(t *testing.T) {
	t.Parallel()
	w := proxytest.Start(t)
	r := start(t, w, func(*chatrequest.Options) {})
	for i, session := range []string{"waits", "served", "over", "never"} {
		c := request(session)
		c.At = c.At.Add(time.Duration(i) * time.Second)
		require.NoError(t, r.Add(t.Context(), c))
		if session != "never" {
			join(t, w, session, "ann", bridge.Client)
		}
	}
	join(t, w, "served", "Alice", bridge.Agent)
	leave(t, w, "over", "ann")
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	list := func(query string) (out []string) {
		answer, err := http.Get(server.URL + chatrequest.Path + query)
		require.NoError(t, err)
		defer answer.Body.Close()
		require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
		var body struct{ Chats []chatrequest.Listed }
		require.NoError(t, json.NewDecoder(answer.Body).Decode(&body))
		for _, l := range body.Chats {
			out = append(out, strings.TrimSpace(l.ChatID+" "+strings.Join(l.Agents, " ")))
		}
		return out
	}
	require.Equal(t, []string{"served Alice", "waits"}, list(""))
	require.Equal(t, []string{"never", "over", "served Alice", "waits"}, list("?ended=true"))
}

func TestAddingTwiceIsRefused(t *testing.T) {
	t.Parallel()
	w := proxytest.Start(t)
	r := start(t, w, func(*chatrequest.Options) {})
	require.NoError(t, r.Add(t.Context(), request("s1")))
	require.Error(t, r.Add(context.WithoutCancel(t.Context()), request("s1")))
}
