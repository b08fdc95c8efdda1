package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"attache/chaos/page"
)

// cutting is what the scenario cuts came to.
type cutting struct {
	Uploads  int64     `json:"uploads"`
	Bytes    int64     `json:"bytes"`
	Cuts     []int     `json:"cutsOfOneUploadMinP50Max"`
	AllCuts  int       `json:"cuts"`
	Resumed  int64     `json:"resumed"`
	Resent   int64     `json:"resentBytes"`
	Again    []int64   `json:"resentBytesAfterOneCutP50P95Max"`
	Window   []int64   `json:"windowThenOpenBytesMinP50Max"`
	OfWindow []float64 `json:"resentPartOfThatWindowP50P95Max"`
	Findings *findings `json:"findings"`
	Took     float64   `json:"seconds"`
}

// Of files and the wire that is cut under them. The wire carries what makes a
// window of about a mebibyte: were the window larger than the files, no file
// could be sent again beyond it.
const (
	minCut, maxCut = 1 << 20, 8 << 20
	mostCuts       = 20
	wireRate       = 8 << 10 // KiB a second
)

// runCuts cuts the wire of each of a thousand uploads 1 to 20 times.
func runCuts(ctx context.Context, l *lab, o options) (any, bool, error) {
	uploads := o.size(o.uploads, 1000, 100)
	begun := time.Now()
	c := &cutting{Findings: newFindings()}
	s, err := l.alone(ctx, "")
	if err != nil {
		return nil, false, err
	}
	defer s.leave()
	f := l.field(s.address, c.Findings)
	const workers = 6
	var next atomic.Int64
	var all sync.WaitGroup
	cuts, errs := make([][]int, workers), make([]error, workers)
	for n := range workers {
		all.Go(func() { cuts[n], errs[n] = f.cutAll(ctx, n, s.address(), &next, uploads) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return c, false, err
	}
	c.count(f.journal, slices.Concat(cuts...))
	c.Took = time.Since(begun).Seconds()
	passed := c.Findings.none() && c.Uploads == uploads && len(c.Again) > 0 &&
		c.Cuts[0] >= 1 && c.Cuts[2] <= mostCuts && c.OfWindow[2] <= 1
	return c, passed, nil
}

// count adds up what was sent, of which each upload had so many cuts.
func (c *cutting) count(j *journal, cuts []int) {
	var again []page.Again
	for _, i := range j.intents {
		c.Uploads++
		c.Bytes += i.size
		c.Resumed += int64(i.upload.Resumed)
		c.Resent += i.upload.Resent
		again = append(again, i.upload.Again...)
	}
	for _, n := range cuts {
		c.AllCuts += n
	}
	c.Cuts = quantiles(cuts, 0, 0.5, 1)
	var sent, windows []int64
	var parts []float64
	for _, a := range again {
		sent, windows = append(sent, a.Sent), append(windows, a.Window)
		parts = append(parts, float64(a.Sent)/float64(a.Window))
	}
	c.Again = quantiles(sent, 0.5, 0.95, 1)
	c.Window = quantiles(windows, 0, 0.5, 1)
	c.OfWindow = quantiles(parts, 0.5, 0.95, 1)
}

// cutAll is one worker: a room whose agent sends over a wire of its own. It
// returns how often each upload was cut.
func (f *field) cutAll(ctx context.Context, n int, address string, next *atomic.Int64, uploads int64) (cuts []int, err error) {
	to, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	w, err := newWire(fmt.Sprint("wire", n), to.Host, wireRate)
	if err != nil {
		return nil, err
	}
	defer w.close()
	with := *f
	with.address = w.address
	r, err := with.open(fmt.Sprintf("cuts-%d", n))
	if err != nil {
		return nil, err
	}
	defer r.close()
	random := f.random(fmt.Sprint("cuts/", n))
	for next.Add(1) <= uploads && ctx.Err() == nil {
		of, err := r.sendCut(ctx, w, random)
		if err != nil {
			return cuts, err
		}
		cuts = append(cuts, of)
	}
	with.drained(ctx, []*room{r})
	r.verify(ctx)
	r.end(ctx)
	return cuts, nil
}

// cutTime bounds one upload, whatever is cut of it.
const cutTime = time.Minute

// sendCut sends one file whose wire is cut wherever its seed says, and returns
// how often it was. A cut counts when the page has lost its connection by it.
func (r *room) sendCut(ctx context.Context, w *wire, random *rand.Rand) (cuts int, err error) {
	ctx, cancel := context.WithTimeout(ctx, cutTime)
	defer cancel()
	size := logUniform(random, minCut, maxCut)
	points := make([]int64, 1+random.IntN(mostCuts))
	for i := range points {
		points[i] = 1 + random.Int64N(size)
	}
	slices.Sort(points)
	i, u := r.draft(random, 0, size, "")
	var broken error
	u.Sent = func(sent int64) {
		if len(points) == 0 || sent < points[0] || broken != nil {
			return
		}
		points = points[1:]
		before := r.pages[0].Cuts()
		broken = w.cut(time.Duration(random.IntN(30)) * time.Millisecond)
		if broken == nil && r.pages[0].AwaitCut(ctx, before) == nil {
			cuts++
		}
	}
	r.send(ctx, 0, i, u)
	return cuts, broken
}
