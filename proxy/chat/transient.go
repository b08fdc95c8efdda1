package chat

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"attache/bridge"
)

// transientPrefix is of no stream's subjects: the engine passes on what is published there,
// and stores nothing.
const transientPrefix = "transient."

// Bounds of the transient notices that a room holds for parties that have not got them yet.
const (
	transientTime    = 30 * time.Second
	transientEntries = 32
	transientBytes   = 64 << 10
)

// isTransient reports whether e is shown once to those who are there, and not kept.
func isTransient(e bridge.Event) bool {
	rule, ok := bridge.RuleOf(e.NoticeType, e.Text)
	return ok && rule.Transient && e.Type == bridge.Notice
}

// postTransient sends a notice beside the log: to the rooms of all proxies, this one's
// included. Nothing is retried and nothing waits, because a notice of this kind is of no
// use a little later.
func (s *Server) postTransient(ctx context.Context, r *room, userID string, e bridge.Event) (bridge.Event, error) {
	err := r.query(ctx, func(f *fold) error {
		p, err := s.member(f, userID, s.now())
		if err != nil {
			return err
		}
		e.From = p
		if err := checkReceipt(f, e); err != nil {
			return err
		}
		return s.maySend(f, e)
	})
	if err != nil {
		return bridge.Event{}, err
	}
	e.At = s.now()
	if e.Key == "" {
		e.Key = rand.Text() // tells it from others, for a party that may get it from two proxies
	}
	err = s.log.js.Conn().Publish(transientPrefix+r.session, bridge.AppendEvent(nil, e))
	if err != nil {
		s.cfg.Log.Debug("a transient notice was lost", "session", r.session, "error", err)
	}
	s.noteActivity(r, userID, noticeName(e))
	return e, nil
}

// checkReceipt refuses a receipt for an event that is not there yet.
func checkReceipt(f *fold, e bridge.Event) error {
	if e.NoticeType != bridge.ReadReceipt {
		return nil
	}
	read, err := strconv.ParseInt(e.Data.Get(bridge.KeyPosition), 10, 64)
	if err != nil || read < 1 || read > f.last {
		return bridge.NewError(bridge.CodeMessage, bridge.KeyPosition+" is not the id of an event of this session")
	}
	return nil
}

// followTransients passes every transient notice to its room, if this process has one, until
// the subscription ends.
func (s *Server) followTransients() (*nats.Subscription, error) {
	return s.log.js.Conn().Subscribe(transientPrefix+"*", func(m *nats.Msg) {
		r := s.lobby.find(strings.TrimPrefix(m.Subject, transientPrefix))
		if r == nil {
			return
		}
		e, err := bridge.ParseEvent(m.Data)
		if err != nil || !e.Transient() || !isTransient(e) {
			return // of a later release
		}
		r.pass(e, len(m.Data), s.cfg.Now())
	})
}

// passing is a transient notice in a room.
type passing struct {
	number uint64 // in this room, from 1
	after  int64  // position of the log's last entry when it came
	cost   int
	until  time.Time
	event  bridge.Event
}

// passings are the last transient notices of a room.
type passings struct {
	last  uint64 // the latest one's number
	held  []passing
	bytes int
}

// pass holds a transient notice for those who are there.
func (r *room) pass(e bridge.Event, cost int, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.watchers) == 0 {
		return
	}
	p := &r.passings
	p.last++
	p.held = append(p.held, passing{p.last, r.fold.last, cost, now.Add(transientTime), e})
	for p.bytes += cost; len(p.held) > transientEntries || p.bytes > transientBytes; p.held = p.held[1:] {
		p.bytes -= p.held[0].cost
		p.held[0] = passing{}
	}
	r.notify()
}

// passed returns the transient notices after the one with that number which came before the
// log's entry next, and the number of the last of them.
func (r *room) passed(number uint64, next int64, now time.Time) (events []bridge.Event, last uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.passings.held {
		if p.number <= number {
			continue
		}
		if p.after >= next {
			break
		}
		number = p.number
		if now.Before(p.until) {
			events = append(events, p.event)
		}
	}
	return events, number
}

// deliverTransients delivers the transient notices that came before the log's entry next. A
// party does not get its own: a page that shows what others type would show its own user. A
// viewer that is beyond every event wants only its end.
func (v *viewer) deliverTransients(next int64, deliver func(bridge.Event) error) error {
	if v.position >= bridge.MaxInteger {
		return nil
	}
	events, last := v.room.passed(v.transient, next, v.server.cfg.Now())
	v.transient = last
	for _, e := range events {
		if e.From.UserID == v.userID {
			continue
		}
		if shown, sees := v.party.View(v.server.known(v.party, e)); sees {
			if err := deliver(shown); err != nil {
				return err
			}
		}
	}
	return nil
}
