package objects_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy"
	"attache/proxy/objects"
)

func begin(t testing.TB, s *objects.Store, id string) proxy.Writer {
	t.Helper()
	w, err := s.Begin(t.Context(), proxy.Document{ID: id}, -1)
	require.NoError(t, err)
	return w
}
