package chat_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

// lossy is a JetStream whose answers get lost: the message is stored, and the
// publisher does not learn of it.
type lossy struct {
	jetstream.JetStream
	lose   atomic.Int32 // how many answers
	before func()       // called before a lost answer returns
	blind  atomic.Int32 // how many reads find nothing
}

// Options sends a blind read to a replica that has nothing yet.
func (l *lossy) Options() jetstream.JetStreamOptions {
	o := l.JetStream.Options()
	if l.blind.Add(-1) >= 0 {
		o.APIPrefix = "lagging"
	}
	return o
}

func (l *lossy) Publish(ctx context.Context, subject string, payload []byte, o ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := l.JetStream.Publish(ctx, subject, payload, o...)
	if err == nil && l.lose.Add(-1) >= 0 {
		if l.before != nil {
			l.before()
		}
		return nil, nats.ErrTimeout
	}
	return ack, err
}

func TestLostAnswer(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	other := serve(t, e, chat.Options{})
	bad := &lossy{JetStream: e.JetStream()}
	s, err := chat.OpenOn(t.Context(), bad, chat.Options{})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	join(t, s, "s1", ann, bob)

	t.Run("is found in the log", func(t *testing.T) {
		bad.lose.Store(1)
		require.EqualValues(t, 3, post(t, s, "s1", bob, text("once")).ID)
		require.EqualValues(t, 4, post(t, s, "s1", bob, text("next")).ID)
	})
	t.Run("even after another entry", func(t *testing.T) {
		bad.before = func() { post(t, other, "s1", ann, text("in between")) }
		bad.lose.Store(1)
		require.EqualValues(t, 5, post(t, s, "s1", bob, text("once more")).ID)
		bad.before = nil
		require.EqualValues(t, 7, post(t, s, "s1", bob, text("next")).ID)
	})
	t.Run("even if the replica that answers lags", func(t *testing.T) {
		replica, err := e.Conn().Subscribe("lagging.DIRECT.GET.CHAT", func(m *nats.Msg) {
			nothing := nats.NewMsg(m.Reply)
			nothing.Header.Set("Status", "404")
			_ = m.RespondMsg(nothing)
		})
		require.NoError(t, err)
		defer func() { require.NoError(t, replica.Unsubscribe()) }()
		bad.lose.Store(1)
		bad.blind.Store(3)
		require.EqualValues(t, 8, post(t, s, "s1", bob, text("lagging")).ID)
		require.Negative(t, bad.blind.Load())
		require.EqualValues(t, 9, post(t, s, "s1", bob, text("next")).ID)
	})
	t.Run("of a join, a reservation and a leave", func(t *testing.T) {
		for i, act := range []func() error{
			func() error { _, err := s.Join(t.Context(), "s1", proxy.Joining{Party: carl}); return err },
			func() error { return s.Reserve(t.Context(), "s1", "carl", "key", "a.pdf", 1) },
			func() error {
				return s.Leave(t.Context(), "s1", "carl", proxy.Departure{Reason: bridge.ReasonLeft, After: ""})
			},
		} {
			bad.lose.Store(1)
			require.NoError(t, act(), "act %d", i)
		}
		require.EqualValues(t, 13, post(t, s, "s1", bob, text("next")).ID)
	})
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	s := serve(t, e, chat.Options{RetryFor: time.Millisecond})
	join(t, serve(t, e, chat.Options{}), "s1", ann)
	require.NoError(t, e.JetStream().DeleteStream(t.Context(), "CHAT"))
	_, err := s.Post(t.Context(), "s1", "ann", text("x"))
	requireCode(t, bridge.CodeChatUnavailable, err)
	_, err = s.Join(t.Context(), "s2", proxy.Joining{Party: ann})
	requireCode(t, bridge.CodeChatUnavailable, err)
	require.True(t, bridge.AsError(err).Retry)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Post(ctx, "s1", "ann", text("x"))
	require.ErrorIs(t, err, context.Canceled, "the caller gave up, not the store")
}

// tapped is a JetStream whose consumers are created by a function of the test's.
type tapped struct {
	jetstream.JetStream
	consumer func(context.Context, string, jetstream.ConsumerConfig) (jetstream.Consumer, error)
}

func (j tapped) CreateConsumer(ctx context.Context, stream string, c jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	return j.consumer(ctx, stream, c)
}

// deaf is a JetStream whose consumers are never created.
func deaf(js jetstream.JetStream) tapped {
	return tapped{js, func(ctx context.Context, _ string, _ jetstream.ConsumerConfig) (jetstream.Consumer, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
}

// away is a JetStream from which nothing can be read for a while.
type away struct {
	jetstream.JetStream
	gone    atomic.Bool
	refused chan struct{}
	none    *nats.Conn
}

func (a *away) Conn() *nats.Conn {
	if !a.gone.Load() {
		return a.JetStream.Conn()
	}
	select {
	case a.refused <- struct{}{}:
	default:
	}
	return a.none
}

func TestEventsSurviveAnOutage(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	closed, err := e.Connect("closed")
	require.NoError(t, err)
	closed.Close()
	js := &away{JetStream: e.JetStream(), none: closed, refused: make(chan struct{}, 1)}
	s, err := chat.OpenOn(t.Context(), js, chat.Options{})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	join(t, s, "s1", ann)

	js.gone.Store(true)
	r := receive(t, s, "s1", ann, 0)
	<-js.refused // it tried to read
	_, err = s.File(t.Context(), "s1", "ann", "unknown")
	requireCode(t, bridge.CodeChatUnavailable, err)
	js.gone.Store(false)
	require.Equal(t, []int64{1}, ids(r.until(t, 1)))
	require.EqualValues(t, 2, post(t, s, "s1", ann, text("back")).ID)
	require.Equal(t, []int64{1, 2}, ids(r.until(t, 2)))
}

// A replica that has died does not answer, and another one is asked.
func TestUnansweredReadIsRepeated(t *testing.T) {
	t.Parallel()
	e, dead := store(t, t.TempDir()), store(t, t.TempDir())
	unanswered, err := dead.Conn().SubscribeSync("$JS.API.DIRECT.GET.CHAT")
	require.NoError(t, err)
	defer unanswered.Unsubscribe()
	s := serve(t, e, chat.Options{})
	join(t, s, "s1", ann)
	file := post(t, s, "s1", ann, notice("k", "a.pdf", 1))

	followed := make(chan struct{}, 9)
	js := &away{JetStream: tapped{e.JetStream(), func(ctx context.Context, stream string, c jetstream.ConsumerConfig) (jetstream.Consumer, error) {
		followed <- struct{}{}
		return e.JetStream().CreateConsumer(ctx, stream, c)
	}}, none: dead.Conn(), refused: make(chan struct{}, 1)}
	fresh, err := chat.OpenOn(t.Context(), js, chat.Options{})
	require.NoError(t, err)
	t.Cleanup(fresh.Close)
	<-followed // which uses the connection too
	js.gone.Store(true)
	go func() {
		<-js.refused
		js.gone.Store(false)
	}()
	found, _, err := fresh.FindKey(t.Context(), "s1", "k")
	require.NoError(t, err)
	require.Equal(t, file, found)
	_, err = unanswered.NextMsg(time.Minute)
	require.NoError(t, err, "it was asked")
}

func TestFollowingResumesWhereItWas(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	other := serve(t, e, chat.Options{})
	made, n := make(chan int, 9), 0
	js := tapped{e.JetStream(), func(ctx context.Context, stream string, c jetstream.ConsumerConfig) (jetstream.Consumer, error) {
		n++
		made <- n
		if n == 1 {
			return nil, nats.ErrTimeout
		}
		return e.JetStream().CreateConsumer(ctx, stream, c)
	}}
	s, err := chat.OpenOn(t.Context(), js, chat.Options{})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	require.Equal(t, 1, <-made)
	join(t, s, "s1", ann)
	r := receive(t, s, "s1", ann, 0)
	r.until(t, 1)
	post(t, other, "s1", ann, text("while the stream was not followed"))
	require.Equal(t, 2, <-made)
	require.Equal(t, []int64{1, 2}, ids(r.until(t, 2)))
}

// A proxy that receives no entries of the others still decides correctly: it reads the log
// before it refuses, and the store refuses an append to an old fold.
func TestOldFoldDecidesNothing(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	other := serve(t, e, chat.Options{})
	s, err := chat.OpenOn(t.Context(), deaf(e.JetStream()), chat.Options{})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	join(t, s, "s1", ann)

	r := receive(t, s, "s1", ann, 0)
	r.until(t, 1)
	join(t, other, "s1", bob)
	file := post(t, other, "s1", bob, notice("k1", "a.pdf", 1))
	_, err = s.File(t.Context(), "s1", "bob", file.Data.Get(bridge.KeyFileID))
	require.NoError(t, err, "a party and a file it had not received")

	post(t, other, "s1", bob, text("not received"))
	require.EqualValues(t, 5, post(t, s, "s1", ann, text("after it")).ID)
	require.Equal(t, []int64{1, 2, 3, 4, 5}, ids(r.until(t, 5)), "no gap for a receiver")

	post(t, other, "s1", bob, text("at last"))
	require.Equal(t, []int64{1, 2, 3, 4, 5, 6}, ids(r.until(t, 6)), "a receiver polls after a while")

	require.NoError(t, other.Reserve(t.Context(), "s1", "ann", "k2", "b.pdf", 1))
	require.NoError(t, s.Release(t.Context(), "s1", "ann", "k2"))
	_, _, err = other.FindKey(t.Context(), "s1", "") // reads the log
	require.NoError(t, err)
	require.Zero(t, limitsOf(t, other, "s1", "ann").UsedFiles, "the reservation to release is found")

	require.NoError(t, other.Leave(t.Context(), "s1", "bob", proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.ForceClose}))
	_, err = s.Post(t.Context(), "s1", "ann", text("x"))
	requireCode(t, bridge.CodeSessionEnded, err)
}

// Foreign messages on a session's subject do not lock it.
func TestForeignMessagesDoNotLockASession(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	s, later := serve(t, e, chat.Options{}), serve(t, e, chat.Options{})
	put := func(payload string) {
		_, err := e.JetStream().Publish(t.Context(), "chat.s1", []byte(payload))
		require.NoError(t, err)
	}
	put("before everything")
	join(t, s, "s1", ann)
	r := receive(t, s, "s1", ann, 0)
	require.EqualValues(t, 2, post(t, s, "s1", ann, text("zero")).ID)
	put("{}")
	put(`{"place":1,"kind":"event","event":{"id":1,"type":"message","at":1,"from":{"userId":"ann","userType":"CLIENT"},"visibility":"ALL"}}`)
	put(strings.Repeat("x", 1000))
	require.EqualValues(t, 3, post(t, s, "s1", ann, text("one")).ID)
	put(`{"place":4,"at":1,"op":"x","kind":"of a later release"}`)
	require.EqualValues(t, 5, post(t, s, "s1", ann, text("two")).ID)
	want := []int64{1, 2, 3, 5}
	require.Equal(t, want, ids(r.until(t, 5)))
	require.Equal(t, want, ids(receive(t, s, "s1", ann, 0).until(t, 5)))
	require.Equal(t, want, ids(receive(t, later, "s1", ann, 0).until(t, 5)))
}

func TestPurge(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	s := serve(t, e, chat.Options{})
	stream, err := e.JetStream().Stream(t.Context(), "CHAT")
	require.NoError(t, err)

	t.Run("all of a session", func(t *testing.T) {
		join(t, s, "s1", ann)
		require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject("chat.s1")))
		_, err = s.Post(t.Context(), "s1", "ann", text("x"))
		requireCode(t, bridge.CodeNotJoined, err)
		join(t, s, "s1", bob)
		require.EqualValues(t, 2, post(t, s, "s1", bob, text("a new session of that name")).ID)
	})
	t.Run("the beginning of a session", func(t *testing.T) {
		join(t, s, "s2", ann, bob)
		require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject("chat.s2"), jetstream.WithPurgeKeep(1)))
		_, err := serve(t, e, chat.Options{}).Join(t.Context(), "s2", proxy.Joining{Party: ann})
		requireCode(t, bridge.CodeSessionEnded, err)
	})
}

func TestRetentionIsTheLastConfigured(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	for _, days := range []time.Duration{2, 5} {
		serve(t, e, chat.Options{Retention: days * 24 * time.Hour})
		stream, err := e.JetStream().Stream(t.Context(), "CHAT")
		require.NoError(t, err)
		require.Equal(t, days*24*time.Hour, stream.CachedInfo().Config.MaxAge)
		require.True(t, stream.CachedInfo().Config.AllowDirect)
	}
}

// Sessions are dropped from memory and loaded again, and no caller notices.
func TestManySessionsLittleMemory(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{IdleSessions: 2})
	const sessions = 10
	name := func(i int) string { return fmt.Sprintf("s%d", i%sessions) }
	for i := range sessions {
		join(t, s, name(i), ann)
	}
	r := receive(t, s, name(0), ann, 0)
	for i := range 3 * sessions {
		post(t, s, name(i), ann, bridge.Event{Type: bridge.Message, Key: fmt.Sprint(i / sessions)})
	}
	for i := range 3 * sessions {
		again := post(t, s, name(i), ann, bridge.Event{Type: bridge.Message, Key: fmt.Sprint(i / sessions)})
		require.EqualValues(t, 2+i/sessions, again.ID)
	}
	require.Equal(t, []int64{1, 2, 3, 4}, ids(r.until(t, 4)))
}
