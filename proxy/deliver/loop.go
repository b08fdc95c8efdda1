package deliver

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
)

// Loop delivers uploads until it is closed.
type Loop struct {
	cfg     Options
	started time.Time
	slots   chan struct{}
	waiting chan struct{}   // one for each upload that waits for an earlier one
	taking  context.Context // ends with Close: no more messages are taken
	stop    context.CancelFunc
	working context.Context // ends when Close has waited long enough
	abandon context.CancelFunc
	taker   sync.WaitGroup
	running sync.WaitGroup
}

// Start starts a loop. Any number of loops, in any number of processes, may share the
// records.
func Start(ctx context.Context, o Options) (*Loop, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	l := &Loop{cfg: o, started: time.Now(), slots: make(chan struct{}, o.Workers), waiting: make(chan struct{}, maxWaiting)}
	q, err := l.openQueue(ctx)
	if err != nil {
		return nil, err
	}
	l.taking, l.stop = context.WithCancel(context.Background())
	l.working, l.abandon = context.WithCancel(context.Background())
	l.taker.Go(func() { l.take(q) })
	l.running.Go(l.janitor)
	l.running.Go(l.checkUnfinished)
	return l, nil
}

// Close takes no more messages and waits for the deliveries under way; when ctx ends, it
// returns their messages to the queue, for another loop or a later one.
func (l *Loop) Close(ctx context.Context) error {
	l.stop()
	// First, or returned messages would come back to this loop.
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

// take passes messages to workers until the loop closes.
func (l *Loop) take(q *engine.Queue) {
	for q != nil {
		q = l.reopen(l.takeFrom(q))
	}
}

// reopen opens the queue again after an error; nil when the loop closes.
func (l *Loop) reopen(err error) *engine.Queue {
	for try := 1; l.taking.Err() == nil; try++ {
		l.cfg.Log.Warn("delivery queue lost", "error", err)
		if engine.Pause(l.taking, l.backOff(try)) != nil {
			break
		}
		var q *engine.Queue
		if q, err = l.openQueue(l.taking); err == nil {
			return q
		}
	}
	return nil
}

func (l *Loop) takeFrom(q *engine.Queue) error {
	defer q.Close()
	for {
		select {
		case l.slots <- struct{}{}:
		case <-l.taking.Done():
			return nil
		}
		m, err := q.Next(l.taking)
		if err != nil {
			<-l.slots
			return err
		}
		l.dispatch(m)
	}
}

// dispatch passes m to a worker, if there is work to do. The worker, or dispatch itself,
// frees the slot.
func (l *Loop) dispatch(m jetstream.Msg) {
	record, err := parse(m)
	if err != nil {
		l.cfg.Log.Error("an upload's record cannot be read", "subject", m.Subject(), "error", err)
		m.TermWithReason("cannot be read")
		<-l.slots
		return
	}
	if idle(record) {
		l.skip(m, record)
		return
	}
	crashPoint("taken")
	l.spawn(m, record)
}

func (l *Loop) spawn(m jetstream.Msg, record proxy.Record) {
	l.running.Go(func() {
		defer func() { <-l.slots }()
		l.work(m, record)
	})
}

// skip acknowledges a message that needs no work, or spawns a worker if its audit line must
// be written.
func (l *Loop) skip(m jetstream.Msg, record proxy.Record) {
	if l.cfg.Audit != nil && record.State.Final() {
		l.spawn(m, record)
		return
	}
	m.Ack()
	<-l.slots
}

// idle reports whether a record's state needs no work of the loop.
func idle(r proxy.Record) bool {
	return r.State.Incoming() || r.State == bridge.Announced && r.Staged == "" && !deleting(r)
}

// deleting reports whether the file of an announced upload is being deleted.
func deleting(r proxy.Record) bool {
	return r.State == bridge.Announced && (r.Deletion == proxy.DeletionAsked || r.Deletion == proxy.DeletionPosted)
}
