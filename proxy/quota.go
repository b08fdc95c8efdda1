package proxy

import "sync"

// quota bounds how many of something each key has at a time: for example of the
// downloads of a session, each of which holds a piece of its file in memory.
type quota struct {
	each int

	mu   sync.Mutex
	used map[string]int
}

// acquire takes one; release gives it back. If none is left, release is nil.
func (q *quota) acquire(key string) (release func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.used[key] >= q.each {
		return nil
	}
	q.used[key]++
	return sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.used[key]--; q.used[key] == 0 {
			delete(q.used, key)
		}
	})
}
