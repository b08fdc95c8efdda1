package main

import (
	"context"
	"time"
)

// memories measures the page's memory during the upload of a GiB.
func (l *lab) memories(ctx context.Context) ([]row, []runner, error) {
	huge, err := l.file(gib)
	if err != nil {
		return nil, nil, err
	}
	p, err := l.startProduct(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer p.stop()
	tab, err := p.openPlain(ctx, l.chromium, "memory")
	if err != nil {
		return nil, nil, err
	}
	defer tab.close(ctx)
	if err := tab.choose(ctx, "#file", huge.path); err != nil {
		return nil, nil, err
	}
	var all, linear, script []float64
	for range l.rounds {
		g, err := growth(ctx, tab, func() error {
			_, err := timedCount(ctx, tab, "bench.upload()", huge.size)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		linear, script, all = append(linear, g.linear/mib), append(script, g.script/mib), append(all, g.total/mib)
		l.log.Info("page memory", "linear", g.linear/mib, "script", g.script/mib)
	}
	return []row{{
		Measured: "WebAssembly memory + JavaScript heap growth during a 1 GiB upload", Against: "–",
		Judged: figureOf(" MiB", all), Target: atMost(16),
		Note: "the highest of samples taken every 50 ms over the value before, garbage and array buffers included; WebAssembly alone " +
			figureOf(" MiB", linear).String() + ", JavaScript alone " + figureOf(" MiB", script).String(),
	}}, nil, nil
}

// grown is the maximum growth of each part of a page's memory in bytes.
type grown struct{ linear, script, total float64 }

// growth samples the page's memory until work ends.
func growth(ctx context.Context, tab *page, work func() error) (grown, error) {
	if err := tab.evaluate(ctx, "gc()", nil); err != nil {
		return grown{}, err
	}
	before, err := holds(ctx, tab)
	if err != nil {
		return grown{}, err
	}
	done := make(chan error, 1)
	go func() { done <- work() }()
	var g grown
	for {
		now, err := holds(ctx, tab)
		if err != nil {
			return grown{}, err
		}
		g.linear = max(g.linear, now.linear-before.linear)
		g.script = max(g.script, now.script-before.script)
		g.total = max(g.total, now.linear+now.script-before.linear-before.script)
		select {
		case err := <-done:
			return g, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// holds returns the page's memory now. Array buffers count; the module's memory is
// not one of them.
func holds(ctx context.Context, tab *page) (grown, error) {
	var linear float64
	if err := tab.evaluate(ctx, "bench.linear()", &linear); err != nil {
		return grown{}, err
	}
	h, err := tab.heap(ctx)
	return grown{linear: linear, script: h.Used + h.Backing}, err
}
