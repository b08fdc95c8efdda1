package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"attache/bridge"
)

// cutting is what the scenario cuts came to.
type cutting struct {
	Uploads   int64     `json:"uploads"`
	Bytes     int64     `json:"bytes"`
	Cuts      int64     `json:"cuts"`
	Resumed   int64     `json:"resumed"`
	Resent    int64     `json:"resentBytes"`
	MostAgain int64     `json:"mostResentBytesAfterOneCut"`
	Window    int64     `json:"creditWindowBytes"`
	Findings  *findings `json:"findings"`
	Took      float64   `json:"seconds"`
}

// Sizes of files that are cut: with fewer bytes a file has arrived before its
// wire is cut twice.
const (
	minCut, maxCut = 256 << 10, 8 << 20
	mostCuts       = 20
)

// runCuts cuts the wire of each of a thousand uploads 1 to 20 times.
func runCuts(ctx context.Context, l *lab, o options) (any, bool, error) {
	uploads := o.size(o.uploads, 1000, 100)
	begun := time.Now()
	c := &cutting{Window: bridge.MaxWindow, Findings: newFindings()}
	s, err := l.alone(ctx, "")
	if err != nil {
		return nil, false, err
	}
	defer s.leave()
	f := l.field(s.address, c.Findings)
	const workers = 6
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make(chan error, workers)
	for n := range workers {
		all.Go(func() { errs <- f.cutAll(ctx, n, s.address(), &next, uploads, &c.Cuts) })
	}
	all.Wait()
	for range workers {
		if err := <-errs; err != nil {
			return nil, false, err
		}
	}
	for _, i := range f.journal.intents {
		c.Uploads++
		c.Bytes += i.size
		c.Resumed += int64(i.upload.Resumed)
		c.Resent += i.upload.Resent
		c.MostAgain = max(c.MostAgain, i.upload.MostAgain)
	}
	c.Took = time.Since(begun).Seconds()
	return c, c.Findings.none() && c.Uploads == uploads && c.Cuts >= uploads, nil
}

// cutAll is one worker: a room whose agent sends over a wire of its own.
func (f *field) cutAll(ctx context.Context, n int, address string, next *atomic.Int64, uploads int64, cuts *int64) error {
	to, err := url.Parse(address)
	if err != nil {
		return err
	}
	w, err := newWire(fmt.Sprint("wire", n), to.Host)
	if err != nil {
		return err
	}
	defer w.close()
	defer func() { atomic.AddInt64(cuts, int64(w.cuts)) }()
	with := *f
	with.address = w.address
	r, err := with.open(fmt.Sprintf("cuts-%d", n))
	if err != nil {
		return err
	}
	defer r.close()
	random := f.random(fmt.Sprint("cuts/", n))
	for next.Add(1) <= uploads && ctx.Err() == nil {
		if err := r.sendCut(ctx, w, random); err != nil {
			return err
		}
	}
	with.drained(ctx, []*room{r})
	r.verify(ctx)
	r.end(ctx)
	return nil
}

// sendCut sends one file whose wire is cut wherever its seed says.
func (r *room) sendCut(ctx context.Context, w *wire, random *rand.Rand) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	size := max(minCut, logUniform(random, maxCut))
	points := make([]int64, 1+random.IntN(mostCuts))
	for i := range points {
		points[i] = 1 + random.Int64N(size)
	}
	slices.Sort(points)
	i, u := r.draft(random, 0, size, "")
	var broken error
	u.Sent = func(sent int64) {
		if len(points) == 0 || sent < points[0] {
			return
		}
		points = points[1:]
		broken = w.cut(time.Duration(random.IntN(30)) * time.Millisecond)
	}
	r.send(ctx, 0, i, u)
	return broken
}
