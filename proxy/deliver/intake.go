package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy/engine"
)

const consumerName = "deliver"

// heartbeat is how often the engine says that it still knows of a loop that
// waits for messages; two missed ones, and it is asked anew.
const heartbeat = time.Second

// seeking is the patience with which the queue's next leader is looked for. Then
// the queue itself may be gone, and is opened anew.
var seeking = engine.RetryPolicy{Total: 15 * time.Second, PerTry: 2 * time.Second}

// intake is a loop's end of the queue that all loops share.
type intake struct {
	engine   *engine.Engine
	consumer jetstream.Consumer
	messages jetstream.MessagesContext
}

// openIntake opens the consumer. One message is fetched at a time, and only when
// a worker is free for it: a message that waits here would use up its lease.
func (l *Loop) openIntake(ctx context.Context) (*intake, error) {
	consumer, err := l.Records.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       consumerName,
		Description:   "delivers uploads",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       l.Lease,
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
	return &intake{engine: l.Records.engine, consumer: consumer, messages: messages}, nil
}

// Each look asks the library whether it has asked the engine. nats.go 1.55 forgets to
// where a message comes back before its own goroutine has noted that the request for it
// is out (checkPending, fetchInProgress); then nothing would come before two heartbeats
// are missed. So the first looks after a message are short; the last one has no end.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = 80 * time.Millisecond
)

// next is the next message; it waits until there is one.
func (in *intake) next(ctx context.Context) (jetstream.Msg, error) {
	for look := firstLook; ; look *= 2 {
		m, err := in.look(ctx, look)
		switch {
		case errors.Is(err, jetstream.ErrNoHeartbeat):
			m, err = in.seek(ctx)
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			continue
		}
		if m != nil || err != nil {
			return m, err
		}
	}
}

func (in *intake) look(ctx context.Context, patience time.Duration) (jetstream.Msg, error) {
	if patience <= lastLook {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	return in.messages.Next(jetstream.NextContext(ctx))
}

// seek waits for whoever leads the queue next. That nobody does is answered at
// once, but the library takes it for no reason to ask before two more heartbeats
// are missed. If there is a message, it comes along.
func (in *intake) seek(ctx context.Context) (m jetstream.Msg, err error) {
	err = in.engine.Retry(ctx, seeking, func(context.Context, bool) (err error) {
		m, err = in.fetch()
		return err
	})
	return m, err
}

// fetch returns a message that is there; nil if there is none, or no answer
// within a second.
func (in *intake) fetch() (jetstream.Msg, error) {
	if !in.engine.Conn().IsConnected() {
		return nil, nats.ErrDisconnected // the library would leave a subscription behind
	}
	batch, err := in.consumer.FetchNoWait(1)
	if err != nil {
		return nil, err
	}
	if m := <-batch.Messages(); m != nil {
		return m, nil
	}
	return nil, batch.Error()
}

// giveBack ends the taking, and returns what the engine has sent meanwhile.
func (in *intake) giveBack() {
	in.messages.Drain()
	for {
		m, err := in.messages.Next(jetstream.NextMaxWait(time.Second))
		if err != nil {
			break
		}
		m.Nak()
	}
	in.messages.Stop()
}
