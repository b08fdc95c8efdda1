package main

import (
	"context"
	"strconv"
)

// uploads sends one large file in every way and sets ours against each other one.
func (l *lab) uploads(ctx context.Context) ([]row, []runner, error) {
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
		if err := each.choose(ctx, "#file", l.large.path); err != nil {
			return nil, nil, err
		}
	}
	ours := l.uploading(p, tab, "bench.upload()", l.large.size)
	stored := l.putting("fetch PUT, hashed, written, synced", "store", l.large.digest)
	discarded := l.putting("fetch PUT, discarded", "discard", strconv.FormatInt(l.large.size, 10))
	tus := l.tusUpload("tus-js-client, @tus/server", "upload")
	naive := l.naive(l.large.digest)
	contenders := []contender{ours, stored, discarded, tus, naive}
	samples, err := l.contest(ctx, l.rounds, contenders)
	if err != nil {
		return nil, nil, err
	}
	if err := p.verify(ctx, tab, l.large); err != nil {
		return nil, nil, err
	}

	against := func(peer contender, what, note string, target, stretch *bound) row {
		mine, theirs := rates(samples[ours.name], l.large.size), rates(samples[peer.name], l.large.size)
		o, t := figureOf(" MiB/s", mine), figureOf(" MiB/s", theirs)
		return row{
			Measured: "`session.upload` until announced, " + strconv.FormatInt(l.large.size/mib, 10) + " MiB",
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
			"the peer neither hashes nor syncs; its page comes from its own Node server, so that nothing stands between", atLeast(1.15), atLeast(1.5)),
		against(naive, "a plain Go module, `[]byte` through coder/websocket",
			"the peer's server hashes, writes and syncs; messages of 256 KiB", atLeast(3), nil),
	}, summed(contenders, samples, l.large.size), nil
}
