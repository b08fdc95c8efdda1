package inspect

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy/engine"
)

// missed is how many beats a lease's holder may miss until it counts as gone.
const missed = 5

// lease waits for the right to scan bytes with that SHA-256, which one proxy has at a time:
// it is a message that its holder replaces at each beat. A holder that is gone no longer
// does; who waits sees that by its own clock. done ends the wait: there is a verdict.
//
// Whoever loses the lease all the same, because its beats did not arrive, scans on: a second
// scan costs time and harms nothing.
func (v *verdicts) lease(ctx context.Context, sum [32]byte, done func(context.Context) (bool, error)) (release func(), err error) {
	subject := leaseSubject(sum)
	var seen uint64 // the message that was last seen, and since when
	var since time.Time
	for {
		if ended, err := done(ctx); ended || err != nil {
			return func() {}, err
		}
		m, err := v.last(ctx, subject)
		if err != nil {
			return nil, err
		}
		last := uint64(0)
		if m != nil {
			last = m.Sequence
		}
		if last != seen || since.IsZero() {
			seen, since = last, time.Now()
		}
		if last == 0 || time.Since(since) > missed*v.beat {
			if sequence, err := v.take(ctx, subject, last); err == nil {
				return v.hold(ctx, subject, sequence), nil
			} else if !engine.Overtaken(err) {
				return nil, err
			}
			continue
		}
		if err := engine.Pause(ctx, v.beat/4); err != nil {
			return nil, err
		}
	}
}

// take replaces the message that has that sequence.
func (v *verdicts) take(ctx context.Context, subject string, last uint64) (sequence uint64, err error) {
	err = v.engine.Retry(ctx, retry, func(ctx context.Context, _ bool) error {
		ack, err := v.js.Publish(ctx, subject, nil, jetstream.WithExpectLastSequencePerSubject(last))
		if err == nil {
			sequence = ack.Sequence
		}
		return err
	})
	return sequence, err
}

// hold replaces the message at each beat until it is released, and then removes it.
func (v *verdicts) hold(ctx context.Context, subject string, sequence uint64) (release func()) {
	holding, stop := context.WithCancel(ctx)
	var beating sync.WaitGroup
	beating.Go(func() {
		for engine.Pause(holding, v.beat) == nil {
			next, err := v.take(holding, subject, sequence)
			if err != nil {
				return
			}
			sequence = next
		}
	})
	return func() {
		stop()
		beating.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), retry.PerTry)
		defer cancel()
		// Only the own message. If that fails, the lease ends by itself.
		v.stream.DeleteMsg(ctx, sequence)
	}
}
