package assembly

import (
	"cmp"
	"context"

	"attache/proxy"
	"attache/proxy/backend"
	"attache/proxy/chat"
	"attache/proxy/engine"
	"attache/proxy/limits"
)

// Backend is our own Chat Server and documents, served by the backend contract.
type Backend struct {
	Chat    *chat.Server
	Limits  *limits.Store // nil without Options.Limits
	Store   Store
	Options backend.HandlerOptions // of the handler
	Handler *backend.Handler
	closers
}

// OpenBackend builds a backend on an engine, which outlives it; it uses only Chat,
// Limits, KeepDays, Stores and Log of o. Open builds a proxy that uses it. After an error, everything
// opened
// before it is closed.
func OpenBackend(ctx context.Context, e *engine.Engine, o Options, b backend.HandlerOptions) (_ *Backend, err error) {
	o.KeepDays = cmp.Or(o.KeepDays, keepDays)
	all := &Backend{}
	defer func() {
		if err != nil {
			all.Close()
		}
	}()
	if err := o.openLimits(ctx, e, &all.Limits, &all.closers); err != nil {
		return nil, err
	}
	if all.Chat, err = openChat(ctx, e, o); err != nil {
		return nil, err
	}
	all.later(all.Chat.Close)
	store, closeStore, err := o.openStore(ctx, e, ownDocuments)
	if err != nil {
		return nil, err
	}
	all.later(closeStore)
	all.Store = store
	all.sweeping(store, o.KeepDays, nil, o.Log) // the uploads' records are elsewhere: age alone decides
	b.Chat, b.Documents, b.Links, b.Log = all.Chat, backend.NewStagedStore(all.Store, all.Store), all.Store, o.Log
	b.Updates = backend.NewStagedUpdates(all.Store, all.Store)
	if o.Responses != "" {
		o.Scanner = proxy.NoScanner{} // the proxies scan what leaves
		if b.Library, err = o.openLibrary(&all.closers, all.Store, all.Store, o.Scanner); err != nil {
			return nil, err
		}
	}
	all.Options = b
	if all.Handler, err = backend.NewHandler(b); err != nil {
		return nil, err
	}
	all.later(all.Handler.Close)
	return all, nil
}
