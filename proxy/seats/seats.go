// Package seats records at which of the proxies on an engine which party is, so that a party
// leaves its chat session when its last socket anywhere has closed, or it has made no request
// anywhere for some time, and not when it has gone to another proxy.
//
//	s, err := seats.Open(ctx, engine, seats.Options{Log: log})
//	defer s.Close()
//	proxy.New(proxy.Config{Seats: s, …})
//
// A seat is one message of a JetStream stream; its subject has session, party and proxy, and
// its body how long the party may be away. Each proxy also writes a heartbeat. A proxy whose heartbeat has stopped
// is gone, and the others check the parties of its seats. The next start of a single proxy
// does the same.
package seats

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"attache/proxy"
	"attache/proxy/engine"
)

// Stream is the name of the stream of seats and heartbeats.
const Stream = streamName

const (
	streamName  = "SEATS"
	seatPrefix  = "seat."
	beatPrefix  = "beat."
	claimPrefix = "claim."
)

// Options of [Open].
type Options struct {
	// Beat is the interval of a proxy's heartbeat; after three missed ones it is gone.
	// Default: 10 s.
	Beat time.Duration
	// Log receives failures; nil drops them.
	Log *slog.Logger
}

// Seats is one proxy's view of the seats.
type Seats struct {
	engine   *engine.Engine
	js       jetstream.JetStream
	stream   jetstream.Stream
	id       string
	interval time.Duration
	log      *slog.Logger

	mu    sync.Mutex
	peers map[string]*peer
	lost  func(session, user string, away time.Duration)

	stop context.CancelFunc
	done sync.WaitGroup
}

var _ proxy.Seats = (*Seats)(nil)

// Open opens the seats on a running engine, which outlives them.
func Open(ctx context.Context, e *engine.Engine, o Options) (*Seats, error) {
	s := &Seats{
		engine: e, js: e.JetStream(), id: nuid.Next(), peers: map[string]*peer{},
		interval: cmp.Or(o.Beat, 10*time.Second), log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
	}
	if err := s.open(ctx, e.Replicas()); err != nil {
		return nil, fmt.Errorf("open the seats: %w", err)
	}
	return s, nil
}

func (s *Seats) open(ctx context.Context, replicas int) (err error) {
	s.stream, err = s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName,
		Description:       "Attaché: which party is at which proxy",
		Subjects:          []string{seatPrefix + ">", beatPrefix + ">", claimPrefix + ">"},
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
	s.done.Go(func() { s.run(beating) })
	return nil
}

// Close ends the heartbeat. The other proxies inherit the remaining seats.
func (s *Seats) Close() {
	s.stop()
	s.done.Wait()
}

// OnLost sets the function that is called once for each seat of a proxy that is gone. It
// must not block.
func (s *Seats) OnLost(lost func(session, user string, away time.Duration)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = lost
}

// A page that reconnects waits for its seat. A node that has died does not answer, and
// taking a seat twice is the same as once.
var takeRetry = engine.RetryPolicy{Total: 5 * time.Second, PerTry: time.Second}

// Take records that the party is at this proxy.
func (s *Seats) Take(ctx context.Context, session, user string, away time.Duration) error {
	var body []byte
	if away > 0 {
		body = strconv.AppendInt(nil, away.Milliseconds(), 10)
	}
	err := s.engine.Retry(ctx, takeRetry, func(ctx context.Context, _ bool) error {
		_, err := s.js.Publish(ctx, subject(session, user, s.id), body)
		return err
	})
	if err != nil {
		return fmt.Errorf("take a seat: %w", err)
	}
	return nil
}

// Free removes this proxy's seat, and those of proxies that are gone. It reports whether
// a live proxy has a seat for the party.
func (s *Seats) Free(ctx context.Context, session, user string) (elsewhere bool, err error) {
	if err := s.purge(ctx, subject(session, user, s.id)); err != nil {
		return false, fmt.Errorf("free a seat: %w", err)
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
	if elsewhere {
		return true, nil
	}
	if err := s.purge(ctx, claims(session, user)); err != nil {
		return false, fmt.Errorf("remove what a party was sent: %w", err)
	}
	return false, nil
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

// subject is a seat's subject. Ids may have characters that a subject may not.
func subject(session, user, id string) string {
	return seatPrefix + hex.EncodeToString([]byte(session)) + "." + hex.EncodeToString([]byte(user)) + "." + id
}

// party parses a seat's subject.
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
