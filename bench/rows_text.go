package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

const (
	slowRate   = 10e6 / 8 // bytes per second of the slow link
	slowWindow = 25       // seconds of each run on it: 1 GiB would take a quarter of an hour
)

// texts says something ten times a second while nothing else happens, and
// again while a GiB goes up from the same page.
func (l *lab) texts(ctx context.Context) ([]row, []runner, error) {
	near, err := l.textRow(ctx, "loopback", 0, 300, atMost(50))
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

// textRow measures one place: on the wire as it is, or over a link of that rate.
func (l *lab) textRow(ctx context.Context, place string, rate float64, window int, target *bound) (row, error) {
	huge, err := l.huge()
	if err != nil {
		return row{}, err
	}
	p, address, stop, err := l.startAt(ctx, rate)
	if err != nil {
		return row{}, err
	}
	defer stop()
	tab, err := p.openPanes(ctx, l.chromium, address, "text")
	if err != nil {
		return row{}, err
	}
	defer tab.close(ctx)
	if err := errors.Join(tab.choose(ctx, "#file", huge.path), tab.front(ctx)); err != nil {
		return row{}, err
	}
	var quiet, busy []float64
	texts := 0
	for round := range l.rounds {
		without, err := l.say(ctx, tab, 5, false)
		if err != nil {
			return row{}, err
		}
		with, err := l.say(ctx, tab, window, true)
		if err != nil {
			return row{}, err
		}
		texts += len(with)
		quiet, busy = append(quiet, percentile(without, 95)), append(busy, percentile(with, 95))
		l.log.Info("texts", "place", place, "round", round+1, "quiet", quiet[round], "busy", busy[round], "texts", len(with))
	}
	still := figureOf(" ms", quiet)
	return row{
		Measured: "text during a 1 GiB upload until shown on the other page, p95, on " + place, Against: "the same with no upload",
		Peer: &still, Judged: figureOf(" ms", busy), Target: target,
		Note: fmt.Sprintf("the p95 of each of %d runs, %d texts in all", l.rounds, texts),
	}, nil
}

// startAt starts the product and returns its origin at this end of a link of
// that rate, or its own if the rate is 0.
func (l *lab) startAt(ctx context.Context, rate float64) (p *product, address string, stop func(), err error) {
	if rate == 0 {
		p, err = l.startProduct(ctx)
		if err != nil {
			return nil, "", nil, err
		}
		return p, p.address, p.stop, nil
	}
	line, err := openLink(rate)
	if err != nil {
		return nil, "", nil, err
	}
	address = "http://" + line.address()
	if p, err = l.startProduct(ctx, "--origin", address); err != nil {
		line.close()
		return nil, "", nil, err
	}
	line.carry(ctx, strings.TrimPrefix(p.address, "http://"))
	return p, address, func() { line.close(); p.stop() }, nil
}

// say returns how many milliseconds each text took.
func (l *lab) say(ctx context.Context, tab *page, window int, uploading bool) ([]float64, error) {
	var outcome struct {
		Times    []float64 `json:"times"`
		Finished bool      `json:"finished"`
	}
	if err := tab.evaluate(ctx, fmt.Sprintf("bench.texts(%d, %t)", window, uploading), &outcome); err != nil {
		return nil, err
	}
	if len(outcome.Times) < 20 {
		return nil, fmt.Errorf("only %d texts were said: too few for a p95", len(outcome.Times))
	}
	return outcome.Times, nil
}
