package storetest

import (
	"context"
	"time"

	"attache/proxy"
)

// Store is the part of a store that the suite calls.
type Store interface {
	proxy.Staging
	proxy.Documents
	proxy.Links
	proxy.Updater
	// Sweep deletes everything whose id was made more than days days ago, and returns what
	// it deleted, an entry for each day that is gone. days is at least 1. What is linked stays;
	// whether the rest of its day does is the store's choice.
	Sweep(ctx context.Context, days int, linked proxy.Linked) ([]string, error)
}

// Options are how a case needs the store.
type Options struct {
	Now      func() time.Time // the clock; nil: time.Now
	Budget   int64            // of [Target.Buffers]; 0: the store's default
	MaxStore int64            // bytes that all content may have; 0: no limit of the case's
}

// Process is one process that has the store open.
type Process struct {
	Store
	// End closes the store as the end of its process does. A second call does nothing.
	End func()
	// Beside opens the store for another process that runs at the same time, and ends with
	// this one; nil if only one process may have the store.
	Beside func(Options) (Store, error)
	// OpenFiles returns how many files of the store's content are open, and how many may
	// be; nil if the store opens no files.
	OpenFiles func() (open, most int)
}

// Target is a store under test.
type Target struct {
	// Open opens the store in dir, a directory that may have the content of a process that
	// has ended.
	Open func(ctx context.Context, dir string, o Options) (Process, error)
	// Remote says that the content is in other processes, not in dir: no case fills the disk or
	// kills a process with the store.
	Remote bool
	// Buffers says that appended bytes wait in memory until they are durable, and that
	// Options.Budget bounds them.
	Buffers bool
}
