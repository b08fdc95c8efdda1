package assembly

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/files"
	"attache/proxy/objects"
)

// Store holds content: uploads until they are documents, and documents.
type Store interface {
	proxy.Staging
	proxy.Documents
	proxy.Links
	proxy.Updater
	// Sweep deletes what is older than that many days and not linked, and returns the days or
	// buckets that are gone.
	Sweep(ctx context.Context, days int, linked proxy.Linked) ([]string, error)
}

// The names of stores.
const (
	ownDocuments  = "documents"
	stagedUploads = "staged" // of a proxy whose documents are elsewhere
)

// openStore opens the store of that name, or takes the one that another proxy on this engine has
// open.
func (o Options) openStore(ctx context.Context, e *engine.Engine, name string) (Store, func(), error) {
	if o.Stores == nil {
		return OpenStore(ctx, e, name, o.Log)
	}
	store, err := o.Stores(name)
	return store, func() {}, err
}

// OpenStore opens the store of that name: plain files beside the embedded engine's, and objects
// in a cluster.
func OpenStore(ctx context.Context, e *engine.Engine, name string, log *slog.Logger) (_ Store, closeStore func(), err error) {
	if dir := e.Dir(); dir != "" {
		store, err := files.Open(files.Options{Dir: filepath.Join(dir, name), Volume: e.Volume(), Log: log})
		if err != nil {
			return nil, nil, err
		}
		if err := moveEarlier(ctx, e, name, store, log); err != nil {
			store.Close()
			return nil, nil, err
		}
		reopen := func(dir *os.Root) error { return store.Reopen(dir, e.Volume()) }
		detach, err := e.Attach(engine.Content{Dir: filepath.Join(dir, name), Bytes: store.Bytes, Reopen: reopen})
		if err != nil {
			store.Close()
			return nil, nil, err
		}
		return store, func() { detach(); store.Close() }, nil
	}
	store, err := objects.Open(ctx, e, objects.Options{Prefix: name, Budget: uploadMemory / 2, Log: log})
	if err != nil {
		return nil, nil, fmt.Errorf("open the documents: %w", err)
	}
	return store, func() {}, nil
}
