package registry_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/proxy/engine"
	"attache/proxy/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, dir string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: dir})
	require.NoError(t, err)
	return e
}

func TestCustomersAreRememberedAcrossARestart(t *testing.T) {
	dir := t.TempDir()
	const odd = "ada.*.> lovelace/ü"
	has := func(r *registry.Registry, session, user string) bool {
		t.Helper()
		known, err := r.Has(t.Context(), session, user)
		require.NoError(t, err)
		return known
	}
	e := start(t, dir)
	r, err := registry.Open(t.Context(), e, registry.Options{Keep: time.Hour})
	require.NoError(t, err)
	require.False(t, has(r, "s", odd))
	require.NoError(t, r.Add(t.Context(), "s", odd))
	require.NoError(t, r.Add(t.Context(), "s", odd), "again")
	e.Close()

	e = start(t, dir)
	defer e.Close()
	r, err = registry.Open(t.Context(), e, registry.Options{Keep: time.Hour})
	require.NoError(t, err)
	require.True(t, has(r, "s", odd))
	require.False(t, has(r, "s", "ada"), "another party")
	require.False(t, has(r, "s2", odd), "another session")
}

func TestClosedEngineIsAnErrorAndNotAnAnswer(t *testing.T) {
	e := start(t, t.TempDir())
	r, err := registry.Open(t.Context(), e, registry.Options{})
	require.NoError(t, err)
	e.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = r.Has(ctx, "s", "ada")
	require.Error(t, err)
	require.Error(t, r.Add(ctx, "s", "ada"))
}
