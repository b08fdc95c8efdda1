package files_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy"
	"attache/proxy/files"
)

// Content that a killed process has written beside a record that it never wrote goes with the
// first sweep; what a record names stays, and so does what this process has begun.
func TestSweepDiscardsWhatNoRecordNames(t *testing.T) {
	dir := t.TempDir()
	stage := func(s *files.Store) string {
		d := proxy.Document{ID: s.NewID(), Name: "a.bin", Size: 4, Session: "s1"}
		w, err := s.Begin(t.Context(), d, 0)
		require.NoError(t, err)
		durable := make(chan error, 1)
		require.NoError(t, w.Append(t.Context(), []byte("some"), func(_ int64, err error) { durable <- err }))
		require.NoError(t, <-durable)
		require.NoError(t, w.Close())
		return d.ID
	}
	there := func(s *files.Store, id string) bool {
		r, err := s.Staged(t.Context(), id)
		if err != nil {
			return false
		}
		require.NoError(t, r.Close())
		return true
	}
	s, err := files.Open(files.Options{Dir: dir})
	require.NoError(t, err)
	named, orphan := stage(s), stage(s)
	s.Close()

	s, err = files.Open(files.Options{Dir: dir})
	require.NoError(t, err)
	defer s.Close()
	begun := stage(s)
	linked := func(context.Context) (map[string]bool, error) { return map[string]bool{named: true}, nil }
	_, err = s.Sweep(t.Context(), 30, linked)
	require.NoError(t, err)
	require.True(t, there(s, named))
	require.True(t, there(s, begun), "its record may be on its way")
	require.False(t, there(s, orphan))

	late := stage(s)
	_, err = s.Sweep(t.Context(), 30, func(context.Context) (map[string]bool, error) { return nil, nil })
	require.NoError(t, err)
	require.True(t, there(s, late), "only once")
}
