package deliver_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/proxy/deliver"
)

// named is a message that is told by its subject.
type named struct {
	jetstream.Msg
	subject string
}

func (m named) Subject() string { return m.subject }

// dying is the wait for a queue's messages: the first ends for want of a
// heartbeat, the next with a message.
type dying struct {
	jetstream.MessagesContext
	waits int
}

func (d *dying) Next(...jetstream.NextOpt) (jetstream.Msg, error) {
	if d.waits++; d.waits == 1 {
		return nil, jetstream.ErrNoHeartbeat
	}
	return named{subject: "waited for"}, nil
}

// leaders is the queue: each question meets the next answer, an error or a
// message.
type leaders struct {
	jetstream.Consumer
	answers []any
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

// When the queue's leader has died, the next one is found as soon as it answers,
// and a message that it gives is not dropped.
func TestTheNextLeaderIsLookedFor(t *testing.T) {
	for name, c := range map[string]struct {
		answers []any
		want    string
		waits   int
		err     error
	}{
		"it has a message":     {[]any{nats.ErrTimeout, nats.ErrTimeout, "fetched"}, "fetched", 1, nil},
		"it has none":          {[]any{nats.ErrTimeout, nil}, "waited for", 2, nil},
		"the connection broke": {[]any{nats.ErrReconnectBufExceeded, nats.ErrDisconnected, "fetched"}, "fetched", 1, nil},
		"alone, nobody leads":  {[]any{nats.ErrTimeout, nats.ErrNoResponders}, "", 1, nats.ErrNoResponders},
		"the queue is gone":    {[]any{nats.ErrTimeout, jetstream.ErrConsumerDeleted}, "", 1, jetstream.ErrConsumerDeleted},
	} {
		t.Run(name, func(t *testing.T) {
			l, d := &leaders{answers: c.answers}, &dying{}
			m, err := deliver.Next(t.Context(), newWorld(t).engine, l, d)
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.waits, d.waits)
			require.Empty(t, l.answers)
			if c.err == nil {
				require.Equal(t, c.want, m.Subject())
			}
		})
	}
}
