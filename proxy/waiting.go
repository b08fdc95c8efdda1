package proxy

import "sync"

// waiting counts the sockets that have not said who they are, so that strangers
// cannot hold the proxy's memory.
type waiting struct {
	total, each int

	mu   sync.Mutex
	all  int
	from map[string]int
}

// enter counts a stranger in, by where it comes from, and returns how to count it
// out; nil when there are too many.
func (q *waiting) enter(from string) (leave func()) {
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
