// Package objects stores documents in JetStream, in the terms of Genesys UCS (Universal
// Contact Server): a document has an id of at most 16 characters, TheName, MimeType,
// Description and TheSize.
//
// A Store has one bucket a day, by the published layout of JetStream's object store, so
// that the standard NATS tools read every document. An upload's bytes are written
// straight into the object that becomes the document; until Add writes the object's meta
// message, the document does not exist.
//
//	s, err := objects.Open(ctx, engine, objects.Options{})
//	d := proxy.Document{ID: s.NewID(), Name: "a.pdf", Size: size}
//	w, err := s.Begin(ctx, d, 0)
//	err = w.Append(ctx, piece, func(durable int64, err error) { … })
//	d.SHA256 = w.Sum()
//	_, err = s.Add(ctx, d)
//	content, err := s.Open(ctx, d.ID)
package objects

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"

	"attache/proxy"
	"attache/proxy/engine"
)

// Options bound the store's memory.
type Options struct {
	// Prefix begins the names of the buckets; "" means "documents". Stores with different
	// prefixes share nothing, even on one engine.
	Prefix string
	// Budget is how many bytes all writers together may have in flight;
	// 0 means 32 MiB.
	Budget int64
	// Now is the clock that selects the day's bucket; nil means time.Now.
	Now func() time.Time
	// Log receives the store's repairs; nil drops them.
	Log *slog.Logger
}

// How many gets may be under way at once, because a server drops a connection with more
// than 64 MiB pending, and how many chunks may be prefetched.
const (
	maxGets       = 16
	maxPrefetches = 32
)

// Store holds documents in JetStream. Any number of goroutines may use it, and any number
// of processes may have a Store on the same engine.
type Store struct {
	engine     *engine.Engine
	prefix     string
	log        *slog.Logger
	now        func() time.Time
	budget     *semaphore.Weighted
	limit      int64 // of the budget
	gets       chan struct{}
	prefetches chan struct{}

	publish jetstream.JetStream // chunks have a connection of their own,
	reading jetstream.JetStream // and so have the bytes of downloads

	mu      sync.Mutex
	buckets map[string]*bucket
	recent  recent
}

var (
	_ proxy.Staging   = (*Store)(nil)
	_ proxy.Documents = (*Store)(nil)
	_ proxy.Links     = (*Store)(nil)
	_ proxy.Updater   = (*Store)(nil)
	_ proxy.Pieces    = (*reader)(nil)
)

// Open opens the store on a running engine, which outlives it.
func Open(ctx context.Context, e *engine.Engine, o Options) (*Store, error) {
	s := &Store{
		engine:     e,
		prefix:     cmp.Or(o.Prefix, "documents"),
		log:        cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		now:        o.Now,
		limit:      cmp.Or(o.Budget, 32<<20),
		buckets:    map[string]*bucket{},
		gets:       make(chan struct{}, maxGets),
		prefetches: make(chan struct{}, maxPrefetches),
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.budget = semaphore.NewWeighted(s.limit)
	if err := s.connect(); err != nil {
		return nil, fmt.Errorf("open the document store: %w", err)
	}
	return s, nil
}

func (s *Store) connect() (err error) {
	writing, err := s.engine.Connect("documents, writing")
	if err != nil {
		return err
	}
	reading, err := s.engine.Connect("documents, reading")
	if err != nil {
		return err
	}
	if s.publish, err = jetstream.New(writing, jetstream.WithPublishAsyncTimeout(answerTimeout)); err != nil {
		return err
	}
	s.reading, err = jetstream.New(reading)
	return err
}

// AdmitUpload fails with code storage-full when no new upload should begin.
func (s *Store) AdmitUpload() error { return s.engine.AdmitUpload() }
