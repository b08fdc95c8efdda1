package backend_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
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
	b.serve(nil, nil)
	require.Empty(t, b.conform(""))
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

func TestConform_StoreWithOwnIDsPasses(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	b.serve(func(p *backend.HandlerOptions) {
		p.Documents = &ownIDs{Store: p.Documents, newID: b.Store.NewID, ids: map[string]string{}}
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
	for _, fault := range chatFaults {
		run(fault.name, fault.held, func(o *backend.HandlerOptions) {
			broken := fault.make(b.Chat)
			broken.Server = b.Chat
			o.Chat = broken
		}, nil)
	}
	for _, fault := range storeFaults {
		run(fault.name, fault.held, func(o *backend.HandlerOptions) {
			broken := fault.make(o.Documents, b.Store.NewID)
			broken.Store = o.Documents
			o.Documents = broken
		}, nil)
	}
}
