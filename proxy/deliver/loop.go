package deliver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
)

const consumerName = "deliver"

// heartbeat is how often the engine says that it still knows of a loop that
// waits for messages; two missed ones, and it is asked anew.
const heartbeat = time.Second

// Loop delivers uploads until it is closed.
type Loop struct {
	Options
	started time.Time
	slots   chan struct{}
	taking  context.Context // ends with Close: no more messages are taken
	stop    context.CancelFunc
	working context.Context // ends when Close has waited long enough
	abandon context.CancelFunc
	taker   sync.WaitGroup
	running sync.WaitGroup
}

// Start begins to deliver. Any number of loops, in any number of processes, may
// share the records.
func Start(ctx context.Context, o Options) (*Loop, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	l := &Loop{Options: o, started: time.Now(), slots: make(chan struct{}, o.Workers)}
	messages, err := l.queue(ctx)
	if err != nil {
		return nil, err
	}
	l.taking, l.stop = context.WithCancel(context.Background())
	l.working, l.abandon = context.WithCancel(context.Background())
	l.taker.Go(func() { l.take(messages) })
	l.running.Go(l.janitor)
	return l, nil
}

// Close takes no more messages and waits for what is being delivered; when ctx
// ends, it gives that back to the queue, for another loop or a later one.
func (l *Loop) Close(ctx context.Context) error {
	l.stop()
	// First of all, or what is given back would come again to who goes.
	l.taker.Wait()
	done := make(chan struct{})
	go func() { l.running.Wait(); close(done) }()
	select {
	case <-done:
		l.abandon()
		return nil
	case <-ctx.Done():
		l.abandon()
		<-done
		return ctx.Err()
	}
}

// queue opens the consumer that all loops share. One message is fetched at a
// time, and only when a worker is free for it: a message that waits here would
// use up its lease.
func (l *Loop) queue(ctx context.Context) (jetstream.MessagesContext, error) {
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
	return messages, nil
}

// take hands messages to workers until the loop closes.
func (l *Loop) take(messages jetstream.MessagesContext) {
	for messages != nil {
		messages = l.reopen(l.takeFrom(messages))
	}
}

// reopen gets a queue back that was lost; nil when the loop closes.
func (l *Loop) reopen(err error) jetstream.MessagesContext {
	for try := 1; l.taking.Err() == nil; try++ {
		l.Log.Warn("delivery queue lost", "error", err)
		if !wait(l.taking, l.backOff(try)) {
			break
		}
		var messages jetstream.MessagesContext
		if messages, err = l.queue(l.taking); err == nil {
			return messages
		}
	}
	return nil
}

func (l *Loop) takeFrom(messages jetstream.MessagesContext) error {
	defer giveBack(messages)
	for {
		select {
		case l.slots <- struct{}{}:
		case <-l.taking.Done():
			return nil
		}
		m, err := messages.Next(jetstream.NextContext(l.taking))
		if errors.Is(err, jetstream.ErrNoHeartbeat) {
			<-l.slots
			continue
		}
		if err != nil {
			<-l.slots
			return err
		}
		l.dispatch(m)
	}
}

// giveBack ends the taking, and returns what the engine has sent meanwhile.
func giveBack(messages jetstream.MessagesContext) {
	messages.Drain()
	for {
		m, err := messages.Next(jetstream.NextMaxWait(time.Second))
		if err != nil {
			break
		}
		m.Nak()
	}
	messages.Stop()
}

// dispatch gives m to a worker, where there is something to do. The worker, or
// dispatch itself, frees the slot.
func (l *Loop) dispatch(m jetstream.Msg) {
	record, err := parse(m)
	if err != nil {
		l.Log.Error("an upload's record is not readable", "subject", m.Subject(), "error", err)
		m.TermWithReason("not readable")
		<-l.slots
		return
	}
	if idle(record) {
		l.pass(m, record)
		return
	}
	step("taken")
	l.employ(m, record)
}

func (l *Loop) employ(m jetstream.Msg, record proxy.Record) {
	l.running.Go(func() {
		defer func() { <-l.slots }()
		l.work(m, record)
	})
}

// pass lets a message go that asks for nothing but, maybe, its line in the audit
// log.
func (l *Loop) pass(m jetstream.Msg, record proxy.Record) {
	if l.Audit != nil && record.State.Final() {
		l.employ(m, record)
		return
	}
	m.Ack()
	<-l.slots
}

// idle reports whether a record's state asks nothing of the loop.
func idle(r proxy.Record) bool {
	return r.State.Incoming() || r.State == bridge.Announced && r.Staged == ""
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
