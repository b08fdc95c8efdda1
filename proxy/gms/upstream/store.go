package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/engine"
)

// The stream of everything that is known of chats, with the newest message of each subject.
const (
	streamName = "GMS"
	prefix     = "gms."

	chatPrefix     = prefix + "chat."     // SESSION: the sealed identity
	pollPrefix     = prefix + "poll."     // SESSION: the work item of polling
	eventPrefix    = prefix + "event."    // SESSION.INDEX
	intentPrefix   = prefix + "intent."   // SESSION.KEY: a request whose outcome is not known yet
	donePrefix     = prefix + "done."     // SESSION.KEY: the index of its event
	documentPrefix = prefix + "document." // ID
)

// livePrefix is of no stream's subjects: typing is passed on, and not stored.
const livePrefix = "gmslive."

type store struct{ engine.Newest }

func openStore(ctx context.Context, e *engine.Engine, keep time.Duration) (s store, err error) {
	s.Newest = engine.Newest{Engine: e, JS: e.JetStream()}
	s.Stream, err = s.JS.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName,
		Description:       "Attaché: chats that are relayed through GMS",
		Subjects:          []string{prefix + ">"},
		Storage:           jetstream.FileStorage,
		Replicas:          e.Replicas(),
		MaxMsgsPerSubject: 1,
		MaxAge:            keep,
		AllowDirect:       e.Replicas() == 1, // a replica may lag, and would deny what was done
	})
	return s, err
}

// read decodes the message of a subject into v. Without one, the revision is 0.
func (s store) read(ctx context.Context, subject string, v any) (revision uint64, err error) {
	m, err := s.message(ctx, subject)
	if m == nil || err != nil {
		return 0, err
	}
	if err := json.Unmarshal(m.Data, v); err != nil {
		return 0, fmt.Errorf("decode %s: %w", subject, err)
	}
	return m.Sequence, nil
}

// message returns the message of a subject; nil if there is none.
func (s store) message(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	m, err := s.Get(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return m, nil
}

// write replaces the message of a subject at revision, or fails with errOvertaken.
func (s store) write(ctx context.Context, subject string, v any, revision uint64) (uint64, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	return s.writeBytes(ctx, subject, body, revision)
}

func (s store) writeBytes(ctx context.Context, subject string, body []byte, revision uint64) (uint64, error) {
	written, err := s.Replace(ctx, subject, body, revision)
	switch {
	case engine.Overtaken(err):
		return 0, errOvertaken
	case err != nil:
		return 0, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return written, nil
}

var errOvertaken = errors.New("another proxy was faster")

// remove removes the message of a subject, unless it was replaced.
func (s store) remove(ctx context.Context, revision uint64) error {
	err := s.Stream.DeleteMsg(ctx, revision)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	return err
}

// subjects lists the subjects that match the filter.
func (s store) subjects(ctx context.Context, filter string) ([]string, error) {
	info, err := s.Stream.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	var all []string
	for subject := range info.State.Subjects {
		all = append(all, subject)
	}
	return all, nil
}

// lastEvent returns the id of the newest event of a session.
func (s store) lastEvent(ctx context.Context, session string) (int64, error) {
	m, err := s.message(ctx, eventPrefix+session+".*")
	if m == nil || err != nil {
		return 0, err
	}
	return indexOf(m.Subject), nil
}

func indexOf(subject string) int64 {
	n, _ := strconv.ParseInt(subject[strings.LastIndexByte(subject, '.')+1:], 10, 64)
	return n
}

func eventSubject(session string, index int64) string {
	return eventPrefix + session + "." + strconv.FormatInt(index, 10)
}

// event returns the event with that index; nil if there is none.
func (s store) event(ctx context.Context, session string, index int64) (*bridge.Event, error) {
	m, err := s.message(ctx, eventSubject(session, index))
	if m == nil || err != nil {
		return nil, err
	}
	e, err := bridge.ParseEvent(m.Data)
	return &e, err
}

// cursor reads a session's events in order.
type cursor struct {
	store   store
	session string
	next    uint64 // sequence
}

// cursor begins after the event with that id, or before the first one after it.
func (s store) cursor(ctx context.Context, session string, after int64) (*cursor, error) {
	c := &cursor{store: s, session: session, next: 1}
	if after <= 0 {
		return c, nil
	}
	m, err := s.message(ctx, eventSubject(session, after))
	if m != nil {
		c.next = m.Sequence + 1
	}
	return c, err
}

// read returns the next event; nil if there is none yet.
func (c *cursor) read(ctx context.Context) (*bridge.Event, error) {
	var m *jetstream.RawStreamMsg
	err := c.store.Engine.Retry(ctx, cursorRetry, func(ctx context.Context, _ bool) (err error) {
		m, err = c.store.Stream.GetMsg(ctx, c.next, jetstream.WithGetMsgSubject(eventPrefix+c.session+".*"))
		return err
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	c.next = m.Sequence + 1
	e, err := bridge.ParseEvent(m.Data)
	return &e, err
}

var cursorRetry = engine.RetryPolicy{Total: 20 * time.Second, PerTry: 2 * time.Second}

// walk calls each for every stored event after that id.
func (s store) walk(ctx context.Context, session string, after int64, each func(bridge.Event) error) error {
	c, err := s.cursor(ctx, session, after)
	if err != nil {
		return err
	}
	for {
		e, err := c.read(ctx)
		if e == nil || err != nil {
			return err
		}
		if e.ID <= after {
			continue
		}
		if err := each(*e); err != nil {
			return err
		}
	}
}
