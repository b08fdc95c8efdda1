package proxy_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"

	"github.com/stretchr/testify/require"
)

// unmade are records that are never created.
type unmade struct{ proxy.Records }

func (unmade) Create(context.Context, proxy.Record) (proxy.Record, error) {
	return proxy.Record{}, errors.New("no disk")
}

// However an upload ends, each writer that was begun for it is closed once: see newSlowStore.
func TestEachWriterIsClosedOnce(t *testing.T) {
	t.Parallel()
	type side struct {
		*world
		store *slowStore
		p, d  *page
	}
	for name, test := range map[string]struct {
		set  func(*proxy.Config)
		play func(s side)
		open int // writers that are left to the proxy's Close
	}{
		"it is announced": {nil, func(s side) { s.upload(s.p, s.d, "a.bin", random(300_000)) }, 0},
		"it is empty":     {nil, func(s side) { s.upload(s.p, s.d, "a.bin", nil) }, 0},
		"its digest is another": {nil, func(s side) {
			key := newKey()
			s.p.offer(&bridge.Offer{Key: key, Name: "a.bin", Size: 10, Digest: sum(nil)})
			s.d.frame(key, 0, random(10))
			await(s.p, func(m *bridge.Upload) bool { return m.State == bridge.Failed })
		}, 0},
		"a frame is too long": {nil, func(s side) {
			key := newKey()
			s.p.offer(&bridge.Offer{Key: key, Name: "a.bin", Size: 10})
			s.d.frame(key, 0, random(11))
			require.Equal(s.t, bridge.CodeFrameLength, s.d.refused())
		}, 0},
		"it is cancelled": {nil, func(s side) {
			offer, _ := s.begun(s.p, s.d)
			s.p.send(&bridge.Cancel{Key: offer.Key})
			await(s.p, func(m *bridge.Upload) bool { return m.State == bridge.Cancelled })
		}, 0},
		"it is left as it is": {nil, func(s side) { s.begun(s.p, s.d) }, 1},
		"it is offered again and again": {nil, func(s side) {
			offer, content := s.begun(s.p, s.d)
			for range 3 {
				s.p.offer(offer)
			}
			s.finishes(s.p, s.d, offer.Key, content)
		}, 0},
		"another proxy continues it": {nil, func(s side) {
			offer, content := s.begun(s.p, s.d)
			twin := s.another()
			p, _ := twin.join(s.agent)
			p.offer(offer)
			s.d.frame(offer.Key, pieceLength, content[pieceLength:])
			require.Equal(s.t, bridge.CodeSuperseded, s.d.refused())
			p.offer(offer)
			twin.finishes(p, twin.data(s.agent), offer.Key, content)
		}, 0},
		"the store fails": {nil, func(s side) {
			offer, content := s.begun(s.p, s.d)
			s.store.failWith(errors.New("no disk"))
			s.d.frame(offer.Key, pieceLength, content[pieceLength:])
			require.Equal(s.t, bridge.CodeStorageUnavailable, s.d.refused())
			s.store.failWith(nil)
			s.p.offer(offer)
			s.finishes(s.p, s.d, offer.Key, content)
		}, 0},
		"its record is not made": {func(c *proxy.Config) { c.Records = unmade{c.Records} }, func(s side) {
			s.p.send(&bridge.Offer{Key: newKey(), Name: "a.bin", Size: 10})
			require.Equal(s.t, bridge.CodeStorageUnavailable, s.p.refused())
		}, 0},
		"it is offered on many connections at once": {nil, func(s side) {
			d, key := s.door("dora", bridge.Agent), newKey()
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					if _, err := d.offer(key, "a.bin", 10); err != nil {
						s.t.Error(err)
					}
				})
			}
			all.Wait()
			_, err := d.transfers.Cancel(s.t.Context(), d.who, key)
			require.NoError(s.t, err)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newSlowStore(t)
			set := []func(*proxy.Config){store.wrap}
			if test.set != nil {
				set = append(set, test.set)
			}
			w := newWorld(t, set...)
			p, _ := w.join(w.agent)
			test.play(side{w, store, p, w.data(w.agent)})
			require.Eventually(t, func() bool { return store.open() == test.open }, wait, time.Millisecond)
			require.NotEmpty(t, store.writers)
		})
	}
}
