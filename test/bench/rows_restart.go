package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// restartFile is the size of each file of the content, in bytes.
const restartFile = 64 * mib

// restarts kills the product with content, and without any, and times the start after
// it until the product is ready.
func (l *lab) restarts(ctx context.Context) ([]row, []runner, error) {
	if err := l.room(l.content + int64(l.rounds+1)*restartFile); err != nil {
		return nil, nil, err
	}
	full, err := l.startProduct(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer full.stop()
	empty, err := l.startProduct(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer empty.stop()
	s, err := full.openStock(restartFile)
	if err != nil {
		return nil, nil, err
	}
	defer s.close()
	began := time.Now()
	if err := s.fill(ctx, int(l.content/restartFile)); err != nil {
		return nil, nil, fmt.Errorf("put the content in: %w", err)
	}
	l.log.Info("content is in", "MiB", l.content/mib, "took", time.Since(began))
	var ours, nothing []float64
	for round := range l.rounds {
		var ready, readyEmpty time.Duration
		err := s.sendAcross(ctx, func() (err error) {
			ready, err = full.restart(ctx)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		if readyEmpty, err = empty.restart(ctx); err != nil {
			return nil, nil, err
		}
		ours, nothing = append(ours, ready.Seconds()), append(nothing, readyEmpty.Seconds())
		l.log.Info("restart", "round", round+1, "ready", ready, "empty", readyEmpty)
	}
	if err := s.verify(ctx); err != nil {
		return nil, nil, err
	}
	theirs := figureOf(" s", nothing)
	return []row{{
		Measured: fmt.Sprintf("start after SIGKILL with %s of content, until `/readyz` answers 200", sizeName(l.content)), Against: "the same with nothing stored",
		Peer: &theirs, Judged: figureOf(" s", ours), Target: atMost(1),
		Note: fmt.Sprintf("in files of %s that a page has sent; killed while one more was on its way, which was announced afterwards; "+
			"a kill leaves the page cache as it was", sizeName(restartFile)),
	}}, nil, nil
}

// restart kills all the product's processes, starts them, and returns how long the start
// took until the product was ready.
func (p *product) restart(ctx context.Context) (time.Duration, error) {
	p.crash()
	start := time.Now()
	if err := p.begin(); err != nil {
		return 0, err
	}
	if err := p.ready(ctx); err != nil {
		return 0, err
	}
	return time.Since(start), p.check(ctx)
}

// ready waits until /readyz answers 200.
func (p *product) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.admin+"/readyz", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the product is not ready: %w", context.Cause(ctx))
		}
	}
}
