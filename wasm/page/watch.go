//go:build !js

package page

import "attache/bridge"

// The page reads all messages on its sockets: on the loop, before the client gets a
// message and after it has sent one.

// sends reads a message from the client.
func (p *Page) sends(text []byte) {
	m, err := bridge.FromPage(text)
	if offer, ok := m.(*bridge.Offer); ok && err == nil {
		if s := p.sender(offer.Key); s != nil {
			s.offered()
		}
	}
}

// receives reads a message from the proxy.
func (p *Page) receives(from *socket, text string) {
	m, err := bridge.FromProxy([]byte(text))
	if err != nil {
		return
	}
	switch m := m.(type) {
	case *bridge.Welcome:
		p.welcomed(from, m)
	case *bridge.EventAdded:
		p.see(m.Event)
	case *bridge.Accept:
		if s := p.sender(m.Key); s != nil && s.accept(m) && p.o.Asked != nil {
			p.o.Asked(m.Key)
		}
	case *bridge.Ack:
		if s := p.sender(m.Key); s != nil {
			s.ack(m.Stored)
		}
	case *bridge.Upload:
		p.hears(m.Key, m)
		if s := p.sender(m.Key); s != nil {
			s.state(m)
		}
	case *bridge.Fail:
		if m.Key != "" && !m.Error.Retry {
			p.hears(m.Key, &bridge.Upload{Key: m.Key, State: bridge.Failed, Error: &m.Error})
		}
	}
}

func (p *Page) sender(key string) *sending {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sending[key]
}

func (p *Page) welcomed(from *socket, w *bridge.Welcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chat, p.reached = from, w.Position
	p.signal()
}

func (p *Page) see(e bridge.Event) {
	p.mu.Lock()
	first := p.sights.add(e)
	p.signal()
	p.mu.Unlock()
	if first && p.o.Saw != nil {
		p.o.Saw(e)
	}
}

func (p *Page) hears(key string, m *bridge.Upload) {
	if p.o.Heard != nil {
		p.o.Heard(key, m)
	}
}
