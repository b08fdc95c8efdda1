package main

import (
	"context"
	"time"
)

// starts loads a page until its module answers: with nothing in any cache, and again, as on
// a second visit.
func (l *lab) starts(ctx context.Context) (rows []row, runs []runner, err error) {
	for _, visit := range []struct {
		name   string
		warm   bool
		target *bound
		note   string
	}{
		{"cold", false, atMost(1.4), "each time in a new browser context"},
		{"warm", true, atMost(1.2), "the second visit of a new browser context"},
	} {
		ours := l.starting(visit.name+": page with the module", "start-product.html", visit.warm)
		empty := l.starting(visit.name+": page with an empty Go module", "start-empty.html", visit.warm)
		contenders := []contender{ours, empty}
		samples, err := l.contest(ctx, l.rounds, contenders)
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, row{
			Measured: "page load until `connect` can be called, " + visit.name, Against: "the same page with an empty Go module",
			Ours: durations(samples[ours.name]), Peer: durations(samples[empty.name]),
			Judged: figureOf("×", ratios(seconds(samples[ours.name]), seconds(samples[empty.name]))),
			Target: visit.target,
			Note:   "from the start of the navigation, " + visit.note + "; ours counts until the module has answered a call, though `connect` may be called before",
		})
		runs = append(runs, summed(contenders, samples, 0)...)
	}
	return rows, runs, nil
}

func (l *lab) starting(name, path string, warm bool) contender {
	return contender{
		name: name, page: l.peers.page, address: l.peers.address, server: l.peers.process.Pid,
		run: func(ctx context.Context) (time.Duration, error) {
			p, err := l.chromium.open(ctx, l.peers.address+"/"+path, true)
			if err != nil {
				return 0, err
			}
			defer p.close(ctx)
			var ms float64
			err = p.evaluate(ctx, "bench.started", &ms)
			if err == nil && warm {
				if err = p.navigate(ctx, l.peers.address+"/"+path+"?again"); err == nil {
					err = p.evaluate(ctx, "bench.started", &ms)
				}
			}
			return milliseconds(ms), err
		},
	}
}

// durations shows the times of runs in milliseconds.
func durations(samples []sample) *figure {
	figures := seconds(samples)
	for i := range figures {
		figures[i] *= 1000
	}
	f := figureOf(" ms", figures)
	return &f
}
