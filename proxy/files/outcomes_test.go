package files_test

import (
	"errors"
	"sync"
)

// outcomes are the outcomes of the frames of one upload.
type outcomes struct {
	mu      sync.Mutex
	durable int64
	want    []*outcome
	changed chan struct{}
	wrong   error
}

type outcome struct {
	end   int64
	calls int
	err   error
}

// expect returns the function for Append.
func (o *outcomes) expect(end int64) func(int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	one := &outcome{end: end}
	o.want = append(o.want, one)
	return func(n int64, err error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		one.calls++
		one.err = err
		if err == nil {
			if n != one.end || n < o.durable {
				o.wrong = broken("%d is acked after %d, for a frame that ends at %d", n, o.durable, one.end)
			}
			o.durable = n
		}
		if o.changed != nil {
			close(o.changed)
			o.changed = nil
		}
	}
}

// refused forgets the last frame, which was not appended.
func (o *outcomes) refused() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.want = o.want[:len(o.want)-1]
}

// wait waits for all outcomes and returns the first error since the last time.
func (o *outcomes) wait() error {
	for {
		o.mu.Lock()
		done := true
		var err error
		for _, one := range o.want {
			done = done && one.calls > 0
			err = errors.Join(err, one.err)
		}
		if done {
			o.check()
			o.mu.Unlock()
			return err
		}
		if o.changed == nil {
			o.changed = make(chan struct{})
		}
		changed := o.changed
		o.mu.Unlock()
		<-changed
	}
}

// check notes frames with several outcomes, and drops the others. The caller holds the lock.
func (o *outcomes) check() {
	for _, one := range o.want {
		if one.calls != 1 {
			o.wrong = broken("a frame has %d outcomes", one.calls)
		}
	}
	o.want = nil
}

// settle waits for all outcomes, whatever they are.
func (o *outcomes) settle() { _ = o.wait() }

func (o *outcomes) acked() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.durable
}

// forget is for content that is given up.
func (o *outcomes) forget() {
	o.settle()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.durable = 0
}

// all fails if a frame has no outcome, or two.
func (o *outcomes) all() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.check()
	return o.wrong
}
