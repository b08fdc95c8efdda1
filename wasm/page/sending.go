//go:build !js

package page

import (
	"sync"

	"attache/bridge"
)

// sending is an upload until its final state is known, which may be after Send has
// returned.
type sending struct {
	size     int64
	hooks    sync.Mutex // one call of Sent at a time
	accepted bool       // or a later state; on the loop only
	reminded bool       // offered since; on the loop only

	mu      sync.Mutex
	u       *Upload    // nil once Send has returned; nothing is recorded after that
	accepts int        // frames sent before the latest are of an earlier connection
	pending int        // frames that are still to be written, or whose Sent is still to be called
	called  *sync.Cond // pending has changed
}

func newSending(u *Upload) *sending {
	s := &sending{size: int64(len(u.Content)), u: u}
	s.called = sync.NewCond(&s.mu)
	return s
}

// note runs f with the upload, unless Send has returned.
func (s *sending) note(f func(*Upload)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.u != nil {
		f(s.u)
	}
}

// end waits until Sent has been called for every frame; nothing is recorded after that.
func (s *sending) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.pending > 0 {
		s.called.Wait()
	}
	s.u = nil
}

// offered records that the client offers the file or the rest of it, or asks for its state.
func (s *sending) offered() { s.reminded = s.accepted }

// accept reports whether the proxy has lost an accepted upload: it wants bytes again
// in its answer to an offer that was sent after the acceptance. An offer that was on
// its way at the acceptance may be answered so.
func (s *sending) accept(m *bridge.Accept) (forgotten bool) {
	if s.accepted {
		return s.reminded && m.Offset < s.size
	}
	s.note(func(u *Upload) {
		s.accepts++
		u.NoteAccept(m)
	})
	return false
}

func (s *sending) ack(stored int64) {
	s.note(func(u *Upload) {
		u.NoteAck(stored)
		if u.Acked != nil {
			u.Acked()
		}
	})
}

func (s *sending) state(m *bridge.Upload) {
	s.accepted = s.accepted || !m.State.Incoming()
	s.note(func(u *Upload) { u.NoteState(m) })
}

// frame records a frame that the client sends. It returns the bytes to write, and a
// function to call once they have been written or not.
func (p *Page) frame(frame []byte) ([]byte, func(sent bool)) {
	f, payload, err := bridge.ParseFrame(frame)
	s := p.sender(f.Key.String())
	if err != nil || s == nil {
		return frame, nil
	}
	length := int64(len(payload) - f.Offer)
	end := f.Offset + length
	window := p.session.Window(f.Key.String())
	var hook func(int64)
	var accepts int
	s.note(func(u *Upload) {
		if u.Spoil != nil && u.Spoil() {
			frame[len(frame)-1] ^= 1
		}
		hook, accepts = u.Sent, s.accepts
	})
	s.wait(1)
	return frame, func(sent bool) {
		defer s.wait(-1)
		if !sent {
			return
		}
		s.note(func(u *Upload) {
			if accepts == s.accepts {
				u.NoteFrame(end, length, window)
			}
		})
		if hook != nil {
			s.hooks.Lock()
			defer s.hooks.Unlock()
			hook(end)
		}
	}
}

// wait adds to the number of frames that end waits for.
func (s *sending) wait(frames int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending += frames
	s.called.Broadcast()
}
