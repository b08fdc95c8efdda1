package proxy

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"time"

	"attache/bridge"
)

// room is the memory for incoming frames, of all data sockets together. A frame's
// buffer grows with what has arrived of it, so that one that has only begun holds next
// to nothing. If others wait for memory, a frame that stalls gives up its own: a page
// sends a frame within seconds, and whoever holds many unfinished ones must not keep
// the rest out. Parties that have sent a whole frame before go first, and have more
// time.
type room struct {
	mu      sync.Mutex
	free    int64                 // bytes
	arrived map[*arrival]struct{} // what holds some of it and is not whole
	wishes  list.List             // of *wish, the first come first
	looking bool                  // relieve runs by and by, as long as somebody waits

	// Buffers that nobody uses lie in the free room, so that a crowd of frames leaves no
	// garbage behind; after a while without frames they are let go.
	spare  [len(steps)][]*[]byte
	spared int64 // bytes
	tidy   *time.Timer
}

// arrival is one frame on its way in.
type arrival struct {
	room  *room
	begun time.Time
	known bool                 // its party has sent a whole frame before
	like  int                  // bytes of the last one on its socket: this one may be as long
	idle  func() time.Duration // since its page was last heard
	cut   func()               // ends the socket, without waiting
	step  int
	buf   *[]byte
	held  int64 // of the room
	waits bool  // for more of it: the page may be heard no more
}

type wish struct {
	of      *arrival
	size    int64
	granted chan struct{}
}

// When a frame gives up its room to those who wait.
const (
	stallTime  = 100 * time.Millisecond // nothing of it came for so long
	arriveTime = 500 * time.Millisecond // or it is not whole after so long, and nobody else gives up any
	lookEvery  = 5 * time.Millisecond

	tidyTime = 5 * time.Second // spare buffers are kept so long
)

// steps are the sizes of a frame's buffer, each a byte longer than a frame that fits.
// The first is the socket's own.
var steps = [...]int{4 << 10, bridge.FrameHeader + 64<<10 + 1, bridge.FrameHeader + 256<<10 + 1, bridge.FrameHeader + bridge.MaxFrame + 1}

// smalls are buffers of the first size.
var smalls = sync.Pool{New: func() any {
	b := make([]byte, steps[0])
	return &b
}}

// buffer returns a buffer of that step, whose memory is already held. Spare buffers of
// other steps are dropped if they take up that memory.
func (r *room) buffer(step int) *[]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last := len(r.spare[step]) - 1; last >= 0 {
		b := r.spare[step][last]
		r.spare[step] = r.spare[step][:last]
		r.spared -= int64(steps[step])
		return b
	}
	for other := range r.spare {
		for r.spared > r.free && len(r.spare[other]) > 0 {
			r.spare[other] = r.spare[other][1:]
			r.spared -= int64(steps[other])
		}
	}
	b := make([]byte, steps[step])
	return &b
}

// lay keeps a buffer for others to use.
func (r *room) lay(step int, b *[]byte) {
	if step == 0 {
		smalls.Put(b)
		return
	}
	r.spare[step] = append(r.spare[step], b)
	r.spared += int64(steps[step])
	if r.tidy == nil {
		r.tidy = time.AfterFunc(tidyTime, r.letGo)
	} else {
		r.tidy.Reset(tidyTime)
	}
}

func (r *room) letGo() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.spare[:])
	r.spared = 0
}

func newRoom(size int64) *room { return &room{free: size, arrived: map[*arrival]struct{}{}} }

// begin makes a buffer for a frame's first bytes. cut is called when it must give
// up. End it when the frame's bytes are used.
func (r *room) begin(known bool, idle func() time.Duration, cut func()) *arrival {
	return &arrival{room: r, begun: time.Now(), known: known, idle: idle, cut: cut, buf: smalls.Get().(*[]byte)}
}

// grow makes the buffer the next size, and keeps what is in it; ctx ends the wait for
// room.
func (a *arrival) grow(ctx context.Context) error {
	next := a.step + 1
	for next < len(steps)-1 && steps[next] <= a.like {
		next++
	}
	more := int64(steps[next])
	if a.step > 0 {
		more -= int64(steps[a.step])
	}
	if err := a.room.take(ctx, a, more); err != nil {
		return err
	}
	old, step := a.buf, a.step
	a.step = next
	a.buf = a.room.buffer(a.step)
	copy(*a.buf, *old)
	a.room.mu.Lock()
	defer a.room.mu.Unlock()
	a.room.lay(step, old)
	return nil
}

// whole notes that all of the frame has arrived: from now on it waits for the store and
// not for its page.
func (a *arrival) whole() {
	a.room.mu.Lock()
	defer a.room.mu.Unlock()
	delete(a.room.arrived, a)
}

// end gives the frame's memory back.
func (a *arrival) end() {
	r := a.room
	r.mu.Lock()
	delete(r.arrived, a)
	r.free += a.held
	a.held = 0
	r.lay(a.step, a.buf)
	a.buf = nil
	r.grant()
	r.mu.Unlock()
}

func (r *room) take(ctx context.Context, a *arrival, size int64) error {
	r.mu.Lock()
	w := &wish{of: a, size: size, granted: make(chan struct{})}
	at := r.queue(w)
	a.waits = true
	r.grant()
	if a.waits && !r.looking {
		r.looking = true
		time.AfterFunc(lookEvery, r.relieve)
	}
	r.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.waits { // otherwise it was granted meanwhile, and is given back with the rest
		a.waits = false
		r.wishes.Remove(at)
		r.grant()
	}
	return context.Cause(ctx)
}

// queue puts a wish after all others, or before those of parties that are not known.
func (r *room) queue(w *wish) *list.Element {
	if w.of.known {
		for e := r.wishes.Front(); e != nil; e = e.Next() {
			if !e.Value.(*wish).of.known {
				return r.wishes.InsertBefore(w, e)
			}
		}
	}
	return r.wishes.PushBack(w)
}

// grant gives the free room to those who wait, in their order.
func (r *room) grant() {
	for e := r.wishes.Front(); e != nil && r.free >= e.Value.(*wish).size; e = r.wishes.Front() {
		w := r.wishes.Remove(e).(*wish)
		r.free -= w.size
		w.of.held += w.size
		w.of.waits = false
		r.arrived[w.of] = struct{}{}
		close(w.granted)
	}
}

// relieve cuts as many stalled frames as are needed to make room for those who wait.
func (r *room) relieve() {
	r.mu.Lock()
	out := r.idlers()
	if r.looking = r.wishes.Len() > 0; r.looking {
		time.AfterFunc(lookEvery, r.relieve)
	}
	r.mu.Unlock()
	for _, a := range out {
		a.cut()
	}
}

// idlers returns the frames to cut and takes them out of arrived: each is cut once.
func (r *room) idlers() (out []*arrival) {
	front := r.wishes.Front()
	if front == nil {
		return nil
	}
	var wanted int64
	for e := front; e != nil; e = e.Next() {
		wanted += e.Value.(*wish).size
	}
	haste := front.Value.(*wish).of.known
	var all []*arrival
	var first *arrival
	for a := range r.arrived {
		age := time.Since(a.begun)
		if !a.waits && min(a.idle(), age) > stallTime || haste && !a.known && age > stallTime {
			all = append(all, a)
		}
		if age > arriveTime && (first == nil || a.begun.Before(first.begun)) {
			first = a
		}
	}
	if len(all) == 0 && first != nil {
		all = []*arrival{first}
	}
	slices.SortFunc(all, func(a, b *arrival) int { return a.begun.Compare(b.begun) })
	for _, a := range all {
		if wanted <= 0 {
			break
		}
		wanted -= a.held
		delete(r.arrived, a)
		out = append(out, a)
	}
	return out
}
