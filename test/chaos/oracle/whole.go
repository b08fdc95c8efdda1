package oracle

import (
	"context"
	"time"

	"attache/bridge"
)

// openData is the page's data socket, if there is one.
func (p *Page) openData() *dataLine {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.data
}

// fits reports whether the file may be sent whole with its offer, which the page does again
// after every cut, as long as it was never answered: the same key gets the same answer.
func (u *upload) fits(d *dataLine) bool {
	offer := u.offer()
	all := int64(len(bridge.AppendMessage(nil, &offer)) + len(u.Content))
	_, first := bridge.NewSender(int64(len(u.Content)), 0, d.maxFrame, &d.link).Next()
	return d.offers && !u.begun && len(u.Content) > 0 && all <= d.maxFrame && first == int64(len(u.Content))
}

// sendWhole sends the file and its offer in one frame, and waits until it is accepted.
func (u *upload) sendWhole(ctx context.Context, chat *line, d *dataLine) error {
	key, err := bridge.ParseKey(u.Key)
	if err != nil {
		return err
	}
	offer, size := u.offer(), int64(len(u.Content))
	text := bridge.AppendMessage(nil, &offer)
	f := bridge.Frame{Key: key, Offer: len(text)}
	if err := d.frame(ctx, u.sealed(f, append(text, u.Content...))); err != nil {
		d.cut()
		return errAgain
	}
	u.NoteFrame(size, size, bridge.MaxWindow)
	if u.Sent != nil {
		u.Sent(size)
	}
	late := time.NewTimer(d.link.Timeout(answerTime, size))
	defer late.Stop()
	for {
		for _, m := range u.in.take() {
			if left, err := u.wholeAnswered(d, m); left || err != nil {
				return err
			}
		}
		select {
		case <-u.in.some:
		case <-chat.down:
			return errAgain
		case <-d.down:
			return errAgain
		case <-late.C:
			d.cut()
			return errAgain
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wholeAnswered handles a message about a file that was sent whole.
func (u *upload) wholeAnswered(d *dataLine, m bridge.Wire) (left bool, err error) {
	switch m := m.(type) {
	case *bridge.Ack:
		u.acked = m.Stored
		u.NoteAck(m.Stored)
		if u.Acked != nil {
			u.Acked()
		}
		return false, nil
	case *bridge.Accept:
		return false, nil // the answer to an earlier offer
	case refusedFrame:
		if damaged(&m.Error) {
			d.cut()
		}
	}
	return u.hear(m)
}
