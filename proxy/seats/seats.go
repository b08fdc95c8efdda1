// Package seats lets proxies that share an engine know which of them holds a
// socket of a party, so that a party is taken out of its chat session when its
// last socket anywhere has gone, and not when it has come back elsewhere.
//
//	s, err := seats.Open(ctx, engine, seats.Options{Log: log})
//	defer s.Close()
//	proxy.New(proxy.Config{Seats: s, …})
//
// A seat is one message of a JetStream stream; its subject says everything:
// session, party and proxy. Each proxy writes a beat beside its seats. One whose
// beat has stopped is gone, and the others ask after the parties it has left
// behind. So does the next start of a proxy that was alone.
package seats

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"attache/proxy"
	"attache/proxy/engine"
)

const (
	streamName = "SEATS"
	seatPrefix = "seat."
	beatPrefix = "beat."
)

// Options of [Open].
type Options struct {
	// Beat is how often a proxy says that it lives; after three that did not
	// come it is gone. Default: 10 s.
	Beat time.Duration
	// Log gets what went wrong; nil drops it.
	Log *slog.Logger
}

// Seats is one proxy's view of them.
type Seats struct {
	engine *engine.Engine
	js     jetstream.JetStream
	stream jetstream.Stream
	id     string
	every  time.Duration
	log    *slog.Logger

	mu    sync.Mutex
	peers map[string]*peer
	lost  func(session, user string)

	stop context.CancelFunc
	done sync.WaitGroup
}

var _ proxy.Seats = (*Seats)(nil)

// Open opens the seats on a running engine, which outlives them.
func Open(ctx context.Context, e *engine.Engine, o Options) (*Seats, error) {
	if o.Beat == 0 {
		o.Beat = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Seats{engine: e, js: e.JetStream(), id: nuid.Next(), every: o.Beat, log: o.Log, peers: map[string]*peer{}}
	if err := s.open(ctx, e.Replicas()); err != nil {
		return nil, fmt.Errorf("open the seats: %w", err)
	}
	return s, nil
}

func (s *Seats) open(ctx context.Context, replicas int) (err error) {
	s.stream, err = s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName,
		Description:       "Attaché: which proxy holds a socket of which party",
		Subjects:          []string{seatPrefix + ">", beatPrefix + ">"},
		Storage:           jetstream.FileStorage,
		Replicas:          replicas,
		MaxMsgsPerSubject: 1,
	})
	if err != nil {
		return err
	}
	if err := s.beat(ctx); err != nil {
		return err
	}
	beating, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() { s.live(beating) })
	return nil
}

// Close ends the beat. Seats that are still taken are left to the others.
func (s *Seats) Close() {
	s.stop()
	s.done.Wait()
}

// OnLost names who is asked to look after a party whose proxy is gone. It is
// called once for each such seat and must not block.
func (s *Seats) OnLost(lost func(session, user string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = lost
}

// A page that comes back waits for its seat. What a node that died was asked is
// never answered, and taking a seat twice is taking it.
var taking = engine.RetryPolicy{Total: 5 * time.Second, PerTry: time.Second}

// Take says that this proxy holds a socket of the party.
func (s *Seats) Take(ctx context.Context, session, user string) error {
	err := s.engine.Retry(ctx, taking, func(ctx context.Context, _ bool) error {
		_, err := s.js.Publish(ctx, subject(session, user, s.id), nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("take a seat: %w", err)
	}
	return nil
}

// Free gives this proxy's seat up, and those that proxies which are gone have
// left, and tells whether a living one has a seat for the party.
func (s *Seats) Free(ctx context.Context, session, user string) (elsewhere bool, err error) {
	if err := s.purge(ctx, subject(session, user, s.id)); err != nil {
		return false, fmt.Errorf("give a seat up: %w", err)
	}
	taken, err := s.subjects(ctx, subject(session, user, "*"))
	if err != nil {
		return false, fmt.Errorf("look for other seats: %w", err)
	}
	for seat := range taken {
		if !s.gone(seat[strings.LastIndexByte(seat, '.')+1:]) {
			elsewhere = true
			continue
		}
		if err := s.purge(ctx, seat); err != nil {
			return false, fmt.Errorf("remove a lost seat: %w", err)
		}
	}
	return elsewhere, nil
}

func (s *Seats) purge(ctx context.Context, subject string) error {
	return s.stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
}

func (s *Seats) subjects(ctx context.Context, filter string) (map[string]uint64, error) {
	info, err := s.stream.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, err
	}
	return info.State.Subjects, nil
}

// subject names a seat. Ids may hold what a subject may not.
func subject(session, user, id string) string {
	return seatPrefix + hex.EncodeToString([]byte(session)) + "." + hex.EncodeToString([]byte(user)) + "." + id
}

// party reads a seat's subject.
func party(subject string) (session, user string, ok bool) {
	parts := strings.Split(strings.TrimPrefix(subject, seatPrefix), ".")
	if len(parts) != 3 {
		return "", "", false
	}
	first, err := hex.DecodeString(parts[0])
	if err != nil {
		return "", "", false
	}
	second, err := hex.DecodeString(parts[1])
	return string(first), string(second), err == nil
}
