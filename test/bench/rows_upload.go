package main

import (
	"context"
	"fmt"
	"strconv"
)

// uploads sends one large file in every way and compares ours with each other one,
// size by size.
func (l *lab) uploads(ctx context.Context) ([]row, []runner, error) {
	return l.bySize(func(file testFile) ([]row, []runner, error) { return l.uploadsOf(ctx, file) })
}

// bySize measures with a file of each size of the flag.
func (l *lab) bySize(measure func(testFile) ([]row, []runner, error)) ([]row, []runner, error) {
	var rows []row
	var runs []runner
	for _, size := range l.sizes {
		file, err := l.file(size)
		if err != nil {
			return rows, runs, err
		}
		r, s, err := measure(file)
		if err != nil {
			return rows, runs, err
		}
		for i := range s {
			s[i].Name += fmt.Sprintf(", %d MiB", size/mib)
		}
		rows, runs = append(rows, r...), append(runs, s...)
	}
	return rows, runs, nil
}

func (l *lab) uploadsOf(ctx context.Context, file testFile) ([]row, []runner, error) {
	// The product keeps the file of each round, three peers that of one.
	if err := l.room(file.size * int64(l.rounds+1+3)); err != nil {
		return nil, nil, err
	}
	p, err := l.startProduct(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer p.stop()
	tab, err := p.openPlain(ctx, l.chromium, "upload")
	if err != nil {
		return nil, nil, err
	}
	defer tab.close(ctx)
	for _, each := range []*page{tab, l.peers.page, l.tus.page} {
		if err := each.choose(ctx, "#file", file.path); err != nil {
			return nil, nil, err
		}
	}
	ours := l.uploading(p, tab, "bench.upload()", file.size)
	stored := l.putting("fetch PUT, hashed, written, synced", "store", file.digest)
	discarded := l.putting("fetch PUT, discarded", "discard", strconv.FormatInt(file.size, 10))
	tus := l.tusUpload("tus-js-client, @tus/server", "upload")
	naive := l.naive(file.digest)
	contenders := []contender{ours, stored, discarded, tus, naive}
	samples, err := l.contest(ctx, l.rounds, contenders)
	if err != nil {
		return nil, nil, err
	}
	if err := p.verify(ctx, tab, file); err != nil {
		return nil, nil, err
	}

	against := func(peer contender, what, note string, target, stretch *bound) row {
		mine, theirs := rates(samples[ours.name], file.size), rates(samples[peer.name], file.size)
		o, t := figureOf(" MiB/s", mine), figureOf(" MiB/s", theirs)
		return row{
			Measured: fmt.Sprintf("`session.upload` until announced, %d MiB", file.size/mib),
			Against:  what, Ours: &o, Peer: &t,
			Judged: figureOf("×", ratios(mine, theirs)), Target: target, Stretch: stretch, Note: note,
		}
	}
	return []row{
		against(stored, "`fetch` PUT, hashed, written, synced",
			"both checksummed and durable; ours: "+boundBy(samples[ours.name]), atLeast(1), atLeast(1.2)),
		against(discarded, "`fetch` PUT, thrown away",
			"the peer does no work at all; it is "+boundBy(samples[discarded.name]), nil, atLeast(1)),
		against(tus, "`tus-js-client`, `@tus/server`, file store",
			"the peer neither hashes nor syncs; its page comes from its own Node server, so that nothing is between them", atLeast(1.15), atLeast(1.5)),
		against(naive, "a plain Go module, `[]byte` through coder/websocket",
			"the peer's server hashes, writes and syncs; messages of 256 KiB", atLeast(3), nil),
		processorRow(samples[ours.name], samples[stored.name], file.size),
	}, summed(contenders, samples, file.size), nil
}

// processorRow compares the servers' processor time for each GiB that they receive.
func processorRow(ours, peer []sample, size int64) row {
	mine, theirs := perGiB(ours, size), perGiB(peer, size)
	o, t := figureOf(" s/GiB", mine), figureOf(" s/GiB", theirs)
	return row{
		Measured: fmt.Sprintf("server's processor time for each GiB received, %d MiB", size/mib),
		Against:  "the server of `fetch` PUT, hashed, written, synced",
		Ours:     &o, Peer: &t, Judged: figureOf("×", ratios(mine, theirs)), Target: atMost(1.1),
		Note: "of all the server's processes, from the call of `session.upload` until it is announced",
	}
}

// perGiB is the server's processor time in each run, in seconds for each GiB.
func perGiB(samples []sample, size int64) []float64 {
	figures := make([]float64, len(samples))
	for i, s := range samples {
		figures[i] = s.Server * gib / float64(size)
	}
	return figures
}
