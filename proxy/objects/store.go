// Package ucs keeps documents, by the terms of Genesys UCS (Universal Contact
// Server): a document has an id of at most 16 characters, TheName, MimeType,
// Description and TheSize.
//
// A Store keeps them in JetStream, one bucket a day, by the published layout of
// its object store, so that the standard NATS tools read every document. An
// upload's bytes are written straight into the object that the document will
// be; until Add writes the object's meta message, the document does not exist.
//
//	w, err := store.Begin(ctx, store.NewID())
//	err = w.Append(ctx, piece, func(stored int64, err error) { … })
//	_, err = store.Add(ctx, proxy.Document{ID: id, Name: "a.pdf", Size: w.Offset(), SHA256: w.Sum()})
//	content, err := store.Open(ctx, id)
package objects

import (
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

// Options bound what the store takes.
type Options struct {
	// Budget is how many bytes all writers together may have in flight;
	// 0 means 32 MiB.
	Budget int64
	// Now tells the day, for the buckets; nil means time.Now.
	Now func() time.Time
	// Log receives what the store repairs; nil drops it.
	Log *slog.Logger
}

// How many gets may be under way at once, since a server drops a connection
// that more than 64 MiB wait for, and how many chunks may be held ahead of
// their readers.
const (
	maxGets   = 16
	maxAheads = 32
)

// Store keeps documents in JetStream. It is for any number of goroutines, and
// any number of processes may have a Store on the same engine.
type Store struct {
	engine *engine.Engine
	log    *slog.Logger
	now    func() time.Time
	budget *semaphore.Weighted
	limit  int64 // of the budget
	gets   chan struct{}
	aheads chan struct{}

	publish jetstream.JetStream // chunks go over a connection of their own,
	reading jetstream.JetStream // and so do the bytes of downloads

	mu      sync.Mutex
	buckets map[string]*bucket
	recent  recent
}

var (
	_ proxy.Staging   = (*Store)(nil)
	_ proxy.Documents = (*Store)(nil)
	_ proxy.Pieces    = (*reader)(nil)
)

// New opens the store on a running engine, which outlives it.
func New(ctx context.Context, e *engine.Engine, o Options) (*Store, error) {
	s := &Store{
		engine:  e,
		log:     o.Log,
		now:     o.Now,
		limit:   o.Budget,
		buckets: map[string]*bucket{},
		gets:    make(chan struct{}, maxGets),
		aheads:  make(chan struct{}, maxAheads),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.limit == 0 {
		s.limit = 32 << 20
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
	if s.publish, err = jetstream.New(writing, jetstream.WithPublishAsyncTimeout(patience)); err != nil {
		return err
	}
	s.reading, err = jetstream.New(reading)
	return err
}

// AdmitUpload fails with code storage-full when no new upload should begin.
func (s *Store) AdmitUpload() error { return s.engine.AdmitUpload() }
