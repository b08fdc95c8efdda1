package assembly

import (
	"cmp"
	"context"

	"attache/proxy/backend"
	"attache/proxy/chat"
	"attache/proxy/engine"
	"attache/proxy/objects"
)

// Backend is our own Chat Server and documents, served by the backend contract.
type Backend struct {
	Chat    *chat.Server
	Store   *objects.Store
	Options backend.HandlerOptions // of the handler
	Handler *backend.Handler
	closers
}

// OpenBackend builds a backend on an engine, which outlives it; it uses only Chat,
// KeepDays and Log of o. Open builds a proxy that uses it. After an error, everything
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
	if all.Chat, err = openChat(ctx, e, o); err != nil {
		return nil, err
	}
	all.later(all.Chat.Close)
	running, stop := context.WithCancel(context.Background())
	all.later(stop)
	if all.Store, err = openStore(ctx, running, e, objects.Options{Log: o.Log}, o.KeepDays); err != nil {
		return nil, err
	}
	b.Chat, b.Documents, b.Log = all.Chat, backend.NewStagedStore(all.Store, all.Store), o.Log
	all.Options = b
	if all.Handler, err = backend.NewHandler(b); err != nil {
		return nil, err
	}
	all.later(all.Handler.Close)
	return all, nil
}
