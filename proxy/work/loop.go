// Package work takes the items of a queue that several processes share, and hands each to a
// worker. A worker holds the item's lease until it is done: if its process dies, another one gets
// the item.
//
//	l, err := work.Start(ctx, work.Options{Open: openQueue, Do: do, Lease: time.Minute})
//	defer l.Close(ctx)
package work

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy/engine"
)

// Options are those of a [Loop].
type Options struct {
	// Open opens the queue, and opens it again when it was lost.
	Open func(ctx context.Context) (*engine.Queue, error)
	// Do works on an item. again is how long to wait before the item is taken once more; 0: it
	// is done. ctx ends when the loop has no more time.
	Do func(ctx context.Context, item jetstream.Msg) (again time.Duration)

	Lease   time.Duration // the queue's acknowledgement time; required
	Workers int           // items at a time; default 8
	What    string        // names the queue in the log
	Log     *slog.Logger
}

// Loop works until it is closed.
type Loop struct {
	cfg     Options
	slots   chan struct{}
	taking  context.Context // ends with Close: nothing more is taken
	stop    context.CancelFunc
	working context.Context // ends when Close has waited long enough
	abandon context.CancelFunc
	taker   sync.WaitGroup
	running sync.WaitGroup
}

// Start opens the queue and begins to take items.
func Start(ctx context.Context, o Options) (*Loop, error) {
	q, err := o.Open(ctx)
	if err != nil {
		return nil, err
	}
	l := &Loop{cfg: o, slots: make(chan struct{}, cmp.Or(o.Workers, 8))}
	l.taking, l.stop = context.WithCancel(context.Background())
	l.working, l.abandon = context.WithCancel(context.Background())
	l.taker.Go(func() { l.take(q) })
	return l, nil
}

// Close takes no more items and waits for those under way; when ctx ends, it ends them, and they
// are left to another process or a later one.
func (l *Loop) Close(ctx context.Context) error {
	l.stop()
	l.taker.Wait() // first, or returned messages would come back to this loop
	done := make(chan struct{})
	go func() { l.running.Wait(); close(done) }()
	defer l.abandon()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		l.abandon()
		<-done
		return ctx.Err()
	}
}

func (l *Loop) take(q *engine.Queue) {
	for try := 1; q != nil; try++ {
		err := l.takeFrom(q)
		for q = nil; q == nil && l.taking.Err() == nil; try++ {
			l.cfg.Log.Warn(l.cfg.What+" queue lost", "error", err)
			if engine.Pause(l.taking, min(time.Duration(try)*100*time.Millisecond, 15*time.Second)) != nil {
				return
			}
			q, err = l.cfg.Open(l.taking)
		}
	}
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
		l.running.Go(func() {
			defer func() { <-l.slots }()
			l.work(m)
		})
	}
}

// work works on one item, and holds its lease meanwhile.
func (l *Loop) work(m jetstream.Msg) {
	ctx, cancel := context.WithCancel(l.working)
	defer cancel()
	l.running.Go(func() {
		for engine.Pause(ctx, l.cfg.Lease/3) == nil {
			m.InProgress()
		}
	})
	again := l.cfg.Do(ctx, m)
	switch {
	case l.working.Err() != nil:
		m.Nak()
	case again > 0:
		m.NakWithDelay(again)
	default:
		m.Ack()
	}
}
