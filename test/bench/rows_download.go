package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// downloads reads one large file to its end, size by size.
func (l *lab) downloads(ctx context.Context) ([]row, []runner, error) {
	return l.bySize(func(file testFile) ([]row, []runner, error) { return l.downloadsOf(ctx, file) })
}

func (l *lab) downloadsOf(ctx context.Context, file testFile) ([]row, []runner, error) {
	p, err := l.startProduct(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer p.stop()
	tab, err := p.openPlain(ctx, l.chromium, "download")
	if err != nil {
		return nil, nil, err
	}
	defer tab.close(ctx)
	if err := tab.choose(ctx, "#file", file.path); err != nil {
		return nil, nil, err
	}
	if _, err := timedCount(ctx, tab, "bench.upload()", file.size); err != nil {
		return nil, nil, err
	}
	ours := l.reading("attaché", tab, p.process.Pid, "bench.download()", file.size)
	peer := l.reading("fetch from http.FileServer", l.peers.page, os.Getpid(), fmt.Sprintf("bench.get(%q)", "files/"+filepath.Base(file.path)), file.size)
	contenders := []contender{ours, peer}
	samples, err := l.contest(ctx, l.rounds, contenders)
	if err != nil {
		return nil, nil, err
	}
	mine, theirs := rates(samples[ours.name], file.size), rates(samples[peer.name], file.size)
	o, t := figureOf(" MiB/s", mine), figureOf(" MiB/s", theirs)
	return []row{{
		Measured: fmt.Sprintf("`session.download` read to the end, %d MiB", file.size/mib), Against: "`fetch` of the same file from `http.FileServer`",
		Ours: &o, Peer: &t, Judged: figureOf("×", ratios(mine, theirs)),
		Target: atLeast(0.8), Stretch: atLeast(0.95),
		Note: "ours includes asking for the ticket and is " + boundBy(samples[ours.name]),
	}}, summed(contenders, samples, file.size), nil
}

// reading is a contender that runs an expression which reads a file of that
// size, times itself and answers {ms, bytes}.
func (l *lab) reading(name string, tab *page, server int, expression string, size int64) contender {
	return contender{
		name: name, page: tab, server: server,
		run: func(ctx context.Context) (time.Duration, error) {
			var outcome struct {
				MS    float64 `json:"ms"`
				Bytes int64   `json:"bytes"`
			}
			if err := tab.evaluate(ctx, expression, &outcome); err != nil {
				return 0, err
			}
			if outcome.Bytes != size {
				return 0, fmt.Errorf("read %d of %d bytes", outcome.Bytes, size)
			}
			return milliseconds(outcome.MS), nil
		},
	}
}
