package main

import (
	"runtime"
	"sync"
	"time"

	"github.com/hack-pad/safejs"

	"attache/bridge"
	"attache/wasm/client"
)

// page is the browser's page as a host of the client.
type page struct {
	client   *client.Client
	scratch  []byte                       // one frame; only used within a call
	subarray func() (safejs.Value, error) // Uint8Array's
	reports  reports
	live     int // callbacks not yet released
}

func newPage() *page {
	p := &page{subarray: sync.OnceValues(subarray)}
	p.client = client.New(p.browser())
	return p
}

// browser returns what the client needs from the browser.
func (p *page) browser() client.Host {
	start := time.Now()
	return client.Host{
		Now: func() time.Duration { return time.Since(start) },
		After: func(d time.Duration, f func()) func() {
			timer := time.AfterFunc(d, func() {
				f()
				p.reports.flush()
			})
			return func() { timer.Stop() }
		},
		Date:   func() int64 { return time.Now().UnixMilli() },
		Random: random,
		Log:    logError,
		Idle:   runtime.GC,
	}
}

func random() float64 {
	math, err := safejs.Global().Get("Math")
	if err != nil {
		return 0
	}
	v, err := math.Call("random")
	if err != nil {
		return 0
	}
	f, _ := v.Float()
	return f
}

// subarray is the browser's own function, whatever properties a view has.
func subarray() (safejs.Value, error) {
	constructor, err := safejs.Global().Get("Uint8Array")
	if err != nil {
		return constructor, err
	}
	prototype, err := constructor.Get("prototype")
	if err != nil {
		return prototype, err
	}
	return prototype.Get("subarray")
}

// buffer is where a frame's head, and for its checksum all of it, is copied. It has one of
// two lengths, because WebAssembly memory never shrinks.
func (p *page) buffer(length int) []byte {
	const head = bridge.FrameHeader + bridge.MaxMessage
	switch {
	case length <= cap(p.scratch):
	case length <= head:
		p.scratch = make([]byte, head)
	default:
		p.scratch = make([]byte, bridge.FrameHeader+bridge.MaxFrame)
	}
	return p.scratch[:length]
}
