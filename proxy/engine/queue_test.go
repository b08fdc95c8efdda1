package engine_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/proxy/engine"
	"attache/proxy/engine/enginetest"
)

// named is a message that is recognised by its subject.
type named struct {
	jetstream.Msg
	subject string
}

func (m named) Subject() string { return m.subject }

// dying is the wait for a queue's messages: the first ends with a missing heartbeat, the
// next with a message.
type dying struct {
	jetstream.MessagesContext
	waits   int
	drained bool // by its user, who then takes another subscription
	opened  int
}

func (d *dying) Drain() { d.drained = true }
func (d *dying) Stop()  {}

func (d *dying) Next(...jetstream.NextOpt) (jetstream.Msg, error) {
	if d.drained {
		return nil, jetstream.ErrMsgIteratorClosed
	}
	if d.waits++; d.waits == 1 {
		return nil, jetstream.ErrNoHeartbeat
	}
	return named{subject: "waited for"}, nil
}

// leaders is the queue: each request gets the next answer, an error or a message.
type leaders struct {
	jetstream.Consumer
	answers  []any
	messages *dying
}

func (l *leaders) Messages(...jetstream.PullMessagesOpt) (jetstream.MessagesContext, error) {
	l.messages.drained = false
	l.messages.opened++
	return l.messages, nil
}

func (l *leaders) FetchNoWait(int) (jetstream.MessageBatch, error) {
	answer := l.answers[0]
	l.answers = l.answers[1:]
	if answer == nats.ErrReconnectBufExceeded {
		return nil, nats.ErrReconnectBufExceeded // it could not even be asked
	}
	return answered(answer), nil
}

func answered(answer any) *batch {
	b := &batch{messages: make(chan jetstream.Msg, 1)}
	switch answer := answer.(type) {
	case error:
		b.err = answer
	case string:
		b.messages <- named{subject: answer}
	}
	close(b.messages)
	return b
}

type batch struct {
	messages chan jetstream.Msg
	err      error
}

func (b *batch) Messages() <-chan jetstream.Msg { return b.messages }
func (b *batch) Error() error                   { return b.err }

// After the queue's leader has died, the next one is found as soon as there is one, and a
// message from it is not dropped.
func TestNextLeaderIsFound(t *testing.T) {
	t.Parallel()
	alone := start(t, engine.Options{Dir: t.TempDir()})
	cluster, err := engine.Start(t.Context(), engine.Options{URL: enginetest.Start(t).URL()})
	require.NoError(t, err)
	defer cluster.Close()
	for name, c := range map[string]struct {
		engine  *engine.Engine
		answers []any
		want    string
		waits   int
		err     error
	}{
		"it has a message":             {cluster, []any{nats.ErrNoResponders, nats.ErrNoResponders, "fetched"}, "fetched", 1, nil},
		"it has none":                  {cluster, []any{nats.ErrNoResponders, nil}, "waited for", 2, nil},
		"there is no answer":           {cluster, []any{nil}, "waited for", 2, nil},
		"it steps down":                {cluster, []any{jetstream.ErrConsumerLeadershipChanged, "fetched"}, "fetched", 1, nil},
		"the connection broke":         {alone, []any{nats.ErrReconnectBufExceeded, "fetched"}, "fetched", 1, nil},
		"embedded, there is no leader": {alone, []any{nats.ErrNoResponders}, "", 1, nats.ErrNoResponders},
		"the queue is gone":            {cluster, []any{nats.ErrNoResponders, jetstream.ErrConsumerDeleted}, "", 1, jetstream.ErrConsumerDeleted},
	} {
		t.Run(name, func(t *testing.T) {
			d := &dying{}
			l := &leaders{answers: c.answers, messages: d}
			m, err := engine.NextOf(t.Context(), c.engine, l, d)
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.waits, d.waits)
			require.Empty(t, l.answers)
			if c.err == nil {
				require.Equal(t, c.want, m.Subject())
				require.Equal(t, 1, d.opened, "what the earlier request still brings must not fill the buffer of the next")
			}
		})
	}
}

// Looking for a leader over a connection that is down leaves no subscriptions on it.
func TestNextLeaderWhileDisconnected(t *testing.T) {
	t.Parallel()
	c := enginetest.Start(t)
	e, err := engine.Start(t.Context(), engine.Options{URL: c[0].ClientURL()})
	require.NoError(t, err)
	defer e.Close()
	s, err := e.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "queue", Subjects: []string{"queue"}})
	require.NoError(t, err)
	queue, err := s.CreateOrUpdateConsumer(t.Context(), jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)
	var down sync.WaitGroup
	for _, node := range c {
		down.Go(node.Shutdown)
	}
	down.Wait()
	require.Eventually(t, func() bool { return !e.Conn().IsConnected() }, patience, time.Millisecond)
	before := e.Conn().NumSubscriptions()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = engine.NextOf(ctx, e, queue, &dying{})
	require.ErrorIs(t, err, nats.ErrDisconnected)
	require.Equal(t, before, e.Conn().NumSubscriptions())
}
