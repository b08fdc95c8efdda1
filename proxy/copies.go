package proxy

import (
	"context"
	"sync"
)

// copies relates the ingests of a party that are under way to each other: the copies of a file
// that come at the same time are not in the records yet when the last of them begins, and may be
// announced before it ends.
type copies struct {
	mu  sync.Mutex
	now map[string]map[*copying]bool // by seat
}

// copying is an ingest under way.
type copying struct {
	name string
	done chan struct{} // closed when it ends, or is refused
	end  func()

	accepted []string // keys of the party's files that were accepted while it was; guarded by copies
}

// begin relates an ingest to those of the party under way, until its end is called.
func (c *copies) begin(seat, name string) *copying {
	g := &copying{name: name, done: make(chan struct{})}
	// A refused one ends for those that wait for it, but still learns what is accepted.
	g.end = sync.OnceFunc(func() { close(g.done) })
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil {
		c.now = map[string]map[*copying]bool{}
	}
	if c.now[seat] == nil {
		c.now[seat] = map[*copying]bool{}
	}
	c.now[seat][g] = true
	return g
}

func (c *copies) remove(seat string, g *copying) {
	g.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.now[seat], g)
	if len(c.now[seat]) == 0 {
		delete(c.now, seat)
	}
}

// accept tells the party's ingests under way of a file that is accepted.
func (c *copies) accept(seat, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for g := range c.now[seat] {
		g.accepted = append(g.accepted, key)
	}
}

// twins returns the keys of the files that were accepted meanwhile.
func (c *copies) twins(g *copying) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), g.accepted...)
}

// others returns the ingests under way, beside g, of files with its name.
func (c *copies) others(seat string, g *copying) (list []*copying) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for o := range c.now[seat] {
		if o != g && o.name == g.name {
			list = append(list, o)
		}
	}
	return list
}

// wait waits until those ingests have ended.
func (c *copies) wait(ctx context.Context, list []*copying) {
	for _, o := range list {
		select {
		case <-o.done:
		case <-ctx.Done():
			return
		}
	}
}
