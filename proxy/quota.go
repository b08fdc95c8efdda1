package proxy

import "sync"

// quota bounds how many of something each key has at a time: of the downloads of a
// session, each holds a piece of its file in memory.
type quota struct {
	each int

	mu   sync.Mutex
	used map[string]int
}

// acquire counts one in; release counts it out. Without any left, release is nil.
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
