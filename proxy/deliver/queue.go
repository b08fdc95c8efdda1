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

// heartbeat is how often the engine confirms that it still knows a loop that waits for
// messages; after two missed ones the loop requests again.
const heartbeat = time.Second

// leaderRetry bounds the wait for the queue's next leader. After it, the queue itself may be
// gone, and is opened again.
var leaderRetry = engine.RetryPolicy{Total: 15 * time.Second, PerTry: 2 * time.Second}

// queue is a loop's end of the queue that all loops share.
type queue struct {
	engine   *engine.Engine
	consumer jetstream.Consumer
	messages jetstream.MessagesContext
}

// openQueue opens the consumer. One message is fetched at a time, and only when a worker is
// free for it: the lease of a waiting message would run out.
func (l *Loop) openQueue(ctx context.Context) (*queue, error) {
	consumer, err := l.cfg.Records.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       consumerName,
		Description:   "delivers uploads",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       l.cfg.Lease,
		MaxDeliver:    -1,
		MaxAckPending: -1, // messages that wait for their next try must not block the others
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

// nats.go 1.55 forgets to request the next message if the previous one comes before its own
// goroutine has recorded that the request is out (checkPending, fetchInProgress); then
// nothing would come before two heartbeats are missed. Each call of Next checks that again.
// So the first waits after a message are short; the last one has no end.
const (
	firstWait = 5 * time.Millisecond
	lastWait  = 80 * time.Millisecond
)

// next waits for the next message.
func (q *queue) next(ctx context.Context) (jetstream.Msg, error) {
	for d := firstWait; ; d *= 2 {
		m, err := q.wait(ctx, d)
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

func (q *queue) wait(ctx context.Context, d time.Duration) (jetstream.Msg, error) {
	if d <= lastWait {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	return q.messages.Next(jetstream.NextContext(ctx))
}

// fromNextLeader waits for the queue's next leader, and returns a message if it has one.
// The server answers at once that there is no leader, but the library does not request
// again before two more heartbeats are missed.
func (q *queue) fromNextLeader(ctx context.Context) (m jetstream.Msg, err error) {
	err = q.engine.Retry(ctx, leaderRetry, func(context.Context, bool) (err error) {
		m, err = q.fetch()
		return err
	})
	return m, err
}

// fetch returns a message that is available; nil if there is none, or no answer within a
// second.
func (q *queue) fetch() (jetstream.Msg, error) {
	if !q.engine.Conn().IsConnected() {
		return nil, nats.ErrDisconnected // the library would leak a subscription
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

// close stops taking messages, and returns those that the engine has sent meanwhile.
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

// Queue returns how many changes of records no loop has taken yet, and how many uploads are
// taken: being worked on, or waiting for their next try. It is the same for every loop.
func (l *Loop) Queue(ctx context.Context) (waiting, taken int, err error) {
	info, err := l.consumerInfo(ctx)
	if err != nil {
		return 0, 0, err
	}
	return int(info.NumPending), info.NumAckPending, nil
}

// auditedUpTo is the revision up to which the ends of all records are in the audit log.
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
		return nil, fmt.Errorf("get the delivery queue's state: %w", err)
	}
	return consumer.CachedInfo(), nil
}
