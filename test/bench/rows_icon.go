package main

import (
	"context"
	"strconv"
	"time"
)

// drops is how often a file is dropped in a run; the run's figure is their median.
const drops = 50

// icons times the drop of a file on one pane of the demo page until its icon is in
// the other's DOM. Both panes are on one page and have one clock.
func (l *lab) icons(ctx context.Context) ([]row, []runner, error) {
	p, err := l.startProduct(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer p.stop()
	tab, err := p.openPanes(ctx, l.chromium, "icon")
	if err != nil {
		return nil, nil, err
	}
	defer tab.close(ctx)
	file, err := makeFile(l.files, "drop.bin", smallSize)
	if err != nil {
		return nil, nil, err
	}
	for _, each := range []*page{tab, l.peers.page} {
		if err := each.choose(ctx, "#file", file.path); err != nil {
			return nil, nil, err
		}
	}
	ours := contender{
		name: "attaché", page: tab, address: p.address, server: p.group(),
		run: func(ctx context.Context) (time.Duration, error) { return timedCount(ctx, tab, "bench.drop()", 1) },
	}
	stored := l.putting("fetch PUT, hashed, written, synced", "store", file.digest)
	discarded := l.putting("fetch PUT, discarded", "discard", strconv.Itoa(smallSize))
	contenders := []contender{ours, stored, discarded}
	samples, err := l.contest(ctx, drops, contenders)
	if err != nil {
		return nil, nil, err
	}
	mine := durations(samples[ours.name])
	thrown := figureOf("×", ratios(seconds(samples[ours.name]), seconds(samples[discarded.name])))
	return []row{{
		Measured: "100 KiB from the drop until the icon is in the other pane's DOM, 50 times", Against: "`fetch` PUT round trip of 100 KiB, hashed, written, synced",
		Ours: mine, Peer: durations(samples[stored.name]),
		Judged: figureOf("×", ratios(seconds(samples[ours.name]), seconds(samples[stored.name]))),
		Target: atMost(2), Stretch: atMost(1.5),
		Note: "against a PUT whose bytes are thrown away: " + thrown.String() + ", which took " + durations(samples[discarded.name]).String(),
	}}, summed(contenders, samples, 0), nil
}
