package proxy_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"attache/proxy"

	"github.com/stretchr/testify/require"
)

// slowStore is a test double of a store that has been restarted: while it is held, each
// Begin of content that was begun before waits, as if the content had to be read again. It
// also counts how often each writer is closed.
type slowStore struct {
	proxy.Staging
	deaf    bool        // a Begin that waits does not end with its context
	entered chan string // ids of the Begins that wait

	mu      sync.Mutex
	known   map[string]int // Begins, by id
	gate    chan struct{}  // nil: not held
	writers []*countedWriter
	discard map[string]int
	fail    error // of every Append
}

type countedWriter struct {
	proxy.Writer
	store  *slowStore
	closed atomic.Int64
}

func (w *countedWriter) Close() error {
	w.closed.Add(1)
	return w.Writer.Close()
}

func (w *countedWriter) Append(ctx context.Context, p []byte, onDurable func(int64, error)) error {
	w.store.mu.Lock()
	err := w.store.fail
	w.store.mu.Unlock()
	if err != nil {
		return err
	}
	return w.Writer.Append(ctx, p, onDurable)
}

// newSlowStore returns the double; wrap is to be given to newWorld. At the test's end, when
// the proxy is closed, each writer must have been closed once.
func newSlowStore(t testing.TB) *slowStore {
	s := &slowStore{entered: make(chan string, 100), known: map[string]int{}, discard: map[string]int{}}
	t.Cleanup(s.allClosedOnce(t))
	return s
}

func (s *slowStore) wrap(c *proxy.Config) { s.Staging, c.Staging = c.Staging, s }

func (s *slowStore) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *slowStore) allClosedOnce(t testing.TB) func() {
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, w := range s.writers {
			require.EqualValues(t, 1, w.closed.Load(), "how often writer %d of %d was closed", i, len(s.writers))
		}
	}
}

// hold makes Begins wait until release is called.
func (s *slowStore) hold() (release func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	s.gate = gate
	s.mu.Unlock()
	return sync.OnceFunc(func() {
		s.mu.Lock()
		s.gate = nil
		s.mu.Unlock()
		close(gate)
	})
}

func (s *slowStore) Begin(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
	s.mu.Lock()
	s.known[d.ID]++
	gate := s.gate
	if s.known[d.ID] == 1 {
		gate = nil
	}
	s.mu.Unlock()
	if gate != nil {
		s.entered <- d.ID
		ended := ctx.Done()
		if s.deaf {
			ended = nil
		}
		select {
		case <-gate:
			ctx = context.WithoutCancel(ctx)
		case <-ended:
			return nil, ctx.Err()
		}
	}
	w, err := s.Staging.Begin(ctx, d, acked)
	if err != nil {
		return nil, err
	}
	counted := &countedWriter{Writer: w, store: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writers = append(s.writers, counted)
	return counted, nil
}

func (s *slowStore) Discard(ctx context.Context, id string) error {
	err := s.Staging.Discard(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discard[id]++
	return err
}

func (s *slowStore) discarded(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.discard[id]
}

func (s *slowStore) begins(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[id]
}

func (s *slowStore) open() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.writers {
		if w.closed.Load() == 0 {
			n++
		}
	}
	return n
}
