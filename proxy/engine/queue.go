package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// leaderRetry bounds the wait for the queue's next leader. After it, the queue itself may be
// gone, and is opened again.
var leaderRetry = RetryPolicy{Total: 15 * time.Second, PerTry: 2 * time.Second}

// Queue is this process's end of a queue that several processes share: a durable consumer of a
// stream, whose acknowledgement time is the lease of a message.
type Queue struct {
	engine   *Engine
	consumer jetstream.Consumer
	messages jetstream.MessagesContext
}

// OpenQueue opens a consumer, which is created if there is none. One message is fetched at a time,
// and only when Next is called: the lease of a waiting message would run out.
func (e *Engine) OpenQueue(ctx context.Context, stream jetstream.Stream, c jetstream.ConsumerConfig) (*Queue, error) {
	consumer, err := stream.CreateOrUpdateConsumer(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open the queue %s: %w", c.Durable, err)
	}
	q := &Queue{engine: e, consumer: consumer}
	if err := q.open(); err != nil {
		return nil, fmt.Errorf("open the queue %s: %w", c.Durable, err)
	}
	return q, nil
}

func (q *Queue) open() (err error) {
	q.messages, err = q.consumer.Messages(jetstream.PullMaxMessages(1), jetstream.PullHeartbeat(heartbeat))
	return err
}

// nats.go 1.55 forgets to request the next message if the previous one comes before its own
// goroutine has recorded that the request is out (checkPending, fetchInProgress); then
// nothing would come before two heartbeats are missed. Each call of Next checks that again.
// So the first waits after a message are short; the last one has no end.
const (
	firstWait = 5 * time.Millisecond
	lastWait  = 80 * time.Millisecond
)

// Next waits for the next message. The caller acknowledges it, renews its lease or returns it.
func (q *Queue) Next(ctx context.Context) (jetstream.Msg, error) {
	for d := firstWait; ; d *= 2 {
		m, err := q.wait(ctx, d)
		switch {
		case errors.Is(err, jetstream.ErrNoHeartbeat):
			if m, err = q.fromNextLeader(ctx); err == nil {
				// Without another subscription the next call of Next returns its error.
				if again := q.reopen(); m == nil {
					err = again
				}
			}
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			continue
		}
		if m != nil || err != nil {
			return m, err
		}
	}
}

func (q *Queue) wait(ctx context.Context, d time.Duration) (jetstream.Msg, error) {
	if d <= lastWait {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	return q.messages.Next(jetstream.NextContext(ctx))
}

// reopen takes messages by another subscription. The request of the one before is still
// out: after a process has only paused, its answers and heartbeats and those of the next
// request would come to the same buffer, which has room for one. What does not fit is
// dropped, and a dropped message waits until its lease has ended.
func (q *Queue) reopen() error {
	q.Close()
	return q.open()
}

// fromNextLeader waits for the queue's next leader, and returns a message if it has one.
// The server answers at once that there is no leader, but the library does not request
// again before two more heartbeats are missed.
func (q *Queue) fromNextLeader(ctx context.Context) (m jetstream.Msg, err error) {
	err = q.engine.Retry(ctx, leaderRetry, func(context.Context, bool) (err error) {
		m, err = q.fetch()
		return err
	})
	return m, err
}

// fetch returns a message that is available; nil if there is none, or no answer within a
// second.
func (q *Queue) fetch() (jetstream.Msg, error) {
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

// Close stops taking messages, and returns those that the engine has sent meanwhile.
func (q *Queue) Close() {
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
