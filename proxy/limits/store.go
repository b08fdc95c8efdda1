package limits

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/engine"
)

// The document of the process that has the Chat Server, and that of proxies whose Chat
// Server is a backend's: both may use one engine, and have other flags.
const (
	ownStream, ownSubject       = "LIMITS", "limits.current"
	besideStream, besideSubject = "PROXY_LIMITS", "limits.proxy"
)

// retry bounds a read or a write of the document.
var retry = engine.RetryPolicy{Total: 20 * time.Second, PerTry: 2 * time.Second}

// ErrChanged reports that the document has another revision than the expected one.
var ErrChanged = errors.New("the limits were changed meanwhile")

// StoreOptions are the options of [Open].
type StoreOptions struct {
	// Base is what this process starts with.
	Base Settings
	// Backend says that the customers' limits are a backend's, so the document is another one.
	Backend bool
	// Log receives changes, and failures that no call returns; nil drops them.
	Log *slog.Logger
}

// Document is the options in force, and how they came to be.
type Document struct {
	Settings Settings
	Revision uint64
	By       string    // who changed it last, as far as it is known
	At       time.Time // when

	base Settings
}

// stored is a document as the engine has it. Later releases read it, so a member may be
// added, never changed. An option that one of them adds is not in it.
type stored struct {
	Settings json.RawMessage `json:"settings"`
	Base     json.RawMessage `json:"base"`
	By       string          `json:"by,omitempty"`
	At       int64           `json:"at"` // milliseconds since 1970
}

// Store is one process's end of the document.
type Store struct {
	engine  *engine.Engine
	stream  jetstream.Stream
	subject string
	log     *slog.Logger

	mu       sync.Mutex
	current  Document
	watchers map[*func()]struct{}

	stop context.CancelFunc
	done sync.WaitGroup
}

// Open opens the document on a running engine, which outlives the store, applies the base,
// and follows the document until Close.
func Open(ctx context.Context, e *engine.Engine, o StoreOptions) (*Store, error) {
	s := &Store{engine: e, subject: ownSubject, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), watchers: map[*func()]struct{}{}}
	name := ownStream
	if o.Backend {
		name, s.subject = besideStream, besideSubject
	}
	if err := s.open(ctx, name, o.Base); err != nil {
		return nil, fmt.Errorf("open the limits: %w", err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, name string, base Settings) (err error) {
	s.stream, err = s.engine.JetStream().CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              name,
		Description:       "Attaché limits of files, and their last changes",
		Subjects:          []string{s.subject},
		Storage:           jetstream.FileStorage,
		Replicas:          s.engine.Replicas(),
		MaxMsgsPerSubject: 1,
	})
	if err != nil {
		return err
	}
	if err := s.Rebase(ctx, base, "the settings at the start"); err != nil {
		return err
	}
	following, stop := context.WithCancel(context.Background())
	s.stop = stop
	next := s.Current().Revision + 1
	s.done.Go(func() {
		engine.Follow(following, s.engine.JetStream(), name, s.subject, next, s.log, func(about *jetstream.MsgMetadata, m jetstream.Msg) {
			s.follow(about.Sequence.Stream, m.Data())
		})
	})
	return nil
}

// Close stops following the document.
func (s *Store) Close() {
	s.stop()
	s.done.Wait()
}

// Current returns the document as this process last read it.
func (s *Store) Current() Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// Limits returns the limits in force.
func (s *Store) Limits() (customers, agents bridge.Limits) {
	d := s.Current().Settings
	return d.Customers(), d.Agents()
}

// Watch calls changed, which must not block, after every change until stop is called.
func (s *Store) Watch(changed func()) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[&changed] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, &changed)
	}
}

// Read returns the document from the engine.
func (s *Store) Read(ctx context.Context) (d Document, err error) {
	err = s.engine.Retry(ctx, retry, func(ctx context.Context, _ bool) error {
		m, err := s.stream.GetLastMsgForSubject(ctx, s.subject)
		if err != nil {
			return err
		}
		d, err = parse(m.Sequence, m.Data)
		return err
	})
	if err != nil {
		return d, fmt.Errorf("read the limits: %w", err)
	}
	s.take(d)
	return d, nil
}

// Change replaces the options if the document still has that revision, and otherwise fails
// with [ErrChanged]. Every process on the engine follows; this one has the change at once.
func (s *Store) Change(ctx context.Context, revision uint64, settings Settings, by string) (Document, error) {
	d, err := s.Read(ctx)
	if err != nil {
		return d, err
	}
	if d.Revision != revision {
		return d, ErrChanged
	}
	return s.write(ctx, Document{Settings: settings, Revision: revision, By: by, At: time.Now(), base: d.base})
}

// Rebase applies what this process starts with: the options that differ from the base that
// was applied last.
func (s *Store) Rebase(ctx context.Context, base Settings, by string) error {
	for {
		d, err := s.Read(ctx)
		var settings Settings
		var options []Option
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			settings = base
		case err != nil:
			return err
		default:
			if settings, options = d.Settings.rebase(d.base, base); len(options) == 0 {
				s.warn(base, d)
				return nil
			}
		}
		_, err = s.write(ctx, Document{Settings: settings, Revision: d.Revision, By: by, At: time.Now(), base: base})
		if errors.Is(err, ErrChanged) {
			continue // another process was faster
		}
		for _, o := range options {
			s.log.Info("limit changed", "option", o.Name, "from", o.Value(d.Settings), "to", o.Value(settings), "by", by)
		}
		return err
	}
}

// warn logs the options whose value is not the one that this process starts with.
func (s *Store) warn(base Settings, d Document) {
	for _, o := range d.Settings.Changed(base) {
		s.log.Info("a limit differs from its flag, because it was changed while the proxy ran", "option", o.Name,
			"flag", o.Value(base), "in force", o.Value(d.Settings), "by", d.By, "at", d.At,
			"hint", "to return to the flag: attache limits set "+o.Name+"="+fmt.Sprint(o.Value(base)))
	}
}

// write replaces the document at its revision.
func (s *Store) write(ctx context.Context, d Document) (Document, error) {
	d.Settings, d.base = d.Settings.canonical(), d.base.canonical()
	data, err := d.encode()
	if err != nil {
		return d, err
	}
	err = s.engine.Retry(ctx, retry, func(ctx context.Context, retried bool) error {
		ack, err := s.engine.JetStream().PublishMsg(ctx, &nats.Msg{Subject: s.subject, Data: data},
			jetstream.WithExpectLastSequencePerSubject(d.Revision), jetstream.WithRetryAttempts(0))
		if err == nil {
			d.Revision = ack.Sequence
			return nil
		}
		if !engine.Overtaken(err) {
			return err
		}
		if !retried {
			return ErrChanged
		}
		// The answer to an earlier try may have been lost.
		m, readErr := s.stream.GetLastMsgForSubject(ctx, s.subject)
		switch {
		case readErr != nil:
			return readErr
		case !bytes.Equal(m.Data, data):
			return ErrChanged
		}
		d.Revision = m.Sequence
		return nil
	})
	if errors.Is(err, ErrChanged) {
		return d, ErrChanged
	}
	if err != nil {
		return d, fmt.Errorf("write the limits: %w", err)
	}
	s.take(d)
	return d, nil
}

// follow takes a document that another process may have written.
func (s *Store) follow(revision uint64, data []byte) {
	d, err := parse(revision, data)
	if err != nil {
		s.log.Error("the limits that another process has stored cannot be read, the earlier ones stay in force", "error", err)
		return
	}
	s.take(d)
}

// take makes a document the current one, unless it is older, and calls the watchers.
func (s *Store) take(d Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Revision <= s.current.Revision {
		return
	}
	s.current = d
	for changed := range s.watchers {
		(*changed)()
	}
}

func (d Document) encode() ([]byte, error) {
	settings, err := json.Marshal(d.Settings)
	if err != nil {
		return nil, err
	}
	base, err := json.Marshal(d.base)
	if err != nil {
		return nil, err
	}
	return json.Marshal(stored{settings, base, d.By, d.At.UnixMilli()})
}

// parse reads a stored document. Options of a later release are ignored.
func parse(revision uint64, data []byte) (Document, error) {
	var in stored
	if err := json.Unmarshal(data, &in); err != nil {
		return Document{}, fmt.Errorf("parse the limits: %w", err)
	}
	d := Document{Settings: Standard(), base: Standard(), Revision: revision, By: in.By, At: time.UnixMilli(in.At)}
	for _, part := range []struct {
		to   *Settings
		from json.RawMessage
	}{{&d.Settings, in.Settings}, {&d.base, in.Base}} {
		if err := part.to.read(part.from); err != nil {
			return Document{}, err
		}
	}
	return d, nil
}

// read is decode for what was checked before it was stored.
func (s *Settings) read(in []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(in, &members); err != nil {
		return fmt.Errorf("parse the limits: %w", err)
	}
	for _, o := range Options {
		if value, ok := members[o.Name]; ok {
			if err := json.Unmarshal(value, o.value(s)); err != nil {
				return fmt.Errorf("parse the limit %s: %w", o.Name, err)
			}
		}
	}
	return nil
}
