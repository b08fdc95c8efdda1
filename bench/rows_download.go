package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// downloads reads one large file to its end.
func (l *lab) downloads(ctx context.Context) ([]row, []runner, error) {
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
	if err := tab.choose(ctx, "#file", l.large.path); err != nil {
		return nil, nil, err
	}
	if _, err := timedCount(ctx, tab, "bench.upload()", l.large.size); err != nil {
		return nil, nil, err
	}
	ours := l.reading("attaché", tab, p.process.Pid, "bench.download()")
	peer := l.reading("fetch from http.FileServer", l.peers.page, os.Getpid(), `bench.get("files/large.bin")`)
	contenders := []contender{ours, peer}
	samples, err := l.contest(ctx, l.rounds, contenders)
	if err != nil {
		return nil, nil, err
	}
	mine, theirs := rates(samples[ours.name], l.large.size), rates(samples[peer.name], l.large.size)
	o, t := figureOf(" MiB/s", mine), figureOf(" MiB/s", theirs)
	return []row{{
		Measured: "`session.download` read to the end", Against: "`fetch` of the same file from `http.FileServer`",
		Ours: &o, Peer: &t, Judged: figureOf("×", ratios(mine, theirs)),
		Target: atLeast(0.8), Stretch: atLeast(0.95),
		Note: "ours includes asking for the ticket and is " + boundBy(samples[ours.name]),
	}}, summed(contenders, samples, l.large.size), nil
}

// reading is a contender that runs an expression which reads the large file,
// times itself and answers {ms, bytes}.
func (l *lab) reading(name string, tab *page, server int, expression string) contender {
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
			if outcome.Bytes != l.large.size {
				return 0, fmt.Errorf("read %d of %d bytes", outcome.Bytes, l.large.size)
			}
			return milliseconds(outcome.MS), nil
		},
	}
}
