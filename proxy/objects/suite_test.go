package objects_test

import (
	"context"
	"testing"

	"attache/proxy/engine"
	"attache/proxy/objects"
	"attache/proxy/proxytest"
	"attache/proxy/storetest"
)

// suite is this package's store as the suite of cases opens it.
var suite = storetest.Target{Buffers: true, Open: openSuite}

func openSuite(ctx context.Context, dir string, o storetest.Options) (storetest.Process, error) {
	e, err := engine.Start(ctx, engine.Options{Dir: dir, MaxStore: o.MaxStore, Reserve: o.MaxStore / 4})
	if err != nil {
		return storetest.Process{}, err
	}
	store := func(o storetest.Options) (storetest.Store, error) {
		return objects.Open(ctx, e, objects.Options{Budget: o.Budget, Now: o.Now})
	}
	s, err := store(o)
	if err != nil {
		e.Close()
	}
	return storetest.Process{Store: s, End: e.Close, Beside: store}, err
}

func TestMain(m *testing.M) {
	storetest.Child(suite)
	proxytest.Main(m)
}

func TestStoreSuite(t *testing.T) { storetest.Run(t, suite) }

// Package files' tests plant the other faults.
func TestStoreSuite_FindsFaultsBetweenProcesses(t *testing.T) { storetest.ClusterFaults(t, suite) }
