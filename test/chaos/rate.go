package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// The load of the scenario rate.
const (
	rateUploads = 50 // a second
	rateSize    = 100 << 10
	rateReached = 0.95 // of rateUploads; below it the times are those of another load
)

// pace is the outcome of the scenario rate.
type pace struct {
	Uploads  int64     `json:"uploads"`
	PerSec   float64   `json:"uploadsPerSecond"`
	P50      float64   `json:"acceptedToAnnouncedMsP50"`
	P99      float64   `json:"acceptedToAnnouncedMsP99"`
	Max      float64   `json:"acceptedToAnnouncedMsMax"`
	Findings *findings `json:"findings"`
}

// Bounds of the time from accepted to announced.
const (
	rateP50 = 5 * time.Millisecond
	rateP99 = 50 * time.Millisecond
)

// runRate sends 50 files of 100 KiB a second by the clock, without waiting for
// answers, and times each from the last byte's ack to the notice.
func runRate(ctx context.Context, l *lab, o options) (any, bool, error) {
	uploads := o.size(o.uploads, 30*rateUploads, 10*rateUploads)
	s, err := l.alone(ctx, workload{})
	if err != nil {
		return nil, false, err
	}
	defer s.leave()
	f := l.field(newFindings(ctx), s.address)
	f.files = s.plainFiles(l.store)
	var sessions []*chatSession
	for n := range 10 {
		r, err := f.open(fmt.Sprintf("rate-%d", n))
		if err != nil {
			return nil, false, err
		}
		defer r.close()
		sessions = append(sessions, r)
	}
	p := &pace{Uploads: uploads, Findings: f.findings}
	p.PerSec = f.sendByClock(ctx, sessions, uploads)
	f.drained(ctx, sessions, at(time.Now()))
	f.verify(ctx, sessions)
	if err := unjudged(ctx); err != nil {
		return p, false, err
	}
	var took []time.Duration
	for _, i := range f.journal.intents {
		took = append(took, i.delivery())
	}
	p50, p99 := quantile(took, 0.5), quantile(took, 0.99)
	p.P50, p.P99, p.Max = inMillis(p50), inMillis(p99), inMillis(quantile(took, 1))
	return p, f.findings.none() && p.PerSec >= rateReached*rateUploads && p50 <= rateP50 && p99 <= rateP99, nil
}

// delivery is the time to the notice, from the ack of the last byte or the state accepted,
// whichever came first. A page whose other socket was faster may have neither.
func (i *intent) delivery() time.Duration {
	from := i.seen
	for _, t := range []time.Time{i.complete, i.accepted} {
		if !t.IsZero() && t.Before(from) {
			from = t
		}
	}
	return i.seen.Sub(from)
}

// sendByClock begins each upload at its time, or at once where that has passed. It
// returns uploads begun per second.
func (f *field) sendByClock(ctx context.Context, sessions []*chatSession, uploads int64) float64 {
	random := f.random("rate")
	var all sync.WaitGroup
	defer all.Wait()
	begun := time.Now()
	for n := range uploads {
		due := begun.Add(time.Duration(n+1) * time.Second / rateUploads)
		if !pause(ctx, time.Until(due)) {
			break
		}
		r, party := sessions[n%int64(len(sessions))], int(n/int64(len(sessions))%2)
		i, u := r.draft(random, party, rateSize, "")
		all.Go(func() { r.send(ctx, party, i, u) })
	}
	return float64(uploads) / time.Since(begun).Seconds()
}
