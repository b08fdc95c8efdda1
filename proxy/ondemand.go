package proxy

import "sync"

// onDemand runs a function, once at a time, when it is asked to, and has no goroutine while
// there is nothing to do: a quiet socket would pay for its stack.
type onDemand struct {
	mu      sync.Mutex
	work    func() error // nil: not started, or stopped
	failed  func(error)
	running bool
	again   bool // asked for while it ran
	ended   sync.WaitGroup
}

// start makes run run work from now on, also for calls before. An error is reported to failed
// and ends it.
func (o *onDemand) start(work func() error, failed func(error)) {
	o.mu.Lock()
	o.work, o.failed = work, failed
	again := o.again
	o.mu.Unlock()
	if again {
		o.run()
	}
}

// run has work run after this call. It never blocks.
func (o *onDemand) run() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.again = true
	if o.running || o.work == nil {
		return
	}
	o.running = true
	o.ended.Go(o.loop)
}

func (o *onDemand) loop() {
	for {
		o.mu.Lock()
		work := o.work
		if !o.again || work == nil {
			o.running = false
			o.mu.Unlock()
			return
		}
		o.again = false
		o.mu.Unlock()
		if err := work(); err != nil {
			o.failed(err)
			o.mu.Lock()
			o.work = nil
			o.mu.Unlock()
		}
	}
}

// stop waits for the end of a run; there is none after it.
func (o *onDemand) stop() {
	o.mu.Lock()
	o.work = nil
	o.mu.Unlock()
	o.ended.Wait()
}
