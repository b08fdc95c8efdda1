package deliver_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
)

// beginner is a store elsewhere whose Add takes two requests, as UCS's: the first one makes a
// document that Open does not find.
type beginner struct {
	*storeDouble
	mu    sync.Mutex
	begun map[string]bool // by what was staged
	tries int
}

func (s *beginner) Add(_ context.Context, d proxy.Document) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun[d.ID] = true
	s.tries++
	return "", errors.New("the content was not sent")
}

func (s *beginner) Leftover(_ context.Context, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun[id], nil
}

func (s *beginner) Remove(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.begun, id)
	return nil
}

func (s *beginner) now() (left, tries int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.begun), s.tries
}

// What an Add has begun in the store is removed when its upload has failed.
func TestFailedUploadRemovesWhatItsAddHasBegun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := &beginner{storeDouble: newStoreDouble(), begun: map[string]bool{}}
	key := w.accepted().Key
	w.start(func(o *deliver.Options) { o.Documents, o.Tries = store, 2 })
	w.awaitState(key, bridge.Failed)
	w.eventually(func() bool { left, tries := store.now(); return left == 0 && tries == 2 })
}
