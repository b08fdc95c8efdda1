package bugs

// Files that bugs add to the product, where a line in one of its functions is too
// little.
const (
	earlyAck = `package proxy

import (
	"time"

	"attache/bridge"
)

func plantedAck(d *data, key string, stored int64) {
	d.noteAck(bridge.Ack{Key: key, Stored: stored})
	time.Sleep(20 * time.Millisecond)
}
`

	ackBeforeSync = `package files

func (c *content) plantedAck(batch []piece) {
	c.mu.Unlock()
	defer c.mu.Lock()
	for _, p := range batch {
		if p.onDurable != nil {
			p.onDurable(p.end, nil)
		}
	}
}
`

	sessionBefore = `package deliver

var plantedBefore = make(chan string, 1)

func plantedSession(session string) string {
	other := session
	select {
	case other = <-plantedBefore:
	default:
	}
	select {
	case plantedBefore <- session:
	default:
	}
	return other
}
`

	strayEvent = `package proxy

import "attache/bridge"

type plantedEvent struct {
	session string
	event   bridge.Event
}

var plantedStrays = make(chan plantedEvent, 1)

func plantedEvents(s *session, e bridge.Event) []bridge.Event {
	all := []bridge.Event{e}
	if !e.IsFile() || e.ID <= s.joined {
		return all
	}
	select {
	case other := <-plantedStrays:
		if other.session != s.who.Session {
			all = append(all, other.event)
		}
	default:
	}
	select {
	case plantedStrays <- plantedEvent{s.who.Session, e}:
	default:
	}
	return all
}
`

	anotherDocument = `package proxy

import (
	"slices"

	"attache/bridge"
)

func plantedDocument(s *session, e bridge.Event) bridge.Event {
	if e.IsFile() && e.ID > s.joined {
		e.Data = slices.Clone(e.Data).Set(bridge.Text(bridge.KeyDocumentID, "another"))
	}
	return e
}
`

	onlyNews = `package proxy

func plantedNews(s *session, position int64) int64 {
	if position > 0 {
		return s.joined
	}
	return position
}
`

	intentAlone = `package upstream

import (
	"context"

	"attache/bridge"
)

func (c *Client) plantedOutcome(ctx context.Context, session, key string) (*bridge.Event, stored, error) {
	in, err := c.intent(ctx, session, key)
	return nil, in, err
}
`
)
