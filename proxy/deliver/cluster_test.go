package deliver_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
	"attache/proxy/engine"
	"attache/proxy/engine/enginetest"
)

// TestClusterDeliversThroughAFailover shares uploads between two proxies while the node that
// leads their stream shuts down.
func TestClusterDeliversThroughAFailover(t *testing.T) {
	t.Parallel()
	c := enginetest.Start(t)
	w := newWorldOn(t, engine.Options{URL: c.URL()})
	require.Equal(t, 3, w.engine.Replicas())
	w.chat.once = true
	second, err := engine.Start(t.Context(), engine.Options{URL: c.URL()})
	require.NoError(t, err)
	t.Cleanup(second.Close)
	other, err := deliver.OpenRecords(t.Context(), second, deliver.RecordsOptions{})
	require.NoError(t, err)
	t.Cleanup(other.Close)

	t.Run("one reads and changes the other's records", func(t *testing.T) {
		r := w.offered()
		for range 20 {
			read, err := other.Get(t.Context(), r.Session, r.Key)
			require.NoError(t, err)
			require.Equal(t, r.Revision, read.Revision)
			_, err = w.records.Create(t.Context(), r)
			require.ErrorIs(t, err, proxy.ErrRecordExists)
			r, err = other.Update(t.Context(), read)
			require.NoError(t, err)
			_, err = w.records.Update(t.Context(), read)
			require.ErrorIs(t, err, proxy.ErrRecordChanged)
		}
	})
	t.Run("a node that shuts down loses no upload", func(t *testing.T) {
		w.start(func(o *deliver.Options) { o.Lease = brief })
		w.start(func(o *deliver.Options) { o.Records, o.Lease = other, brief })
		var keys []string
		for range 10 {
			keys = append(keys, w.accepted().Key)
		}
		w.announcedOnce(keys...)
		var down sync.WaitGroup
		leader := c.Leader("UPLOADS")
		require.NotNil(t, leader)
		down.Go(leader.Shutdown)
		for range 10 {
			keys = append(keys, w.createRetrying().Key)
		}
		down.Wait()
		w.eventually(func() bool {
			for _, key := range keys {
				r, err := w.records.Get(t.Context(), session, key)
				if err != nil || r.State != bridge.Announced {
					return false
				}
			}
			return true
		})
		w.announcedOnce(keys...)
	})
}

// createRetrying writes an accepted upload's record, however long it takes.
func (w *world) createRetrying() (r proxy.Record) {
	w.t.Helper()
	r = w.draft(w.accept)
	w.eventually(func() bool {
		created, err := w.records.Create(w.t.Context(), r)
		if err == nil || err == proxy.ErrRecordExists {
			r = created
			return true
		}
		return false
	})
	return r
}
