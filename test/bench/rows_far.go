package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// A line to a server on another continent, or a poor one to a near server.
const (
	farRate  = 10e6 / 8              // bytes per second
	farDelay = 50 * time.Millisecond // each way
)

// farScript answers when the first frame was painted and when both parties were connected,
// in milliseconds from the start of the navigation.
const farScript = `new Promise((resolve) => {
  const look = () => {
    const [painted] = performance.getEntriesByName('first-contentful-paint');
    const panes = [...document.querySelectorAll('attache-chat')];
    if (painted && panes.length === 2 && panes.every(({ session }) => session?.state === 'connected')) {
      resolve({ painted: painted.startTime, connected: performance.now() });
    } else {
      setTimeout(look, 5);
    }
  };
  look();
})`

// far loads the demo's page over such a line, with nothing in any cache.
func (l *lab) far(ctx context.Context) ([]row, []runner, error) {
	path, err := l.command(ctx)
	if err != nil {
		return nil, nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, nil, err
	}
	data := filepath.Join(l.dir, "far")
	server, _, err := startProcess(data+".log", 0, beginning("open http://"), path, "demo", "--listen", address, "--data", data)
	if err != nil {
		return nil, nil, err
	}
	defer server.stop()
	line, err := openLink(farRate, backlog)
	if err != nil {
		return nil, nil, err
	}
	line.delay = farDelay
	browser, err := l.browseOver(ctx, line, address)
	if err != nil {
		return nil, nil, err
	}
	defer line.close()
	defer browser.stop()
	var painted, connected []float64
	for round := range l.rounds + 1 {
		var at struct{ Painted, Connected float64 }
		if err := farVisit(ctx, browser, "http://"+address+"/", &at); err != nil {
			return nil, nil, fmt.Errorf("visit over a far line: %w: %s", err, strings.TrimSpace(read(data+".log")))
		}
		l.log.Info("far", "round", round, "painted", at.Painted, "connected", at.Connected)
		if round > 0 { // the first warms the server up
			painted, connected = append(painted, at.Painted/1000), append(connected, at.Connected/1000)
		}
	}
	place := fmt.Sprintf("%v there and back, 10 Mbit/s each way, cold, plain http", 2*farDelay)
	return []row{
		{Measured: "first frame of the demo's page", Against: place, Judged: figureOf(" s", painted), Target: atMost(0.7),
			Note: "first contentful paint, from the start of the navigation, each time in a new browser context"},
		{Measured: "both parties of the demo's page connected", Against: place, Judged: figureOf(" s", connected), Target: atMost(1.6),
			Note: "two panes: the line also carries a second party's socket"},
	}, nil, nil
}

func farVisit(ctx context.Context, browser *chromium, address string, at any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	p, err := browser.open(ctx, address, true)
	if err != nil {
		return err
	}
	defer p.close(ctx)
	if err := p.front(ctx); err != nil { // a tab in the background paints nothing
		return err
	}
	return p.evaluate(ctx, farScript, at)
}
