package oracle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"attache/bridge"
	"attache/wasm/page"
)

// Remind offers an accepted file again: the answer is its state, which Heard gets. A
// page does so after a reconnect, because changes that it missed are not sent again.
func (p *Page) Remind(ctx context.Context, key, name string, size int64) {
	p.mu.Lock()
	p.reminded[key] = size
	chat := p.chat
	p.mu.Unlock()
	if chat != nil {
		chat.send(ctx, &bridge.Offer{Key: key, Name: name, Size: size})
	}
}

// upload is one on its way.
type upload struct {
	*page.Upload
	in    *box
	begun bool // the proxy has accepted it before
	acked int64
}

// Send offers the file and sends it until the proxy has accepted it or reports any
// later state, however often a wire or a proxy breaks. An error is ctx's end; an upload
// that failed for good has State and Code.
func (p *Page) Send(ctx context.Context, u *page.Upload) error {
	up := &upload{Upload: u, in: newBox()}
	p.mu.Lock()
	p.uploads[u.Key] = up.in
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.uploads, u.Key)
		p.mu.Unlock()
	}()
	for try := 0; ; try++ {
		if try > 0 && !pause(ctx, try) {
			return ctx.Err()
		}
		before := up.acked
		err := p.attempt(ctx, up)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		if up.acked > before {
			try = 0
		}
	}
}

// answerTime is how long an offer or a frame may wait for its answer, beyond what
// its bytes take; then its wire counts as dead.
const answerTime = 20 * time.Second

var errAgain = errors.New("offer again")

// attempt offers once and sends until the connection ends. It returns nil once the
// upload needs nothing more from the page.
func (p *Page) attempt(ctx context.Context, u *upload) error {
	chat, address, err := p.joined(ctx)
	if err != nil {
		return err
	}
	u.in.take()
	offer := u.offer()
	if d := p.openData(); d != nil && u.fits(d) {
		return u.sendWhole(ctx, chat, d)
	}
	if u.begun {
		offer.Acked = &u.acked
	}
	err = chat.send(ctx, &offer)
	if err != nil {
		chat.cut()
		return errAgain
	}
	offset, left, err := u.answered(ctx, chat)
	if left || err != nil {
		return err
	}
	d, err := p.opened(ctx, address)
	if err != nil {
		return errAgain
	}
	if left, err := u.stream(ctx, d, offset); left || err != nil {
		return err
	}
	if _, left, err := u.answered(ctx, chat); left || err != nil {
		return err
	}
	return errAgain
}

func (u *upload) offer() bridge.Offer {
	return bridge.Offer{
		Key: u.Key, Name: u.Name, Size: int64(len(u.Content)), Description: u.Description, Digest: u.Digest,
	}
}

// answered waits for the answer to an offer.
func (u *upload) answered(ctx context.Context, chat *line) (offset int64, left bool, err error) {
	late := time.NewTimer(answerTime)
	defer late.Stop()
	for {
		for _, m := range u.in.take() {
			if accept, ok := m.(*bridge.Accept); ok {
				u.NoteAccept(accept)
				if accept.Offset == int64(len(u.Content)) {
					continue // its state is sent as well
				}
				u.begun, u.acked = true, accept.Offset
				return accept.Offset, false, nil
			}
			if _, stale := m.(refusedFrame); stale {
				continue
			}
			if left, err := u.hear(m); left || err != nil {
				return 0, left, err
			}
		}
		select {
		case <-u.in.some:
		case <-chat.down:
			return 0, false, errAgain
		case <-late.C:
			chat.cut()
			return 0, false, errAgain
		case <-ctx.Done():
			return 0, false, ctx.Err()
		}
	}
}

// hear handles a message about the upload. left reports that the page has nothing more to do.
func (u *upload) hear(m bridge.Wire) (left bool, err error) {
	switch m := m.(type) {
	case *bridge.Upload:
		u.State = m.State
		if m.Error != nil {
			u.Code = m.Error.Code
		}
		u.NoteState(m)
		return !m.State.Incoming(), nil
	case refusedFrame:
		return u.refused(&m.Error)
	case *bridge.Fail:
		return u.refused(&m.Error)
	}
	return false, nil
}

// refused handles a refusal. left reports that the upload has failed.
func (u *upload) refused(err *bridge.Error) (left bool, again error) {
	if err.Retry {
		return false, errAgain
	}
	u.State, u.Code = bridge.Failed, err.Code
	return true, nil
}

// stream sends frames from offset on, as credit allows, until all bytes are acked.
func (u *upload) stream(ctx context.Context, d *dataLine, offset int64) (left bool, err error) {
	key, err := bridge.ParseKey(u.Key)
	if err != nil {
		return false, err
	}
	link := d.link // a copy, because each upload is sent by its own goroutine
	s := bridge.NewSender(int64(len(u.Content)), offset, d.maxFrame, &link)
	begun := time.Now()
	for !s.Done() {
		at, n := s.Next()
		if n > 0 {
			if err := d.frame(ctx, u.frame(key, at, n)); err != nil {
				d.cut()
				return false, errAgain
			}
			u.NoteFrame(at+n, n, s.Window())
			s.Advance(n, time.Since(begun))
			if u.Sent != nil {
				u.Sent(s.Sent())
			}
		}
		if left, err := u.acks(ctx, d, s, &link, begun, n == 0); left || err != nil {
			return left, err
		}
	}
	return false, nil
}

// frame makes a frame as it crosses the wire.
func (u *upload) frame(key bridge.Key, at, n int64) []byte {
	return u.sealed(bridge.Frame{Key: key, Offset: at}, u.Content[at:at+n])
}

// sealed is a frame with that header and payload, perhaps damaged.
func (u *upload) sealed(f bridge.Frame, payload []byte) []byte {
	f.Checksum = bridge.Checksum(payload)
	out := make([]byte, bridge.FrameHeader, bridge.FrameHeader+len(payload))
	bridge.PutFrame(out, f)
	out = append(out, payload...)
	if u.Spoil != nil && u.Spoil() {
		out[len(out)-1] ^= 1
	}
	return out
}

// acks handles the messages that have arrived; with wait, it waits for the first.
func (u *upload) acks(ctx context.Context, d *dataLine, s *bridge.Sender, link *bridge.Link, begun time.Time, wait bool) (left bool, err error) {
	if wait {
		late := time.NewTimer(link.Timeout(answerTime, s.Sent()-s.Stored()))
		defer late.Stop()
		select {
		case <-u.in.some:
		case <-d.down:
			return false, errAgain
		case <-late.C:
			d.cut()
			return false, errAgain
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	for _, m := range u.in.take() {
		if ack, ok := m.(*bridge.Ack); ok {
			held := time.Duration(ack.Held) * time.Millisecond
			if err := s.Ack(ack.Stored, held, time.Since(begun)); err != nil {
				return false, fmt.Errorf("%w: %w", errAgain, err)
			}
			u.acked = max(u.acked, ack.Stored)
			u.NoteAck(ack.Stored)
			if u.Acked != nil {
				u.Acked()
			}
			continue
		}
		if frame, ok := m.(refusedFrame); ok && damaged(&frame.Error) {
			// The frames after it end with their socket: later they would count as damaged too.
			d.cut()
		}
		if left, err := u.hear(m); left || err != nil {
			return left, err
		}
	}
	return false, nil
}

// damaged reports whether a frame has failed, and with it those after it.
func damaged(err *bridge.Error) bool {
	return err.Code == bridge.CodeFrameChecksum || err.Code == bridge.CodeFrameOffset
}
