package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// wire is a connection from a page to a proxy that can be cut.
type wire struct {
	mu    sync.Mutex
	proxy *toxiproxy.Proxy
}

// newWire opens a wire to that host and port, which carries rate KiB a second up.
func newWire(name, to string, rate int64) (*wire, error) {
	service := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w := &wire{proxy: toxiproxy.NewProxy(service, name, "127.0.0.1:0", to)}
	if err := w.proxy.Start(); err != nil {
		return nil, fmt.Errorf("open a wire: %w", err)
	}
	slow := fmt.Sprintf(`{"type":"bandwidth","stream":"upstream","attributes":{"rate":%d}}`, rate)
	if _, err := w.proxy.Toxics.AddToxicJson(strings.NewReader(slow)); err != nil {
		w.close()
		return nil, fmt.Errorf("limit a wire: %w", err)
	}
	return w, nil
}

func (w *wire) address() string { return "http://" + w.proxy.Listen }

// cut ends every connection, and accepts new ones after that time.
func (w *wire) cut(away time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.proxy.Stop()
	time.Sleep(away)
	if err := w.proxy.Start(); err != nil {
		return fmt.Errorf("open a wire again: %w", err)
	}
	return nil
}

func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.proxy.Stop()
}
