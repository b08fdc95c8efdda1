package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"attache/wasm/page"
)

// cutting is the outcome of the scenario cuts.
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

// Bounds of the files, and the rate of the wire that is cut. The rate makes a window
// of about a mebibyte: with a window larger than the files, no file could be sent
// again beyond it.
const (
	minCut, maxCut = 1 << 20, 8 << 20
	mostCuts       = 20
	wireRate       = 8 << 10 // KiB a second
)

// runCuts cuts the wire of each of a thousand uploads 1 to 20 times.
func runCuts(ctx context.Context, l *lab, o options) (any, bool, error) {
	uploads := o.size(o.uploads, 1000, 60)
	begun := time.Now()
	c := &cutting{Findings: newFindings(ctx)}
	s, err := l.alone(ctx, workload{})
	if err != nil {
		return nil, false, err
	}
	defer s.leave()
	f := l.field(c.Findings, s.address)
	f.files = s.plainFiles(l.store)
	var lanes []*lane
	var sessions []*chatSession
	for n := range 6 {
		a, err := f.lane(n, s.address)
		if err != nil {
			return c, false, err
		}
		defer a.close()
		lanes, sessions = append(lanes, a), append(sessions, a.chatSession)
	}
	if err := send(ctx, lanes, uploads); err != nil {
		return c, false, err
	}
	f.drained(ctx, sessions, at(time.Now()))
	f.verify(ctx, sessions)
	c.count(f.journal, lanes)
	c.Took = time.Since(begun).Seconds()
	passed := c.Findings.none() && c.Uploads == uploads && len(c.Again) > 0 &&
		c.Cuts[0] >= 1 && c.Cuts[2] <= mostCuts && c.OfWindow[2] <= 1
	return c, passed, unjudged(ctx)
}

// count adds up the bytes and the cuts of all uploads.
func (c *cutting) count(j *journal, lanes []*lane) {
	var again []page.Again
	for _, i := range j.intents {
		c.Uploads++
		c.Bytes += i.size
		c.Resumed += int64(i.upload.Resumed)
		c.Resent += i.upload.Resent
		again = append(again, i.upload.Again...)
	}
	var cuts []int
	for _, a := range lanes {
		cuts = append(cuts, a.cuts...)
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

// lane is a chat session with a wire of its own.
type lane struct {
	chatSession *chatSession
	wire        *wire
	random      *rand.Rand
	cuts        []int // of each of its uploads
}

func (f *field) lane(n int, address string) (*lane, error) {
	to, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	w, err := newWire(fmt.Sprint("wire", n), to.Host, wireRate)
	if err != nil {
		return nil, err
	}
	with := *f
	with.address = anyOf([]string{w.address()})
	r, err := with.open(fmt.Sprintf("cuts-%d", n))
	if err != nil {
		w.close()
		return nil, err
	}
	return &lane{chatSession: r, wire: w, random: f.random(fmt.Sprint("cuts/", n))}, nil
}

func (a *lane) close() {
	a.chatSession.close()
	a.wire.close()
}

// send sends that many files from all lanes at once.
func send(ctx context.Context, lanes []*lane, uploads int64) error {
	var next atomic.Int64
	var all errgroup.Group
	for _, a := range lanes {
		all.Go(func() error {
			for next.Add(1) <= uploads && ctx.Err() == nil {
				if err := a.send(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}

// cutTime bounds one upload, however often it is cut.
const cutTime = time.Minute

// send sends one file and cuts its wire at random offsets. A cut counts when the
// page has lost its connection by it.
func (a *lane) send(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cutTime)
	defer cancel()
	size := logUniform(a.random, minCut, maxCut)
	points := make([]int64, 1+a.random.IntN(mostCuts))
	for i := range points {
		points[i] = 1 + a.random.Int64N(size)
	}
	slices.Sort(points)
	i, u := a.chatSession.draft(a.random, 0, size, "")
	var cuts int
	var broken error
	u.Sent = func(sent int64) {
		before := a.chatSession.page(0).Cuts()
		if len(points) == 0 || sent < points[0] || broken != nil || a.chatSession.page(0).Proxy() == "" {
			return // the page is not connected yet, so there is nothing to cut
		}
		points = points[1:]
		broken = a.wire.cut(time.Duration(a.random.IntN(30)) * time.Millisecond)
		if broken == nil && a.chatSession.page(0).AwaitCut(ctx, before) == nil {
			cuts++
		}
	}
	a.chatSession.send(ctx, 0, i, u)
	a.cuts = append(a.cuts, cuts)
	return broken
}
