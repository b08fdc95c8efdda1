package upstream

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
)

// hub wakes those who wait for a session's events at this proxy.
type hub struct {
	mu      sync.Mutex
	viewers map[string]map[*viewer]struct{} // by session
}

// viewer is one wait. Its typing notices are lost if it does not take them.
type viewer struct {
	wake chan struct{}
	live chan bridge.Event
}

// maxLive is how many notices without an index wait for a slow page.
const maxLive = 32

func newHub() *hub { return &hub{viewers: map[string]map[*viewer]struct{}{}} }

func (h *hub) add(session string) (v *viewer, remove func()) {
	v = &viewer{wake: make(chan struct{}, 1), live: make(chan bridge.Event, maxLive)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.viewers[session] == nil {
		h.viewers[session] = map[*viewer]struct{}{}
	}
	h.viewers[session][v] = struct{}{}
	return v, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.viewers[session], v)
		if len(h.viewers[session]) == 0 {
			delete(h.viewers, session)
		}
	}
}

// changed wakes the viewers of a session whose events or whose chat have changed.
func (h *hub) changed(_ *jetstream.MsgMetadata, m jetstream.Msg) {
	session, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(m.Subject(), eventPrefix), chatPrefix), ".")
	h.mu.Lock()
	defer h.mu.Unlock()
	for v := range h.viewers[session] {
		select {
		case v.wake <- struct{}{}:
		default:
		}
	}
}

// passOn delivers a notice without an index.
func (h *hub) passOn(m *nats.Msg) {
	e, err := bridge.ParseEvent(m.Data)
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for v := range h.viewers[strings.TrimPrefix(m.Subject, livePrefix)] {
		select {
		case v.live <- e:
		default:
		}
	}
}

// lookEvery bounds how late a viewer is that was not woken, because the engine was away.
const lookEvery = 15 * time.Second

// Events delivers what is stored of the chat after position, and then what comes. Of several
// proxies each delivers the same, because one of them stores it.
func (c *Client) Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
	v, remove := c.hub.add(session)
	defer remove()
	reading, err := c.cursor(ctx, session, min(position, bridge.MaxInteger))
	if err != nil {
		return err
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		_, over := c.member(ctx, session, userID) // before the events: what came before the end is delivered
		if over != nil && !isOver(over) {
			return over
		}
		if err := c.deliverStored(ctx, reading, position, deliver); err != nil {
			return err
		}
		if over != nil {
			return over
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-v.wake:
		case <-look.C:
		case e := <-v.live:
			if err := deliver(e); err != nil {
				return err
			}
		}
	}
}

func (c *Client) deliverStored(ctx context.Context, reading *cursor, position int64, deliver func(bridge.Event) error) error {
	if position >= bridge.MaxInteger {
		return nil // only the end is waited for
	}
	for {
		e, err := reading.read(ctx)
		if e == nil || err != nil {
			return err
		}
		if e.ID <= position {
			continue
		}
		if err := deliver(*e); err != nil {
			return err
		}
	}
}

// FindKey finds the event with that key. While GMS may still do what was asked under the key,
// that is an error.
func (c *Client) FindKey(ctx context.Context, session, key string) (bridge.Event, bool, error) {
	e, _, err := c.outcome(ctx, session, key)
	if err != nil || e == nil || e.ID == 0 {
		return bridge.Event{}, false, withoutFailure(err)
	}
	return *e, true, nil
}

// File finds a file that was announced in the chat and not deleted.
func (c *Client) File(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
	if _, err := c.member(ctx, session, userID); err != nil {
		return bridge.Event{}, err
	}
	d, _, err := c.document(ctx, documentID(session, fileID))
	if err != nil {
		return bridge.Event{}, err
	}
	if d.FileID != fileID || d.Session != session || d.Deleted {
		return bridge.Event{}, bridge.NewError(bridge.CodeFileUnknown, "")
	}
	e, err := c.event(ctx, session, d.Index)
	if e == nil || err != nil {
		return bridge.Event{}, errorOr(err, bridge.CodeFileUnknown)
	}
	return *e, nil
}

func errorOr(err error, code bridge.Code) error {
	if err != nil {
		return err
	}
	return bridge.NewError(code, "")
}
