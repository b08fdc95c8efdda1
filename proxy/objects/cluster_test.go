package objects_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/engine/enginetest"
	"attache/proxy/objects"
)

func TestInACluster(t *testing.T) {
	c := enginetest.Start(t)
	e, err := engine.Start(t.Context(), engine.Options{URL: c.URL()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	require.Equal(t, 3, e.Replicas())
	require.NoError(t, e.AdmitUpload())
	var day clock
	s, other := open(t, e, objects.Options{Now: day.now}), open(t, e, objects.Options{Now: day.now})
	content := random(3<<20 + 17)

	t.Run("a document is whole at once in every proxy", func(t *testing.T) {
		for range 10 {
			id := put(t, s, content[:10_000], 3000)
			require.Equal(t, content[:10_000], read(t, other, id))
		}
	})
	t.Run("one secret for all proxies", func(t *testing.T) {
		second, err := engine.Start(t.Context(), engine.Options{URL: c.URL()})
		require.NoError(t, err)
		defer second.Close()
		var all sync.WaitGroup
		keys, errs := make([][]byte, 2), make([]error, 2)
		for i, e := range []*engine.Engine{e, second} {
			all.Go(func() { keys[i], errs[i] = e.Secret(t.Context(), "tickets") })
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Len(t, keys[0], 32)
		require.Equal(t, keys[0], keys[1])
	})
	t.Run("chunks of full size", func(t *testing.T) {
		id := put(t, s, content, e.MaxChunk())
		require.True(t, string(content) == string(read(t, other, id)))
	})
	t.Run("another proxy resumes at the last acknowledged byte", func(t *testing.T) {
		for range 10 {
			id := s.NewID()
			old := begin(t, s, id)
			write(t, old, content[:100_000], 10_000)
			w := begin(t, other, id)
			require.EqualValues(t, 100_000, w.Offset())
			err := refused(t, old, content[100_000:110_000])
			require.Equal(t, bridge.CodeSuperseded, bridge.CodeOf(err), "%v", err)
			write(t, w, content[100_000:200_000], 10_000)
			_, err = s.Add(t.Context(), document(id, content[:200_000]))
			require.NoError(t, err)
			require.Equal(t, content[:200_000], read(t, s, id))
		}
	})
	t.Run("an upload outlives the node that leads", func(t *testing.T) {
		id := s.NewID()
		w := begin(t, s, id)
		write(t, w, content[:1<<20], 100_000)
		leader := c.Leader("OBJ_documents-2026-11-20")
		require.NotNil(t, leader)
		leader.Shutdown()
		write(t, w, content[1<<20:], 100_000)
		require.Eventually(t, func() bool {
			_, err := s.Add(t.Context(), document(id, content))
			return err == nil
		}, time.Minute, 100*time.Millisecond)
		require.True(t, string(content) == string(read(t, other, id)))
	})
}

// What is asked between two leaders is never answered, so it is asked again:
// nobody waits out the time that the whole step has.
func TestAQuestionOutlivesTheNodeThatLeads(t *testing.T) {
	c := startNodes(t)
	var e *engine.Engine
	require.Eventually(t, func() (started bool) {
		var err error
		e, err = engine.Start(t.Context(), engine.Options{URL: c.url})
		return err == nil
	}, time.Minute, time.Millisecond)
	t.Cleanup(e.Close)
	var day clock
	s, other := open(t, e, objects.Options{Now: day.now}), open(t, e, objects.Options{Now: day.now})
	content := random(100_000)
	put(t, other, content[:1], 1)
	var ids []string
	var writers []proxy.Writer
	for range 4 {
		id := s.NewID()
		w := begin(t, s, id)
		write(t, w, content, 50_000)
		ids, writers = append(ids, id), append(writers, w)
	}
	stream, err := e.JetStream().Stream(t.Context(), "OBJ_documents-2026-11-20")
	require.NoError(t, err)
	require.NoError(t, c.processes[stream.CachedInfo().Cluster.Leader].Kill())

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	var all sync.WaitGroup
	errs := make([]error, len(ids))
	all.Go(func() { _, errs[0] = s.Add(ctx, document(ids[0], content)) })
	all.Go(func() { _, errs[1] = other.Add(ctx, document(ids[1], content)) })
	all.Go(func() { _, errs[2] = other.Begin(ctx, ids[2]) })
	all.Go(func() { errs[3] = other.Discard(ctx, ids[3]) })
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, content, read(t, other, ids[0]))
	require.Equal(t, content, read(t, s, ids[1]))
	for _, w := range writers[2:] {
		require.Equal(t, bridge.CodeSuperseded, bridge.CodeOf(refused(t, w, content[:1])))
	}
}
