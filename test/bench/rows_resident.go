package main

import (
	"context"
	"fmt"
)

const (
	manyCount = 100
	manySize  = 8 * mib
)

// residents measures the proxy's process during the upload of one huge file, and of a
// hundred at once, each with a new process, because one that has grown before does
// not grow again.
func (l *lab) residents(ctx context.Context) ([]row, []runner, error) {
	huge, err := l.file(gib)
	if err != nil {
		return nil, nil, err
	}
	many, err := makeFiles(l.files, "many-%03d.bin", manyCount, manySize)
	if err != nil {
		return nil, nil, err
	}
	one, err := l.residentRow(ctx, "a 1 GiB upload", []testFile{huge}, "bench.upload()", huge.size)
	if err != nil {
		return nil, nil, err
	}
	hundred, err := l.residentRow(ctx, "100 uploads of 8 MiB at once", many, "bench.uploadAll()", manyCount)
	if err != nil {
		return []row{one}, nil, err
	}
	return []row{one, hundred}, nil, nil
}

func (l *lab) residentRow(ctx context.Context, what string, files []testFile, expression string, answer int64) (row, error) {
	var grown, before []float64
	for range l.rounds {
		start, peak, err := l.resident(ctx, files, expression, answer)
		if err != nil {
			return row{}, err
		}
		l.log.Info("resident", "what", what, "before", start/mib, "peak", peak/mib)
		grown, before = append(grown, (peak-start)/mib), append(before, start/mib)
	}
	return row{
		Measured: "proxy RSS growth during " + what, Against: "–",
		Judged: figureOf(" MiB", grown), Target: atMost(128), Stretch: atMost(64),
		Note: fmt.Sprintf("VmHWM over VmRSS of a new process each time, after one file of 100 KiB; before: %s", figureOf(" MiB", before)),
	}, nil
}

// resident returns the process's resident bytes before the upload and at its highest.
func (l *lab) resident(ctx context.Context, files []testFile, expression string, answer int64) (before, peak float64, err error) {
	p, err := l.startProduct(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer p.stop()
	tab, err := p.openPlain(ctx, l.chromium, "resident")
	if err != nil {
		return 0, 0, err
	}
	defer tab.close(ctx)
	// Every code path has run once, so that only the bytes are new.
	warm, err := makeFile(l.files, "warm.bin", smallSize)
	if err != nil {
		return 0, 0, err
	}
	if err := tab.choose(ctx, "#file", warm.path); err != nil {
		return 0, 0, err
	}
	if _, err := timedCount(ctx, tab, "bench.upload()", warm.size); err != nil {
		return 0, 0, err
	}
	if err := tab.choose(ctx, "#file", paths(files)...); err != nil {
		return 0, 0, err
	}
	if before, err = resident(p.proxy.Pid); err != nil {
		return 0, 0, err
	}
	if err := resetPeak(p.proxy.Pid); err != nil {
		return 0, 0, err
	}
	if _, err := timedCount(ctx, tab, expression, answer); err != nil {
		return 0, 0, err
	}
	peak, err = peakResident(p.proxy.Pid)
	return before, peak, err
}
