package proxy

import "sync"

// places bounds how many downloads each session has at a time: each holds a piece of
// its file in memory.
type places struct {
	each int

	mu   sync.Mutex
	from map[string]int // by session
}

// enter counts one in, and returns how to count it out; nil when there are too many.
func (q *places) enter(from string) (leave func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.from[from] >= q.each {
		return nil
	}
	q.from[from]++
	return sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.from[from]--; q.from[from] == 0 {
			delete(q.from, from)
		}
	})
}
