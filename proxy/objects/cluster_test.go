package objects_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/engine"
	"attache/proxy/engine/enginetest"
	"attache/proxy/objects"
)

func TestClusterKeepsUploadsWhole(t *testing.T) {
	t.Parallel()
	c := enginetest.Start(t)
	e, err := engine.Start(t.Context(), engine.Options{URL: c.URL()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	require.Equal(t, 3, e.Replicas())
	require.NoError(t, e.AdmitUpload())
	var day clock
	s, other := open(t, e, objects.Options{Now: day.now}), open(t, e, objects.Options{Now: day.now})
	content := random(3<<20 + 17)

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
	t.Run("an upload survives the shutdown of the leading node", func(t *testing.T) {
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
