package main

import (
	"context"
	"fmt"
	"io"
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
	path := "files/" + filepath.Base(file.path)
	link := func(ctx context.Context) (link string, err error) {
		return link, tab.evaluate(ctx, "bench.link()", &link)
	}
	server, peerServer := p.group(), l.peers.process.Pid
	ours := contender{name: "session.download", page: tab, address: p.address, server: server, run: reading(tab, "bench.download()", file.size)}
	linked := contender{name: "fetch of session.link", page: tab, address: p.address, server: server, run: func(ctx context.Context) (time.Duration, error) {
		address, err := link(ctx)
		if err != nil {
			return 0, err
		}
		return reading(tab, fmt.Sprintf("bench.get(%q)", address), file.size)(ctx)
	}}
	peer := contender{
		name: "fetch from http.FileServer", page: l.peers.page, address: l.peers.address, server: peerServer,
		run: reading(l.peers.page, fmt.Sprintf("bench.get(%q)", path), file.size),
	}
	plain := contender{name: "Go client, session.link", address: p.address, server: server, run: func(ctx context.Context) (time.Duration, error) {
		address, err := link(ctx)
		if err != nil {
			return 0, err
		}
		return drain(ctx, address, file.size)
	}}
	plainPeer := contender{name: "Go client, http.FileServer", address: l.peers.address, server: peerServer, run: func(ctx context.Context) (time.Duration, error) {
		return drain(ctx, l.peers.address+"/"+path, file.size)
	}}
	contenders := []contender{ours, linked, peer, plain, plainPeer}
	samples, err := l.contest(ctx, l.rounds, contenders)
	if err != nil {
		return nil, nil, err
	}
	if err := p.verify(ctx, tab, file); err != nil {
		return nil, nil, err
	}
	against := func(c, peer contender, measured, what, note string, target, stretch *bound) row {
		mine, theirs := rates(samples[c.name], file.size), rates(samples[peer.name], file.size)
		o, t := figureOf(" MiB/s", mine), figureOf(" MiB/s", theirs)
		return row{
			Measured: fmt.Sprintf("%s, %d MiB", measured, file.size/mib), Against: what, Ours: &o, Peer: &t,
			Judged: figureOf("×", ratios(mine, theirs)), Target: target, Stretch: stretch, Note: note,
		}
	}
	return []row{
		against(ours, peer, "`session.download` read to the end", "`fetch` of the same file from `http.FileServer`",
			"ours includes asking for the ticket and comparing the SHA-256 in the page, and is "+boundBy(samples[ours.name]), atLeast(0.8), atLeast(0.95)),
		against(linked, peer, "`fetch` of a file's link, read to the end", "`fetch` of the same file from `http.FileServer`",
			"the link was asked for before; ours is "+boundBy(samples[linked.name]), atLeast(1.2), atLeast(1.5)),
		against(plain, plainPeer, "a plain Go client reads a file's link to the end", "it reads the same file from `http.FileServer`",
			"the link was asked for before; the peer writes by sendfile", nil, nil),
	}, summed(contenders, samples, file.size), nil
}

// drain reads the address to its end with a client of net/http, and returns how long
// that took.
func drain(ctx context.Context, address string, size int64) (time.Duration, error) {
	start := time.Now()
	body, err := get(ctx, address)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	return drained(start, body, size)
}

// drained reads the body to its end, and returns how long that took since start.
func drained(start time.Time, body io.Reader, size int64) (time.Duration, error) {
	// Without the struct, io.Discard would read in pieces of its own size.
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, body, make([]byte, 256*kib))
	if err == nil && n != size {
		err = fmt.Errorf("read %d of %d bytes", n, size)
	}
	return time.Since(start), err
}

// reading runs an expression which reads a file of that size, times itself and answers
// {ms, bytes}.
func reading(tab *page, expression string, size int64) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
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
	}
}
