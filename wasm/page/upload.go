//go:build !js

package page

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"attache/bridge"
)

// Upload is one file on its way up. What follows Content is what became of it;
// read it when Send has returned.
type Upload struct {
	Key         string
	Name        string
	Description string
	Content     []byte
	Digest      string // SHA-256 in hex; empty: the proxy is told none

	// Sent is called after each frame with the number of bytes sent so far, Acked
	// after each ack: places to cut the wire. May be nil.
	Sent  func(bytes int64)
	Acked func()
	// Broken is called at once with whatever a proxy may not do. May be nil.
	Broken func(b Breach)
	// Spoil reports whether the next frame is to be damaged on its way. May be nil.
	Spoil func() bool

	State    bridge.UploadState // the last one told
	Code     bridge.Code        // why it failed
	Complete time.Time          // when the last byte was acked, or more was told
	Accepted time.Time          // when accepted or a later state was told

	Resumed int     // times that sending went on
	Resent  int64   // bytes sent again, of all resumptions together
	Again   []Again // after each cut that was of a connection with frames

	high, acked, window int64
	trial               trial
}

// Again is what one cut cost, in bytes: how much was sent again, and the window
// that was open when the last frame before it went out.
type Again struct{ Sent, Window int64 }

// Breach is what a proxy may not do to an upload, in words.
type Breach string

// The breaches.
const (
	Beyond    Breach = "more was asked for again after a cut than the window then open"
	Regressed Breach = "bytes that were acked were asked for again"
	Mixed     Breach = "what the proxy held when it went on is not what was sent"
	Forgotten Breach = "bytes were asked for after it was accepted"
)

func (u *Upload) broken(b Breach, is bool) {
	if is && u.Broken != nil {
		u.Broken(b)
	}
}

// Remind offers a file once more that has been accepted: its state is the
// answer, and Heard is told. A page does so when it comes back, for what changed
// while it was away is not told again.
func (p *Page) Remind(ctx context.Context, key, name string, size int64) {
	p.mu.Lock()
	p.reminded[key] = size
	chat := p.chat
	p.mu.Unlock()
	if chat != nil {
		chat.send(ctx, &bridge.Offer{Key: key, Name: name, Size: size})
	}
}

// Send offers the file and sends it until the proxy has accepted it or any later
// state is told, however often a wire or a proxy breaks. An error is ctx's end;
// an upload that failed for good has State and Code.
func (p *Page) Send(ctx context.Context, u *Upload) error {
	b := newBox()
	u.trial = trial{module: p.o.Module}
	p.mu.Lock()
	p.uploads[u.Key] = b
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.uploads, u.Key)
		p.mu.Unlock()
	}()
	return p.insist(ctx, u, b)
}

func (p *Page) insist(ctx context.Context, u *Upload, b *box) error {
	for try := 0; ; try++ {
		if try > 0 && !pause(ctx, max(backOff(try), u.trial.wait)) {
			return ctx.Err()
		}
		u.trial.wait = 0
		before := u.acked
		err := p.attempt(ctx, u, b)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		if u.acked > before {
			try = 0
		}
	}
}

// answerTime is how long an offer or a frame may wait for its answer, beyond what
// its bytes take; then its wire counts as dead, as it does for the module.
const answerTime = 20 * time.Second

// attempt offers once and sends as long as that lasts; nil when the upload has
// left the page's hands.
func (p *Page) attempt(ctx context.Context, u *Upload, b *box) error {
	chat, address, err := p.joined(ctx)
	if err != nil {
		return err
	}
	b.take()
	err = chat.send(ctx, &bridge.Offer{
		Key: u.Key, Name: u.Name, Size: int64(len(u.Content)), Description: u.Description, Digest: u.Digest,
	})
	if err != nil {
		chat.cut()
		return errAgain
	}
	offset, left, err := u.answered(ctx, chat, b)
	if left || err != nil {
		return err
	}
	d, err := p.opened(ctx, address)
	if err != nil {
		return errAgain
	}
	if left, err := u.stream(ctx, d, b, offset); left || err != nil {
		return err
	}
	return u.accepted(ctx, chat, b)
}

// answered waits for the answer to an offer.
func (u *Upload) answered(ctx context.Context, chat *line, b *box) (offset int64, left bool, err error) {
	late := time.NewTimer(answerTime)
	defer late.Stop()
	for {
		for _, m := range b.take() {
			if accept, ok := m.(*bridge.Accept); ok {
				if accept.Offset == int64(len(u.Content)) {
					u.whole(accept)
					continue // its state is told as well
				}
				u.resume(accept)
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
		case <-b.some:
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

// whole is told that the proxy has every byte.
func (u *Upload) whole(accept *bridge.Accept) {
	sum := sha256.Sum256(u.Content)
	u.broken(Mixed, accept.Digest != hex.EncodeToString(sum[:]))
}

// resume notes from where sending goes on.
func (u *Upload) resume(accept *bridge.Accept) {
	offset := min(accept.Offset, int64(len(u.Content)))
	sum := sha256.Sum256(u.Content[:offset])
	u.broken(Mixed, offset < accept.Offset || accept.Digest != "" && accept.Digest != hex.EncodeToString(sum[:]))
	u.broken(Forgotten, !u.Accepted.IsZero())
	u.broken(Regressed, offset < u.acked)
	if u.high > 0 {
		again := max(u.high-offset, 0)
		u.Resumed++
		u.Resent += again
		u.broken(Beyond, again > u.window)
	}
	if u.window > 0 {
		u.Again = append(u.Again, Again{max(u.high-offset, 0), u.window})
	}
	u.high, u.acked, u.window = offset, offset, 0
	u.trial.begun = true
}

// hear takes note of a message about the upload; left when nothing more is
// asked of the page.
func (u *Upload) hear(m bridge.Wire) (left bool, err error) {
	switch m := m.(type) {
	case *bridge.Upload:
		u.State = m.State
		if m.Error != nil {
			u.Code = m.Error.Code
		}
		if m.State.Incoming() {
			return false, nil
		}
		u.noteAccepted()
		return true, nil
	case refusedFrame:
		return u.refused(&m.Error)
	case *bridge.Fail:
		return u.refused(&m.Error)
	}
	return false, nil
}

func (u *Upload) noteAccepted() {
	now := time.Now()
	if u.Accepted.IsZero() {
		u.Accepted = now
	}
	if u.Complete.IsZero() {
		u.Complete = now
	}
}

// stream sends frames from offset on, as far as credit goes, until all is acked.
func (u *Upload) stream(ctx context.Context, d *dataLine, b *box, offset int64) (left bool, err error) {
	key, err := bridge.ParseKey(u.Key)
	if err != nil {
		return false, err
	}
	link := d.link // its own: uploads are sent by goroutines of theirs
	s := bridge.NewSender(int64(len(u.Content)), offset, d.maxFrame, &link)
	begun := time.Now()
	for !s.Done() {
		at, n := s.Next()
		if n > 0 {
			if err := d.frame(ctx, u.frame(key, at, n)); err != nil {
				d.cut()
				return false, errAgain
			}
			u.advance(s, n, time.Since(begun))
			if u.Sent != nil {
				u.Sent(s.Sent())
			}
		}
		if left, err := u.acks(ctx, d, b, s, &link, begun, n == 0); left || err != nil {
			return left, err
		}
	}
	u.Complete = time.Now()
	return false, nil
}

// advance notes that a frame went out, and into which window: acks only make
// less of what is under way.
func (u *Upload) advance(s *bridge.Sender, n int64, now time.Duration) {
	u.window = max(s.Window(), n)
	s.Advance(n, now)
	u.high = max(u.high, s.Sent())
}

// frame makes a frame as it crosses the wire.
func (u *Upload) frame(key bridge.Key, at, n int64) []byte {
	payload := u.Content[at : at+n]
	out := make([]byte, bridge.FrameHeader, bridge.FrameHeader+n)
	bridge.PutFrame(out, bridge.Frame{Key: key, Offset: at, Checksum: bridge.Checksum(payload)})
	out = append(out, payload...)
	if u.Spoil != nil && u.Spoil() {
		out[len(out)-1] ^= 1
	}
	return out
}

// acks takes what has come; with wait, it waits for something to come.
func (u *Upload) acks(ctx context.Context, d *dataLine, b *box, s *bridge.Sender, link *bridge.Link, begun time.Time, wait bool) (left bool, err error) {
	if wait {
		late := time.NewTimer(link.Timeout(answerTime, s.Sent()-s.Stored()))
		defer late.Stop()
		select {
		case <-b.some:
		case <-d.down:
			return false, errAgain
		case <-late.C:
			d.cut()
			return false, errAgain
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	for _, m := range b.take() {
		if ack, ok := m.(*bridge.Ack); ok {
			held := time.Duration(ack.Held) * time.Millisecond
			if err := s.Ack(ack.Stored, held, time.Since(begun)); err != nil {
				return false, fmt.Errorf("%w: %w", errAgain, err)
			}
			if ack.Stored > u.acked {
				u.acked, u.trial.tries = ack.Stored, 0
			}
			if u.Acked != nil {
				u.Acked()
			}
			continue
		}
		if frame, ok := m.(refusedFrame); ok && damaged(&frame.Error) {
			// Those after it end with their socket: later they would be taken
			// for damaged too.
			d.cut()
		}
		if left, err := u.hear(m); left || err != nil {
			return left, err
		}
	}
	return false, nil
}

// accepted waits for the word that everything is there.
func (u *Upload) accepted(ctx context.Context, chat *line, b *box) error {
	_, left, err := u.answered(ctx, chat, b)
	if err == nil && !left {
		return errAgain
	}
	return err
}
