package mail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy/engine"
)

// The stream holds the newest message of each subject. Messages expire a day after the sessions
// that they are about.
const (
	streamName    = "MAILS"
	itemPrefix    = "mail.item."   // and a session: it is to be sent; consumed as a queue
	recordPrefix  = "mail.record." // and a session: its mail's record
	dayPrefix     = "mail.day."    // and a day and an address's hash: the sessions whose mails go there
	cursorSubject = "mail.cursor"  // of the sessions' ends
	sinceSubject  = "mail.since"   // when mail was switched on
	consumerName  = "mail"
)

// errChanged reports that another proxy has changed a message meanwhile.
var errChanged = errors.New("the mail was changed by another proxy meanwhile")

// store is the stream.
type store struct {
	engine.Newest
	since time.Time // sessions that ended before get no mail
}

func openStore(ctx context.Context, e *engine.Engine, keep time.Duration, now time.Time) (*store, error) {
	stream, err := e.JetStream().CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName,
		Description:       "Attaché transcript mails, each its newest record",
		Subjects:          []string{"mail.>"},
		Storage:           jetstream.FileStorage,
		Replicas:          e.Replicas(),
		MaxMsgsPerSubject: 1,
		MaxAge:            keep,
		// A replica may lag, and a reader of an old record could never change it.
		AllowDirect: e.Replicas() == 1,
	})
	if err != nil {
		return nil, fmt.Errorf("open the mails: %w", err)
	}
	s := &store{Newest: engine.Newest{Engine: e, JS: e.JetStream(), Stream: stream}}
	if s.since, err = s.begin(ctx, now); err != nil {
		return nil, fmt.Errorf("open the mails: %w", err)
	}
	return s, nil
}

// begin returns when mail was switched on: now, unless it was before.
func (s *store) begin(ctx context.Context, now time.Time) (since time.Time, err error) {
	text, err := now.UTC().MarshalText()
	if err != nil {
		return now, err
	}
	_, err = s.Replace(ctx, sinceSubject, text, 0)
	if err == nil || !engine.Overtaken(err) {
		return now, err
	}
	m, err := s.Get(ctx, sinceSubject)
	if err != nil {
		return now, err
	}
	return since, since.UnmarshalText(m.Data)
}

// enqueue puts a session into the queue, unless it is or was in it.
func (s *store) enqueue(ctx context.Context, session string) error {
	_, err := s.Replace(ctx, itemPrefix+session, []byte("{}"), 0)
	if engine.Overtaken(err) {
		return nil
	}
	return err
}

// cursor is where the sessions' ends are followed from; empty is their beginning.
func (s *store) cursor(ctx context.Context) (string, error) {
	m, err := s.Get(ctx, cursorSubject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return string(m.Data), nil
}

// advance stores the cursor. Another proxy may have stored a later one: then some ends are
// followed again.
func (s *store) advance(ctx context.Context, cursor string) error {
	return s.Engine.Retry(ctx, engine.RetryPolicy{Total: 20 * time.Second, PerTry: 2 * time.Second}, func(ctx context.Context, _ bool) error {
		_, err := s.JS.Publish(ctx, cursorSubject, []byte(cursor))
		return err
	})
}

// record returns a session's record; ok is false if there is none yet.
func (s *store) record(ctx context.Context, session string) (r Record, ok bool, err error) {
	m, err := s.Get(ctx, recordPrefix+session)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read the mail's record: %w", err)
	}
	if err := json.Unmarshal(m.Data, &r); err != nil {
		return r, false, fmt.Errorf("parse the mail's record: %w", err)
	}
	r.Revision = m.Sequence
	return r, true, nil
}

// put writes a record, unless it has changed since it was read (errChanged).
func (s *store) put(ctx context.Context, r Record) (Record, error) {
	r.Changed = time.Now()
	data, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	r.Revision, err = s.Replace(ctx, recordPrefix+r.Session, data, r.Revision)
	if engine.Overtaken(err) {
		return r, errChanged
	}
	if err != nil {
		return r, fmt.Errorf("write the mail's record: %w", err)
	}
	return r, nil
}

// admit counts the session's mail to an address for that day, once, and reports whether it is
// one of the first limit.
func (s *store) admit(ctx context.Context, day time.Time, address, session string, limit int) (bool, error) {
	sum := sha256.Sum256([]byte(strings.ToLower(address)))
	subject := dayPrefix + day.UTC().Format(time.DateOnly) + "." + hex.EncodeToString(sum[:16])
	for {
		var sessions []string
		revision := uint64(0)
		m, err := s.Get(ctx, subject)
		switch {
		case err == nil:
			revision = m.Sequence
			if err := json.Unmarshal(m.Data, &sessions); err != nil {
				return false, fmt.Errorf("parse the mails of a day: %w", err)
			}
		case !errors.Is(err, jetstream.ErrMsgNotFound):
			return false, fmt.Errorf("read the mails of a day: %w", err)
		}
		if slices.Contains(sessions, session) {
			return true, nil
		}
		if len(sessions) >= limit {
			return false, nil
		}
		data, err := json.Marshal(append(sessions, session))
		if err != nil {
			return false, err
		}
		if _, err = s.Replace(ctx, subject, data, revision); err == nil || !engine.Overtaken(err) {
			return err == nil, err
		}
	}
}
