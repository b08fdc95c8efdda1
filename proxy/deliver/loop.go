package deliver

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
)

// Loop delivers uploads until it is closed.
type Loop struct {
	Options
	started time.Time
	slots   chan struct{}
	waiting chan struct{}   // one for each upload that waits for the one before it
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
	l := &Loop{Options: o, started: time.Now(), slots: make(chan struct{}, o.Workers), waiting: make(chan struct{}, mostWaiting)}
	in, err := l.openIntake(ctx)
	if err != nil {
		return nil, err
	}
	l.taking, l.stop = context.WithCancel(context.Background())
	l.working, l.abandon = context.WithCancel(context.Background())
	l.taker.Go(func() { l.take(in) })
	l.running.Go(l.janitor)
	l.running.Go(l.checkUnfinished)
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

// take hands messages to workers until the loop closes.
func (l *Loop) take(in *intake) {
	for in != nil {
		in = l.reopen(l.takeFrom(in))
	}
}

// reopen gets a queue back that was lost; nil when the loop closes.
func (l *Loop) reopen(err error) *intake {
	for try := 1; l.taking.Err() == nil; try++ {
		l.Log.Warn("delivery queue lost", "error", err)
		if !wait(l.taking, l.backOff(try)) {
			break
		}
		var in *intake
		if in, err = l.openIntake(l.taking); err == nil {
			return in
		}
	}
	return nil
}

func (l *Loop) takeFrom(in *intake) error {
	defer in.giveBack()
	for {
		select {
		case l.slots <- struct{}{}:
		case <-l.taking.Done():
			return nil
		}
		m, err := in.next(l.taking)
		if err != nil {
			<-l.slots
			return err
		}
		l.dispatch(m)
	}
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
