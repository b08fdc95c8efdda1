package mail

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/engine"
)

// Loop sends mails until it is closed.
type Loop struct {
	cfg     Options
	store   *store
	slots   chan struct{}
	taking  context.Context // ends with Close: nothing more is taken
	stop    context.CancelFunc
	working context.Context // ends when Close has waited long enough
	abandon context.CancelFunc
	taker   sync.WaitGroup
	running sync.WaitGroup
}

// Start starts a loop on a running engine, which outlives it. Any number of loops, in any number
// of processes, may share an engine. Sessions that ended before mail was switched on there get no
// mail.
func Start(ctx context.Context, e *engine.Engine, o Options) (*Loop, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	store, err := openStore(ctx, e, o.Keep, o.Now())
	if err != nil {
		return nil, err
	}
	l := &Loop{cfg: o, store: store, slots: make(chan struct{}, o.Workers)}
	q, err := l.openQueue(ctx)
	if err != nil {
		return nil, err
	}
	l.taking, l.stop = context.WithCancel(context.Background())
	l.working, l.abandon = context.WithCancel(context.Background())
	l.taker.Go(func() { l.take(q) })
	l.running.Go(l.follow)
	sends := []any{"recipient key", o.RecipientKey}
	if s, ok := o.Sender.(*SMTP); ok {
		sends = append(sends, "server", s.cfg.Server)
	}
	o.Log.Info("the transcript of each session that ends is sent by mail", sends...)
	return l, nil
}

// Close takes no more mails and waits for those under way; when ctx ends, it breaks their
// connections off, and they are left to another loop or a later one.
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

// Record returns the record of a session's mail; ok is false if there is none yet.
func (l *Loop) Record(ctx context.Context, session string) (r Record, ok bool, err error) {
	return l.store.record(ctx, session)
}

func (l *Loop) openQueue(ctx context.Context) (*engine.Queue, error) {
	return l.store.Engine.OpenQueue(ctx, l.store.Stream, jetstream.ConsumerConfig{
		Durable:       consumerName,
		Description:   "sends transcript mails",
		FilterSubject: itemPrefix + ">",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       l.cfg.Lease,
		MaxDeliver:    -1,
		MaxAckPending: -1, // mails that wait for their next try must not block the others
	})
}

// follow puts every session that ends into the queue.
func (l *Loop) follow() {
	for try := 1; l.taking.Err() == nil; try++ {
		begun := time.Now()
		err := l.followOnce()
		if l.taking.Err() != nil {
			return
		}
		if time.Since(begun) > time.Minute {
			try = 1
		}
		l.cfg.Log.Warn("the ends of sessions cannot be followed, retrying", "error", err)
		if engine.Pause(l.taking, min(time.Duration(try)*time.Second, 15*time.Second)) != nil {
			return
		}
	}
}

func (l *Loop) followOnce() error {
	cursor, err := l.store.cursor(l.taking)
	if err != nil {
		return err
	}
	ended := func(session, cursor string) error {
		if err := l.store.enqueue(l.taking, session); err != nil {
			return err
		}
		crashPoint("queued")
		return l.store.advance(l.taking, cursor)
	}
	err = l.cfg.Chat.Ended(l.taking, cursor, ended)
	if bridge.CodeOf(err) == bridge.CodeMessage && cursor != "" {
		// It is another Chat Server's. From the beginning then: a session is in the queue once.
		return l.cfg.Chat.Ended(l.taking, "", ended)
	}
	return err
}

// take passes items to workers until the loop closes.
func (l *Loop) take(q *engine.Queue) {
	for try := 1; q != nil; try++ {
		err := l.takeFrom(q)
		for q = nil; q == nil && l.taking.Err() == nil; try++ {
			l.cfg.Log.Warn("mail queue lost", "error", err)
			if engine.Pause(l.taking, min(time.Duration(try)*100*time.Millisecond, 15*time.Second)) != nil {
				return
			}
			q, err = l.openQueue(l.taking)
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

// work handles one item, and holds its lease meanwhile.
func (l *Loop) work(m jetstream.Msg) {
	session := strings.TrimPrefix(m.Subject(), itemPrefix)
	ctx, cancel := context.WithCancel(l.working)
	l.running.Go(func() {
		for engine.Pause(ctx, l.cfg.Lease/3) == nil {
			m.InProgress()
		}
	})
	defer cancel()
	j := &job{Loop: l, session: session, log: l.cfg.Log.With("session", session)}
	again, err := j.run(ctx)
	switch {
	case l.working.Err() != nil:
		m.Nak()
	case err != nil:
		j.log.Warn("mail delayed", "error", reason(err, j.address), "delay", l.cfg.Delay)
		m.NakWithDelay(l.backOff(1))
	case again > 0:
		m.NakWithDelay(again)
	default:
		m.Ack()
	}
}

// backOff is the pause before try n+1.
func (l *Loop) backOff(n int) time.Duration {
	d := l.cfg.Delay
	for ; n > 1 && d < l.cfg.MaxDelay; n-- {
		d *= 2
	}
	d = min(d, l.cfg.MaxDelay)
	return d/2 + rand.N(d/2+1)
}
