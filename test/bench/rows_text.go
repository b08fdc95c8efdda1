package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

const (
	slowRate   = 10e6 / 8 // bytes per second of the slow link
	slowWindow = 25       // seconds of each run on it: 1 GiB would take a quarter of an hour
	fastWindow = 60       // more than 1 GiB takes on loopback

	quietWindow = 8 // seconds of each run without an upload
)

// texts sends ten messages a second on an idle page, and again during the upload of
// a GiB from the same page.
func (l *lab) texts(ctx context.Context) ([]row, []runner, error) {
	near, err := l.textRow(ctx, "loopback", 0, fastWindow, atMost(50))
	if err != nil {
		return nil, nil, err
	}
	far, err := l.textRow(ctx, "a 10 Mbit/s link", slowRate, slowWindow, atMost(300))
	if err != nil {
		return []row{near}, nil, err
	}
	far.Note += fmt.Sprintf("; all connections share one queue of 100 ms in each direction; each run is %d s of the upload", slowWindow)
	return []row{near, far}, nil, nil
}

// textRow measures without a link, or over a link of that rate.
func (l *lab) textRow(ctx context.Context, place string, line float64, window int, target *bound) (row, error) {
	huge, err := l.file(gib)
	if err != nil {
		return row{}, err
	}
	p, browser, stop, err := l.startAt(ctx, line)
	if err != nil {
		return row{}, err
	}
	defer stop()
	tab, err := p.openPanes(ctx, browser, "text")
	if err != nil {
		return row{}, err
	}
	defer tab.close(ctx)
	if err := errors.Join(tab.choose(ctx, "#file", huge.path), tab.front(ctx)); err != nil {
		return row{}, err
	}
	var quiet, busy, rate []float64
	texts := 0
	for round := range l.rounds {
		without, err := l.say(ctx, tab, quietWindow, false)
		if err != nil {
			return row{}, err
		}
		with, err := l.say(ctx, tab, window, true)
		if err != nil {
			return row{}, err
		}
		texts += len(with.Times)
		quiet, busy = append(quiet, percentile(without.Times, 95)), append(busy, percentile(with.Times, 95))
		rate = append(rate, with.Stored/mib/with.Seconds)
		l.log.Info("texts", "place", place, "round", round+1, "quiet", quiet[round], "busy", busy[round], "rate", rate[round])
	}
	still := figureOf(" ms", quiet)
	return row{
		Measured: "text during a 1 GiB upload until shown on the other page, p95, on " + place, Against: "the same with no upload",
		Peer: &still, Judged: figureOf(" ms", busy), Target: target,
		Note: fmt.Sprintf("the p95 of each of %d runs, %d texts in all; the upload beside them went at %s", l.rounds, texts, figureOf(" MiB/s", rate)),
	}, nil
}

// startAt starts the product and returns a browser that reaches it over a link of that
// rate, or the lab's browser if the rate is 0. The product has the same address at
// both ends of the link; only the browser is configured for the link.
func (l *lab) startAt(ctx context.Context, rate float64) (p *product, c *chromium, stop func(), err error) {
	if p, err = l.startProduct(ctx); err != nil {
		return nil, nil, nil, err
	}
	if rate == 0 {
		return p, l.chromium, p.stop, nil
	}
	line, err := openLink(rate, backlog)
	if err == nil {
		c, err = l.startOver(ctx, line, p)
	}
	if err != nil {
		p.stop()
		return nil, nil, nil, err
	}
	return p, c, func() { c.stop(); line.close(); p.stop() }, nil
}

// startOver returns a browser that reaches the product over the link, which it
// closes if it fails.
func (l *lab) startOver(ctx context.Context, line *link, p *product) (*chromium, error) {
	return l.browseOver(ctx, line, strings.TrimPrefix(p.address, "http://"))
}

// browseOver returns a browser that reaches a server, a host and port, over the link, which
// it closes if it fails.
func (l *lab) browseOver(ctx context.Context, line *link, far string) (*chromium, error) {
	line.carry(ctx, far)
	profile, err := os.MkdirTemp(l.dir, "profile-slow-*")
	if err == nil {
		var c *chromium
		c, err = startChromium(ctx, l.options.chromium, profile, fmt.Sprintf("--host-resolver-rules=MAP %s %s", far, line.address()))
		if err == nil {
			return c, nil
		}
	}
	line.close()
	return nil, err
}

// said holds the milliseconds of each text, and the bytes and seconds of the upload
// beside them.
type said struct {
	Times   []float64 `json:"times"`
	Stored  float64   `json:"stored"`
	Seconds float64   `json:"seconds"`
}

func (l *lab) say(ctx context.Context, tab *page, window int, uploading bool) (said, error) {
	var s said
	if err := tab.evaluate(ctx, fmt.Sprintf("bench.texts(%d, %t)", window, uploading), &s); err != nil {
		return s, err
	}
	if len(s.Times) < 20 {
		return s, fmt.Errorf("only %d texts were sent: too few for a p95", len(s.Times))
	}
	return s, nil
}
