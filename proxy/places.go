package proxy

import "sync"

// places counts who holds the proxy's memory, in all and by where they come from:
// downloads by session.
type places struct {
	total, each int

	mu   sync.Mutex
	all  int
	from map[string]int
}

// enter counts one in, and returns how to count it out; nil when there are too many.
func (q *places) enter(from string) (leave func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.all >= q.total || q.from[from] >= q.each {
		return nil
	}
	q.all++
	q.from[from]++
	return sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.all--
		if q.from[from]--; q.from[from] == 0 {
			delete(q.from, from)
		}
	})
}
