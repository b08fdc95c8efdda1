package assembly

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"attache/proxy"
	"attache/proxy/engine"
)

// sweepEvery is the time between two sweeps.
const sweepEvery = time.Hour

// sweep sweeps the store at once and then every hour, until ctx ends. Several proxies may do so
// at the same time. A failure is logged, and the next sweep retries.
func sweep(ctx context.Context, store Store, days int, linked proxy.Linked, log *slog.Logger) {
	log = cmp.Or(log, slog.New(slog.DiscardHandler))
	for {
		swept, err := store.Sweep(ctx, days, linked)
		if len(swept) > 0 {
			log.Info("documents swept", "days", swept)
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("sweeping the documents", "error", err)
		}
		if engine.Pause(ctx, sweepEvery) != nil {
			return
		}
	}
}

// sweeping sweeps the store until the closers are called.
func (c *closers) sweeping(store Store, days int, linked proxy.Linked, log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { sweep(ctx, store, days, linked, log); close(ended) }()
	c.later(func() { cancel(); <-ended })
}
