package backend_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
)

func randomKey() string {
	var k bridge.Key
	rand.Read(k[:])
	return k.String()
}

func TestConform_OwnBackendPasses(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	b.serve(func(o *backend.HandlerOptions) { o.Vouches = true }, nil)
	require.Empty(t, b.conform(""))
	shelved := b.of(t)
	shelved.serve(func(o *backend.HandlerOptions) { o.Library = b.library() }, nil)
	require.Empty(t, shelved.conform("response"))
	bounded := b.of(t)
	bounded.serve(func(o *backend.HandlerOptions) { o.MaxDocumentSize = proxy.MaxTheSize }, nil)
	require.Empty(t, bounded.conform("maxDocumentSize"))
}

// ownIDs is a store that assigns its own ids to documents, as UCS does.
type ownIDs struct {
	backend.Store
	newID func() string
	mu    sync.Mutex
	ids   map[string]string // by proposed id
}

func (o *ownIDs) id(proposed string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if id, ok := o.ids[proposed]; ok {
		return id
	}
	return proposed
}

func (o *ownIDs) Put(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
	o.mu.Lock()
	if o.ids[d.ID] == "" {
		o.ids[d.ID] = o.newID()
	}
	o.mu.Unlock()
	d.ID = o.id(d.ID)
	return o.Store.Put(ctx, d, content)
}

func (o *ownIDs) Open(ctx context.Context, id string) (proxy.Content, error) {
	return o.Store.Open(ctx, o.id(id))
}

func (o *ownIDs) Remove(ctx context.Context, id string) error { return o.Store.Remove(ctx, o.id(id)) }

// ownIDUpdates are the updates of such a store.
type ownIDUpdates struct {
	backend.Updates
	store *ownIDs
}

func (o ownIDUpdates) Update(ctx context.Context, d proxy.Document, content io.Reader) error {
	d.ID = o.store.id(d.ID)
	return o.Updates.Update(ctx, d, content)
}

// ownIDLinks are the links of such a store.
type ownIDLinks struct {
	proxy.Links
	store *ownIDs
}

func (o ownIDLinks) Link(ctx context.Context, id, to string) error {
	return o.Links.Link(ctx, o.store.id(id), to)
}

func (o ownIDLinks) Unlink(ctx context.Context, id, to string) error {
	return o.Links.Unlink(ctx, o.store.id(id), to)
}

func TestConform_StoreWithOwnIDsPasses(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	b.serve(func(p *backend.HandlerOptions) {
		store := &ownIDs{Store: p.Documents, newID: b.Store.NewID, ids: map[string]string{}}
		p.Documents, p.Links, p.Updates = store, ownIDLinks{p.Links, store}, ownIDUpdates{p.Updates, store}
	}, nil)
	require.Empty(t, b.conform("document"))
}

// A backend may look up the party of a stream only after it has begun to answer. So no case
// may act and expect that a stream which was just opened sees the effect.
func TestConform_PassesIfStreamsStartLate(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	late := &brokenChat{Server: b.Chat}
	late.events = func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
		<-time.After(200 * time.Millisecond)
		return b.Chat.Events(ctx, session, userID, position, deliver)
	}
	late.inform = func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error, inform func(bridge.SessionChanged) error) error {
		<-time.After(200 * time.Millisecond)
		return b.Chat.EventsAndInfo(ctx, session, userID, position, deliver, inform)
	}
	b.serve(func(o *backend.HandlerOptions) { o.Chat = late }, nil)
	require.Empty(t, b.conform(""))
}

// onlyChat hides a Chat Server's other interfaces.
type onlyChat struct{ proxy.ChatServer }

func TestConform_SkipsAllowancesIfTheyAreMissing(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	b.serve(func(p *backend.HandlerOptions) { p.Chat = onlyChat{b.Chat} }, nil)
	skipped := 0
	require.NoError(t, backend.Conform(t.Context(), b.options(), "reserv", func(v backend.CaseResult) {
		require.True(t, v.Skipped, v.Case)
		skipped++
	}))
	require.Positive(t, skipped)
}

func TestConform_FindsEveryFault(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	run := func(name, held string, change func(*backend.HandlerOptions), wrap func(http.Handler) http.Handler) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := b.of(t)
			b.serve(change, wrap)
			broken := b.conform(held)
			require.NotEmpty(t, broken)
			for one, err := range broken {
				t.Log(one, "—", err)
			}
		})
	}
	for _, fault := range wireFaults {
		run(fault.name, fault.held, nil, fault.wrap)
	}
	for _, fault := range slices.Concat(chatFaults, partyFaults) {
		run(fault.name, fault.held, func(o *backend.HandlerOptions) {
			broken := fault.make(b.Chat)
			broken.Server = b.Chat
			o.Chat, o.Vouches = broken, true
		}, nil)
	}
	for _, fault := range linkFaults {
		run(fault.name, fault.held, func(o *backend.HandlerOptions) {
			broken := fault.make(b.Store, b.Store)
			broken.Links = b.Store
			o.Links = broken
		}, nil)
	}
	for _, fault := range updateFaults {
		run(fault.name, fault.held, func(o *backend.HandlerOptions) { o.Updates = fault.make(o.Updates) }, nil)
	}
	for _, fault := range libraryFaults {
		run(fault.name, fault.held, func(o *backend.HandlerOptions) { o.Library = fault.make(b.library()) }, nil)
	}
	run("leaves a document that is linked", "removing a document removes it with all its links", func(o *backend.HandlerOptions) {
		o.Documents = &brokenStore{Store: o.Documents, remove: func(ctx context.Context, id string) error { return b.Store.Unlink(ctx, id, "any") }}
	}, nil)
	run("receives what is too large", "larger than maxDocumentSize", func(o *backend.HandlerOptions) {
		o.MaxDocumentSize = 1000
	}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/documents/") {
				io.Copy(io.Discard, r.Body)
			}
			next.ServeHTTP(w, r)
		})
	})
	for _, fault := range storeFaults {
		run(fault.name, fault.held, func(o *backend.HandlerOptions) {
			broken := fault.make(o.Documents, b.Store.NewID)
			broken.Store = o.Documents
			o.Documents = broken
		}, nil)
	}
}
