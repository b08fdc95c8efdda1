package guests

import (
	"container/list"
	"sync"
	"time"
)

// Crowd bounds how many strangers there are at a time, in all and by address. When
// it is full, a stranger from the address with the most makes room for the next: the
// one who has been there longest. So whoever soon says who they are is never put out.
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

// NewCrowd returns a crowd of at most total strangers, at most each of them from one
// address. If an address has that many already, its next stranger is refused if
// turnAway is set; otherwise its oldest makes room.
func NewCrowd(total, each int, turnAway bool) *Crowd {
	return &Crowd{total: total, each: each, turnAway: turnAway, from: map[string]*list.List{}}
}

// Enter counts a stranger in and returns a function that counts it out, which may be
// called any number of times; nil if the stranger is refused. putOut is called at most
// once, without the crowd's lock, if the stranger has to make room: it is counted out
// by then. putOut must not block for long.
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

// Relieve puts out up to n strangers and returns how many it put out.
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

// Len returns how many strangers there are.
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
