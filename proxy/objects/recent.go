package objects

import "sync"

// recent remembers the last ids that this process made or wrote. It only saves
// requests: an id that has been dropped is read from the stream again.
type recent struct {
	mu      sync.Mutex
	writers map[string]*writer // nil: made here, and not begun yet
	order   [2048]string
	next    int
}

func (r *recent) put(id string, w *writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writers == nil {
		r.writers = make(map[string]*writer, len(r.order))
	}
	if _, known := r.writers[id]; !known {
		delete(r.writers, r.order[r.next])
		r.order[r.next] = id
		r.next = (r.next + 1) % len(r.order)
	}
	r.writers[id] = w
}

func (r *recent) get(id string) *writer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.writers[id]
}

// unbegun reports, once, that no process can have begun the id.
func (r *recent) unbegun(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, known := r.writers[id]
	if !known || w != nil {
		return false
	}
	delete(r.writers, id)
	return true
}

func (r *recent) drop(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.writers, id)
}
