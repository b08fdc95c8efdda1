package oracle

import (
	"context"
	"time"

	"attache/bridge"
)

// dataLine is the second socket: frames up, acks down.
type dataLine struct {
	*line
	maxFrame int64
	offers   bool        // it takes a file whole with its offer
	link     bridge.Link // measured by the hello; never written again
}

// opened returns the page's data socket, and opens it if there is none. All uploads
// of the page share it.
func (p *Page) opened(ctx context.Context, address string) (*dataLine, error) {
	p.dialing.Lock()
	defer p.dialing.Unlock()
	p.mu.Lock()
	d := p.data
	p.mu.Unlock()
	if d != nil {
		return d, nil
	}
	greeted := time.Now()
	l, first, err := p.dial(ctx, address, bridge.PathData+bridge.QueryData, bridge.Hello{})
	if err != nil {
		return nil, err
	}
	ready, ok := first.(*bridge.Ready)
	if !ok {
		l.cut()
		return nil, bridge.NewError(bridge.CodeMessage, "the answer to a data socket's hello is ready")
	}
	d = &dataLine{line: l, maxFrame: ready.MaxFrame, offers: ready.Offers}
	d.link.Observe(int64(len(p.o.Token)), time.Since(greeted))
	p.mu.Lock()
	p.data = d
	p.mu.Unlock()
	p.run.Go(func() { p.hear(d) })
	if p.ctx.Err() != nil {
		d.cut()
	}
	return d, nil
}

// refusedFrame reports that a frame was not stored. It may be about a frame that was
// on its way when the page offered again.
type refusedFrame struct{ *bridge.Fail }

func (p *Page) hear(d *dataLine) {
	defer func() {
		d.cut()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.data == d {
			p.data = nil
		}
	}()
	for {
		m, err := d.read(p.ctx)
		if err != nil {
			return
		}
		switch m := m.(type) {
		case *bridge.Ack:
			p.post(m.Key, m)
		case *bridge.Fail:
			if m.Key == "" {
				return
			}
			p.hearRefusal(m)
			p.post(m.Key, refusedFrame{m})
		}
	}
}
