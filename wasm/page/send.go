//go:build !js

package page

import (
	"context"
	"encoding/json"
	"time"

	"attache/bridge"
	"attache/wasm/client"
)

// Send sends the file until the client reports that the proxy has accepted it, or any
// later state, however often a wire or a proxy breaks. An error is the end of ctx or of
// the session; an upload that failed for good has State and Code.
func (p *Page) Send(ctx context.Context, u *Upload) error {
	for try := 1; ; try++ {
		last, err := p.sendOnce(ctx, u)
		if err != nil || last == nil || !last.Error.Retry || last.Over || p.o.Module {
			return err
		}
		select {
		case <-time.After(pauseBefore(try)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// step is what the client reports of an upload.
type step struct {
	State bridge.UploadState
	Over  bool
	Error *bridge.Error
}

// sendOnce returns how the upload failed; nil: it did not.
func (p *Page) sendOnce(ctx context.Context, u *Upload) (failed *step, err error) {
	s := newSending(u)
	defer s.end()
	p.mu.Lock()
	p.sending[u.Key] = s
	p.mu.Unlock()
	offer := bridge.Offer{
		Key: u.Key, Name: u.Name, Size: int64(len(u.Content)), Description: u.Description, Digest: u.Digest,
	}
	steps := make(chan step, 1) // the first that is not incoming
	f := &pump{p: p, content: u.Content}
	p.loop.post(func() {
		p.begin(func(session *client.Session, call int64) {
			f.call = call
			session.Upload(call, 0, offer, f.client())
		}, func(w client.Word, text string) { p.stepped(s, offer.Key, steps, w, text) })
	})
	select {
	case last := <-steps:
		u.State = last.State
		if u.Code = ""; last.Error == nil {
			return nil, nil
		}
		u.Code = last.Error.Code
		return &last, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	case <-p.gone:
		return nil, p.reason()
	}
}

// stepped takes a report on an upload, on the loop.
func (p *Page) stepped(s *sending, key string, steps chan<- step, w client.Word, text string) {
	var now step
	if w == client.WordFail { // it was never offered
		now = step{State: bridge.Failed, Over: true, Error: readError(text)}
	} else if err := json.Unmarshal([]byte(text), &now); err != nil {
		now = step{State: bridge.Failed, Over: true, Error: bridge.WrapError(bridge.CodeInternal, err)}
	}
	if now.State.Incoming() {
		return
	}
	select {
	case steps <- now:
	default: // it is not the first one
	}
	if now.State.Final() {
		p.mu.Lock()
		if p.sending[key] == s {
			delete(p.sending, key)
		}
		p.mu.Unlock()
	}
}
