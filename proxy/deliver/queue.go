package deliver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy/engine"
)

const consumerName = "deliver"

// heartbeat is how often the engine says that it still knows of a loop that
// waits for messages; two missed ones, and it is asked anew.
const heartbeat = time.Second

// leaderRetry is the patience with which the queue's next leader is looked for. Then
// the queue itself may be gone, and is opened anew.
var leaderRetry = engine.RetryPolicy{Total: 15 * time.Second, PerTry: 2 * time.Second}

// queue is a loop's end of the queue that all loops share.
type queue struct {
	engine   *engine.Engine
	consumer jetstream.Consumer
	messages jetstream.MessagesContext
}

// openQueue opens the consumer. One message is fetched at a time, and only when
// a worker is free for it: a message that waits here would use up its lease.
func (l *Loop) openQueue(ctx context.Context) (*queue, error) {
	consumer, err := l.cfg.Records.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       consumerName,
		Description:   "delivers uploads",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       l.cfg.Lease,
		MaxDeliver:    -1,
		MaxAckPending: -1, // those that wait for their next try must not hold up the rest
	})
	if err != nil {
		return nil, fmt.Errorf("open the delivery queue: %w", err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(1), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return nil, fmt.Errorf("open the delivery queue: %w", err)
	}
	return &queue{engine: l.cfg.Records.engine, consumer: consumer, messages: messages}, nil
}

// Each look asks the library whether it has asked the engine. nats.go 1.55 forgets to
// where a message comes back before its own goroutine has noted that the request for it
// is out (checkPending, fetchInProgress); then nothing would come before two heartbeats
// are missed. So the first looks after a message are short; the last one has no end.
const (
	firstWait = 5 * time.Millisecond
	lastWait  = 80 * time.Millisecond
)

// next is the next message; it waits until there is one.
func (q *queue) next(ctx context.Context) (jetstream.Msg, error) {
	for look := firstWait; ; look *= 2 {
		m, err := q.wait(ctx, look)
		switch {
		case errors.Is(err, jetstream.ErrNoHeartbeat):
			m, err = q.fromNextLeader(ctx)
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			continue
		}
		if m != nil || err != nil {
			return m, err
		}
	}
}

func (q *queue) wait(ctx context.Context, patience time.Duration) (jetstream.Msg, error) {
	if patience <= lastWait {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	return q.messages.Next(jetstream.NextContext(ctx))
}

// fromNextLeader waits for whoever leads the queue next. That nobody does is answered at
// once, but the library takes it for no reason to ask before two more heartbeats
// are missed. If there is a message, it comes along.
func (q *queue) fromNextLeader(ctx context.Context) (m jetstream.Msg, err error) {
	err = q.engine.Retry(ctx, leaderRetry, func(context.Context, bool) (err error) {
		m, err = q.fetch()
		return err
	})
	return m, err
}

// fetch returns a message that is there; nil if there is none, or no answer
// within a second.
func (q *queue) fetch() (jetstream.Msg, error) {
	if !q.engine.Conn().IsConnected() {
		return nil, nats.ErrDisconnected // the library would leave a subscription behind
	}
	batch, err := q.consumer.FetchNoWait(1)
	if err != nil {
		return nil, err
	}
	if m := <-batch.Messages(); m != nil {
		return m, nil
	}
	return nil, batch.Error()
}

// close ends the taking, and returns what the engine has sent meanwhile.
func (q *queue) close() {
	q.messages.Drain()
	for {
		m, err := q.messages.Next(jetstream.NextMaxWait(time.Second))
		if err != nil {
			break
		}
		m.Nak()
	}
	q.messages.Stop()
}

// Queue asks the engine how many changes of records no loop has taken yet, and
// how many uploads are taken: being worked on, or waiting for their next try.
// It is the same whichever loop asks.
func (l *Loop) Queue(ctx context.Context) (waiting, taken int, err error) {
	info, err := l.consumerInfo(ctx)
	if err != nil {
		return 0, 0, err
	}
	return int(info.NumPending), info.NumAckPending, nil
}

// auditedUpTo is the revision up to which no record's end waits for its audit line.
func (l *Loop) auditedUpTo(ctx context.Context) (revision uint64, err error) {
	if l.cfg.Audit == nil {
		return math.MaxUint64, nil
	}
	info, err := l.consumerInfo(ctx)
	if err != nil {
		return 0, err
	}
	return info.AckFloor.Stream, nil
}

func (l *Loop) consumerInfo(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	consumer, err := l.cfg.Records.stream.Consumer(ctx, consumerName)
	if err != nil {
		return nil, fmt.Errorf("ask for the delivery queue: %w", err)
	}
	return consumer.CachedInfo(), nil
}
