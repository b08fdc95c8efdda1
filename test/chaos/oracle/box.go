package oracle

import (
	"sync"

	"attache/bridge"
)

// box holds the messages about one upload or one question until they are taken, so
// that the reader of a socket never waits for a consumer.
type box struct {
	mu   sync.Mutex
	in   []bridge.Wire
	some chan struct{}
}

func newBox() *box { return &box{some: make(chan struct{}, 1)} }

func (b *box) put(m bridge.Wire) {
	b.mu.Lock()
	b.in = append(b.in, m)
	b.mu.Unlock()
	select {
	case b.some <- struct{}{}:
	default:
	}
}

// take empties the box.
func (b *box) take() []bridge.Wire {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.in
	b.in = nil
	return all
}
