package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"attache/bridge"
)

// slowQueue is the queue before a slow line. A longer one would hide the line from
// the page: 64 KiB are half a minute of 16 kbit/s.
const slowQueue = 8 * kib

// slowLines sends files over very slow lines (B54), each with a product and a browser
// of its own, all at once.
func (l *lab) slowLines(ctx context.Context) ([]row, []runner, error) {
	rows := make([][]row, len(l.slow))
	lines, ctx := errgroup.WithContext(ctx)
	for i, kbit := range l.slow {
		lines.Go(func() (err error) {
			rows[i], err = l.slowLine(ctx, kbit)
			return err
		})
	}
	err := lines.Wait()
	return slices.Concat(rows...), nil, err
}

// slowLine sends a file of each size over one line, one after another.
func (l *lab) slowLine(ctx context.Context, kbit int64) (rows []row, err error) {
	p, err := l.startProduct(ctx)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	line, err := openLink(1e9, slowQueue)
	if err != nil {
		return nil, err
	}
	browser, err := l.startOver(ctx, line, p)
	if err != nil {
		return nil, err
	}
	defer line.close()
	defer browser.stop()
	// The module would take half an hour at 16 kbit/s, so it is loaded before the line is slow.
	session := fmt.Sprintf("slow-%d", kbit)
	tab, err := p.openPlain(ctx, browser, session)
	if err != nil {
		return nil, err
	}
	defer tab.close(ctx)
	token, err := p.token(session, "agent", bridge.Agent)
	if err != nil {
		return nil, err
	}
	rate := float64(kbit) * 1000 / 8
	line.slow(rate)
	for _, size := range l.little {
		file, err := makeFile(l.files, fmt.Sprintf("slow-%d-%d.bin", kbit, size), size)
		if err != nil {
			return rows, err
		}
		if err := tab.choose(ctx, "#file", file.path); err != nil {
			return rows, err
		}
		// With new sockets for each file, the page knows nothing of the line.
		if err := tab.evaluate(ctx, fmt.Sprintf("bench.rejoin(%q)", token), nil); err != nil {
			return rows, fmt.Errorf("join over %d kbit/s: %w", kbit, err)
		}
		before := line.up.carried.Load()
		took, err := timedCount(ctx, tab, "bench.upload()", size)
		if err != nil {
			return rows, fmt.Errorf("send %d bytes over %d kbit/s: %w", size, kbit, err)
		}
		sent := float64(line.up.carried.Load() - before)
		if err := p.verify(ctx, tab, file); err != nil {
			return rows, err
		}
		rows = append(rows, slowRow(kbit, size, took, sent))
		l.log.Info("slow", "kbit/s", kbit, "size", size, "took", took, "sent", sent)
	}
	return rows, nil
}

// slowRow checks the bytes sent: at most 1.3 times the file plus 16 KiB.
func slowRow(kbit, size int64, took time.Duration, sent float64) row {
	ours, own := figureOf(" s", []float64{took.Seconds()}), figureOf(" s", []float64{float64(size) * 8 / float64(kbit*1000)})
	return row{
		Measured: fmt.Sprintf("upload of %s until announced, at %d kbit/s", sizeName(size), kbit), Against: "the line's own time",
		Ours: &ours, Peer: &own,
		Judged: figureOf(" of what may be sent", []float64{sent / (1.3*float64(size) + 16*kib)}), Target: atMost(1),
		Note: fmt.Sprintf("%.0f bytes went up, at most 1.3 times the file and 16 KiB may", sent),
	}
}

func sizeName(size int64) string {
	switch {
	case size%gib == 0:
		return fmt.Sprintf("%d GiB", size/gib)
	case size%mib == 0:
		return fmt.Sprintf("%d MiB", size/mib)
	case size%kib == 0:
		return fmt.Sprintf("%d KiB", size/kib)
	}
	return fmt.Sprintf("%d B", size)
}
