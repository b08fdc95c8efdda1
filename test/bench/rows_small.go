package main

import (
	"context"
	"fmt"
)

const (
	smallCount = 100
	smallSize  = 100 * kib
)

// smallAtOnce sends the same files, dropped together.
func (l *lab) smallAtOnce(ctx context.Context) ([]row, []runner, error) {
	p, err := l.startProduct(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer p.stop()
	tab, err := p.openPlain(ctx, l.chromium, "small-at-once")
	if err != nil {
		return nil, nil, err
	}
	defer tab.close(ctx)
	files, err := makeFiles(l.files, "small-%03d.bin", smallCount, smallSize)
	if err != nil {
		return nil, nil, err
	}
	for _, each := range []*page{tab, l.tus.uppy} {
		if err := each.choose(ctx, "#file", paths(files)...); err != nil {
			return nil, nil, err
		}
	}
	ours := l.uploading(p, tab, "bench.uploadAll()", smallCount)
	tus := l.uppyUpload("Uppy, tus", "tus")
	xhr := l.uppyUpload("Uppy, XHR", "xhr")
	contenders := []contender{ours, tus, xhr}
	samples, err := l.contest(ctx, l.rounds, contenders)
	if err != nil {
		return nil, nil, err
	}
	against := func(peer contender, what, note string, target *bound) row {
		return row{
			Measured: fmt.Sprintf("%d files of 100 KiB dropped at once, all announced", smallCount), Against: what,
			Ours: durations(samples[ours.name]), Peer: durations(samples[peer.name]),
			Judged: figureOf("×", ratios(seconds(samples[ours.name]), seconds(samples[peer.name]))),
			Target: target, Note: note,
		}
	}
	return []row{
		against(tus, "Uppy, tus plugin, its defaults, time", "the peer's files are written by `@tus/server`, not synced; ours: "+boundBy(samples[ours.name]), atMost(0.5)),
		against(xhr, "Uppy, XHR plugin, its defaults, time", "the peer's server writes the bodies without parsing the forms in them, and syncs nothing", nil),
	}, summed(contenders, samples, smallCount*smallSize), nil
}

// smallFiles sends a hundred files of the most common size, each after the one before
// is announced.
func (l *lab) smallFiles(ctx context.Context) ([]row, []runner, error) {
	p, err := l.startProduct(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer p.stop()
	tab, err := p.openPlain(ctx, l.chromium, "small")
	if err != nil {
		return nil, nil, err
	}
	defer tab.close(ctx)
	files, err := makeFiles(l.files, "small-%03d.bin", smallCount, smallSize)
	if err != nil {
		return nil, nil, err
	}
	for _, each := range []*page{tab, l.tus.page, l.peers.page} {
		if err := each.choose(ctx, "#file", paths(files)...); err != nil {
			return nil, nil, err
		}
	}
	ours := l.uploading(p, tab, "bench.uploadEach()", smallCount)
	tus := l.tusUpload("tus-js-client, data with creation", "uploadWithCreation")
	stored := l.puttingEach("fetch PUT, hashed, written, synced", "store", files[smallCount-1].digest)
	contenders := []contender{ours, tus, stored}
	samples, err := l.contest(ctx, l.rounds, contenders)
	if err != nil {
		return nil, nil, err
	}
	if err := p.verify(ctx, tab, files[smallCount-1]); err != nil {
		return nil, nil, err
	}
	against := func(peer contender, what, note string, target, stretch *bound) row {
		return row{
			Measured: fmt.Sprintf("%d files of 100 KiB, one after the other, each announced", smallCount), Against: what,
			Ours: durations(samples[ours.name]), Peer: durations(samples[peer.name]),
			Judged: figureOf("×", ratios(seconds(samples[ours.name]), seconds(samples[peer.name]))),
			Target: target, Stretch: stretch, Note: note,
		}
	}
	return []row{
		against(tus, "`tus-js-client`, data with creation, time",
			"ours is durable and in the transcript, the peer's files are written but not synced; ours: "+boundBy(samples[ours.name]), atMost(0.6), atMost(0.4)),
		against(stored, "`fetch` PUT, hashed, written, synced, time", "the peer's files are in no transcript", nil, nil),
	}, summed(contenders, samples, smallCount*smallSize), nil
}
