package proxy

import (
	"context"
	"sync"
)

// waitingRequests are requests of one chat socket that take long, so that the requests after
// them do not wait: offers of uploads that continue, and downloads of files that are scanned
// first.
type waitingRequests struct {
	ctx     context.Context // ends with the socket, or when the party leaves
	stop    context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	keys map[string]bool
}

func newWaitingRequests(ctx context.Context) *waitingRequests {
	w := &waitingRequests{keys: map[string]bool{}}
	w.ctx, w.stop = context.WithCancel(ctx)
	return w
}

// add runs wait in a goroutine, and then the function that it returns, which answers, unless
// ctx has ended by then. A request that repeats one that waits under the same key gets the
// same answer, once.
func (w *waitingRequests) add(key string, wait func(context.Context) (answer func(context.Context))) {
	w.mu.Lock()
	again := w.keys[key]
	w.keys[key] = true
	w.mu.Unlock()
	if again {
		ended, end := context.WithCancel(w.ctx)
		end()
		wait(ended)
		return
	}
	w.running.Go(func() {
		answer := wait(w.ctx)
		// Before the answer: once the page has it, its next request is another one.
		w.mu.Lock()
		delete(w.keys, key)
		w.mu.Unlock()
		if w.ctx.Err() == nil {
			answer(w.ctx)
		}
	})
}

// count is how many requests wait.
func (w *waitingRequests) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.keys)
}

// end ends the waiting and returns when no answer is being sent any more.
func (w *waitingRequests) end() {
	w.stop()
	w.running.Wait()
}
