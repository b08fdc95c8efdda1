package main

import (
	"runtime"
	"time"

	"github.com/hack-pad/safejs"

	"attache/bridge"
	"attache/wasm/client"
)

// page is the browser's page as a host of the client.
type page struct {
	client  *client.Client
	scratch []byte // one frame; only used within a call
	live    int    // callbacks not yet released
}

func newPage() *page {
	p := new(page)
	p.client = client.New(browser())
	return p
}

// browser returns what the client needs from the browser.
func browser() client.Host {
	start := time.Now()
	return client.Host{
		Now: func() time.Duration { return time.Since(start) },
		After: func(d time.Duration, f func()) func() {
			timer := time.AfterFunc(d, f)
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

// buffer is where a frame is copied while its checksum is computed. It is allocated
// once, with the first upload: WebAssembly memory never shrinks.
func (p *page) buffer(length int64) []byte {
	if p.scratch == nil {
		p.scratch = make([]byte, bridge.FrameHeader+bridge.MaxFrame)
	}
	return p.scratch[:length]
}
