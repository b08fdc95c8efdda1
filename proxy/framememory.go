package proxy

import (
	"container/list"
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"attache/bridge"
)

// frameMemory bounds the memory of incoming frames, and of pieces of a [Source], all
// together. A frame's buffer grows as it arrives, so that one that has only begun holds
// next to nothing. When others wait for memory, a frame that stalls is cut: a page sends
// a frame within seconds, and a party with many unfinished frames must not keep the
// others out. Parties that have sent a whole frame before are served first, and have more
// time.
type frameMemory struct {
	mu      sync.Mutex
	free    int64                     // bytes
	partial map[*frameBuffer]struct{} // frames that hold some of it and are not whole
	claims  list.List                 // of *claim, the oldest first
	looking bool                      // relieve runs periodically, while a claim waits

	// Unused buffers are part of the free memory, so that many frames leave no garbage;
	// after a while without frames they are dropped.
	spare  [len(steps)][]*[]byte
	spared int64 // bytes
	tidy   *time.Timer
}

// frameBuffer is the buffer of one incoming frame.
type frameBuffer struct {
	memory   *frameMemory
	begun    time.Time
	known    bool                 // its party has sent a whole frame before
	expected int                  // bytes of the last one on its socket: this one may be as long
	idle     func() time.Duration // since its page last sent a byte
	cut      func()               // ends the socket, without waiting
	step     int
	buf      *[]byte
	held     int64 // of the memory
	waits    bool  // for more of it: meanwhile nothing is read from the page
}

// claim is a frame that waits for memory.
type claim struct {
	of      *frameBuffer
	size    int64
	granted chan struct{}
}

// When a frame is cut because others wait for memory.
const (
	stallTime  = 100 * time.Millisecond // it received nothing for so long
	arriveTime = 500 * time.Millisecond // or it is not whole after so long, and no other is cut
	lookEvery  = 5 * time.Millisecond

	tidyTime = 5 * time.Second // how long spare buffers are held
)

// steps are the sizes of a frame's buffer, each a byte longer than a frame that fits.
// The first is the socket's own.
var steps = [...]int{4 << 10, bridge.FrameHeader + 64<<10 + 1, bridge.FrameHeader + 256<<10 + 1, bridge.FrameHeader + bridge.MaxFrame + 1}

// smallBuffers are buffers of the first size.
var smallBuffers = sync.Pool{New: func() any {
	b := make([]byte, steps[0])
	return &b
}}

// buffer returns a buffer of that step, whose memory is already held. Spare buffers of
// other steps are dropped if they use that memory.
func (m *frameMemory) buffer(step int) *[]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if last := len(m.spare[step]) - 1; last >= 0 {
		b := m.spare[step][last]
		m.spare[step] = m.spare[step][:last]
		m.spared -= int64(steps[step])
		return b
	}
	for other := range m.spare {
		for m.spared > m.free && len(m.spare[other]) > 0 {
			m.spare[other] = m.spare[other][1:]
			m.spared -= int64(steps[other])
		}
	}
	b := make([]byte, steps[step])
	return &b
}

// reuse puts a buffer aside for other frames.
func (m *frameMemory) reuse(step int, b *[]byte) {
	if step == 0 {
		smallBuffers.Put(b)
		return
	}
	m.spare[step] = append(m.spare[step], b)
	m.spared += int64(steps[step])
	if m.tidy == nil {
		m.tidy = time.AfterFunc(tidyTime, m.dropSpare)
	} else {
		m.tidy.Reset(tidyTime)
	}
}

func (m *frameMemory) dropSpare() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.spare[:])
	m.spared = 0
}

func newFrameMemory(size int64) *frameMemory {
	return &frameMemory{free: size, partial: map[*frameBuffer]struct{}{}}
}

// begin returns a buffer for a frame's first bytes. cut is called if the frame must give
// up. Call end when the frame's bytes are no longer used.
func (m *frameMemory) begin(known bool, idle func() time.Duration, cut func()) *frameBuffer {
	return &frameBuffer{memory: m, begun: time.Now(), known: known, idle: idle, cut: cut, buf: smallBuffers.Get().(*[]byte)}
}

// read reads r to its end: code message-too-large if that does not fit into the largest
// buffer.
func (a *frameBuffer) read(ctx context.Context, r io.Reader) ([]byte, error) {
	for n := 0; ; {
		got, err := io.ReadFull(r, (*a.buf)[n:])
		n += got
		switch {
		case messageEnded(err):
			a.whole()
			return (*a.buf)[:n], nil
		case err != nil:
			return nil, err
		case a.step == len(steps)-1:
			return nil, bridge.NewError(bridge.CodeMessageSize, "")
		}
		if err := a.grow(ctx); err != nil {
			return nil, err
		}
	}
}

// grow replaces the buffer by one of the next size with the same content; ctx ends the
// wait for memory.
func (a *frameBuffer) grow(ctx context.Context) error {
	next := a.step + 1
	for next < len(steps)-1 && steps[next] <= a.expected {
		next++
	}
	more := int64(steps[next])
	if a.step > 0 {
		more -= int64(steps[a.step])
	}
	if err := a.memory.take(ctx, a, more); err != nil {
		return err
	}
	old, step := a.buf, a.step
	a.step = next
	a.buf = a.memory.buffer(a.step)
	copy(*a.buf, *old)
	a.memory.mu.Lock()
	defer a.memory.mu.Unlock()
	a.memory.reuse(step, old)
	return nil
}

// whole marks the frame as arrived: from now on it waits for the store and not for its
// page.
func (a *frameBuffer) whole() {
	a.memory.mu.Lock()
	defer a.memory.mu.Unlock()
	delete(a.memory.partial, a)
}

// end frees the frame's memory.
func (a *frameBuffer) end() {
	m := a.memory
	m.mu.Lock()
	delete(m.partial, a)
	m.free += a.held
	a.held = 0
	m.reuse(a.step, a.buf)
	a.buf = nil
	m.grant()
	m.mu.Unlock()
}

func (m *frameMemory) take(ctx context.Context, a *frameBuffer, size int64) error {
	m.mu.Lock()
	w := &claim{of: a, size: size, granted: make(chan struct{})}
	at := m.queue(w)
	a.waits = true
	m.grant()
	if a.waits && !m.looking {
		m.looking = true
		time.AfterFunc(lookEvery, m.relieve)
	}
	m.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.waits { // otherwise it was granted meanwhile, and end gives it back
		a.waits = false
		m.claims.Remove(at)
		m.grant()
	}
	return context.Cause(ctx)
}

// queue puts a claim after all others, or before those of parties that are not known.
func (m *frameMemory) queue(w *claim) *list.Element {
	if w.of.known {
		for e := m.claims.Front(); e != nil; e = e.Next() {
			if !e.Value.(*claim).of.known {
				return m.claims.InsertBefore(w, e)
			}
		}
	}
	return m.claims.PushBack(w)
}

// grant gives the free memory to the waiting claims, in their order.
func (m *frameMemory) grant() {
	for e := m.claims.Front(); e != nil && m.free >= e.Value.(*claim).size; e = m.claims.Front() {
		w := m.claims.Remove(e).(*claim)
		m.free -= w.size
		w.of.held += w.size
		w.of.waits = false
		m.partial[w.of] = struct{}{}
		close(w.granted)
	}
}

// relieve cuts as many stalled frames as are needed for the waiting claims.
func (m *frameMemory) relieve() {
	m.mu.Lock()
	out := m.idlers()
	if m.looking = m.claims.Len() > 0; m.looking {
		time.AfterFunc(lookEvery, m.relieve)
	}
	m.mu.Unlock()
	for _, a := range out {
		a.cut()
	}
}

// idlers returns the frames to cut and removes them from partial: each is cut once.
func (m *frameMemory) idlers() (out []*frameBuffer) {
	front := m.claims.Front()
	if front == nil {
		return nil
	}
	var wanted int64
	for e := front; e != nil; e = e.Next() {
		wanted += e.Value.(*claim).size
	}
	haste := front.Value.(*claim).of.known
	var all []*frameBuffer
	var first *frameBuffer
	for a := range m.partial {
		age := time.Since(a.begun)
		if !a.waits && min(a.idle(), age) > stallTime || haste && !a.known && age > stallTime {
			all = append(all, a)
		}
		if age > arriveTime && (first == nil || a.begun.Before(first.begun)) {
			first = a
		}
	}
	if len(all) == 0 && first != nil {
		all = []*frameBuffer{first}
	}
	slices.SortFunc(all, func(a, b *frameBuffer) int { return a.begun.Compare(b.begun) })
	for _, a := range all {
		if wanted <= 0 {
			break
		}
		wanted -= a.held
		delete(m.partial, a)
		out = append(out, a)
	}
	return out
}
