package guests

import (
	"container/list"
	"sync"
	"time"
)

// Crowd bounds how many strangers are inside, in all and by the address they come
// from. When it is full, the stranger who has been inside the longest makes room
// for the next, of those from the address with the most: whoever says who they
// are soon is in nobody's way.
type Crowd struct {
	total, each int
	turnAway    bool

	mu   sync.Mutex
	all  int
	from map[string]*list.List // of *stranger, the oldest first
}

type stranger struct {
	from   string
	came   time.Time
	putOut func()
	place  *list.Element // nil: it has left
}

// NewCrowd returns a crowd of at most total strangers, each of them from one
// address. Where an address has each already, turnAway refuses the next one from
// there; otherwise its oldest goes.
func NewCrowd(total, each int, turnAway bool) *Crowd {
	return &Crowd{total: total, each: each, turnAway: turnAway, from: map[string]*list.List{}}
}

// Enter lets a stranger in and returns how it leaves, which may be called any
// number of times; nil if it is turned away. putOut is called at most once, without
// the crowd's lock, when it has to make room: it has left by then, and putOut must
// not wait for long.
func (c *Crowd) Enter(from string, putOut func()) (leave func()) {
	s := &stranger{from: from, came: time.Now(), putOut: putOut}
	c.mu.Lock()
	var out *stranger
	switch same := c.from[from]; {
	case same != nil && same.Len() >= c.each:
		if c.turnAway {
			c.mu.Unlock()
			return nil
		}
		out = same.Front().Value.(*stranger)
	case c.all >= c.total:
		out = c.longest()
	}
	if out != nil {
		c.remove(out)
	}
	c.add(s)
	c.mu.Unlock()
	if out != nil {
		out.putOut()
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.remove(s)
	}
}

// Relieve puts up to n strangers out and tells how many there were.
func (c *Crowd) Relieve(n int) (relieved int) {
	for ; relieved < n; relieved++ {
		c.mu.Lock()
		out := c.longest()
		if out != nil {
			c.remove(out)
		}
		c.mu.Unlock()
		if out == nil {
			break
		}
		out.putOut()
	}
	return relieved
}

// Len is how many strangers are inside.
func (c *Crowd) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

// longest is the oldest of those from the address with the most; nil of nobody.
func (c *Crowd) longest() (out *stranger) {
	most := 0
	for _, same := range c.from {
		first := same.Front().Value.(*stranger)
		if n := same.Len(); n > most || n == most && first.came.Before(out.came) {
			most, out = n, first
		}
	}
	return out
}

func (c *Crowd) add(s *stranger) {
	same := c.from[s.from]
	if same == nil {
		same = list.New()
		c.from[s.from] = same
	}
	s.place = same.PushBack(s)
	c.all++
}

func (c *Crowd) remove(s *stranger) {
	if s.place == nil {
		return
	}
	same := c.from[s.from]
	same.Remove(s.place)
	s.place = nil
	if c.all--; same.Len() == 0 {
		delete(c.from, s.from)
	}
}
