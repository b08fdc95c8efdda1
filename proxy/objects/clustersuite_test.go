//go:build chaos

package objects_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"attache/proxy/engine"
	"attache/proxy/engine/enginetest"
	"attache/proxy/objects"
	"attache/proxy/storetest"
)

// In a cluster, each case has buckets of its own, named after its directory.
func TestStoreSuite_InACluster(t *testing.T) {
	c := enginetest.Start(t)
	storetest.Run(t, storetest.Target{Remote: true, Buffers: true, Open: func(ctx context.Context, dir string, o storetest.Options) (storetest.Process, error) {
		e, err := engine.Start(ctx, engine.Options{URL: c.URL()})
		if err != nil {
			return storetest.Process{}, err
		}
		name := sha256.Sum256([]byte(dir))
		prefix := hex.EncodeToString(name[:8])
		store := func(o storetest.Options) (storetest.Store, error) {
			return objects.Open(ctx, e, objects.Options{Prefix: prefix, Budget: o.Budget, Now: o.Now})
		}
		s, err := store(o)
		if err != nil {
			e.Close()
		}
		return storetest.Process{Store: s, End: e.Close, Beside: store}, err
	}})
}
