package main

import "context"

const (
	smallCount = 100
	smallSize  = 100 * kib
)

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
	for _, each := range []*page{tab, l.tus.page} {
		if err := each.choose(ctx, "#file", paths(files)...); err != nil {
			return nil, nil, err
		}
	}
	ours := l.uploading(p, tab, "bench.uploadEach()", smallCount)
	tus := l.tusUpload("tus-js-client, data with creation", "uploadWithCreation")
	contenders := []contender{ours, tus}
	samples, err := l.contest(ctx, l.rounds, contenders)
	if err != nil {
		return nil, nil, err
	}
	if err := p.verify(ctx, tab, files[smallCount-1]); err != nil {
		return nil, nil, err
	}
	return []row{{
		Measured: "100 files of 100 KiB, one after the other, each announced", Against: "`tus-js-client`, data with creation, time",
		Ours: durations(samples[ours.name]), Peer: durations(samples[tus.name]),
		Judged: figureOf("×", ratios(seconds(samples[ours.name]), seconds(samples[tus.name]))),
		Target: atMost(0.5), Stretch: atMost(0.25),
		Note: "ours is durable and in the transcript, the peer's files are written but not synced; ours: " + boundBy(samples[ours.name]),
	}}, summed(contenders, samples, smallCount*smallSize), nil
}
