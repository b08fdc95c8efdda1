package main

import (
	"context"
	"time"
)

// starts loads a page, with nothing in any cache, until its module answers.
func (l *lab) starts(ctx context.Context) ([]row, []runner, error) {
	ours := l.starting("page with the module", "start-product.html")
	empty := l.starting("page with an empty Go module", "start-empty.html")
	contenders := []contender{ours, empty}
	samples, err := l.contest(ctx, l.rounds, contenders)
	if err != nil {
		return nil, nil, err
	}
	return []row{{
		Measured: "page load until `connect` can be called", Against: "the same page with an empty Go module",
		Ours: durations(samples[ours.name]), Peer: durations(samples[empty.name]),
		Judged: figureOf("×", ratios(seconds(samples[ours.name]), seconds(samples[empty.name]))),
		Target: atMost(1.5),
		Note:   "from the start of the navigation, each time in a new browser context; ours counts until the module has answered a call, though `connect` may be called before",
	}}, summed(contenders, samples, 0), nil
}

func (l *lab) starting(name, path string) contender {
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
