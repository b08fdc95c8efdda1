package e2e

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/assembly"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

// startCometD serves CometD to pages of that origin, and returns the whole proxy with its URL.
func startCometD(t *testing.T, origin string) (*proxytest.World, string) {
	t.Helper()
	world := proxytest.Start(t, func(o *assembly.Options) {
		o.Proxy.FlexDisconnectTimeout = time.Hour
		o.Proxy.Origins = []string{origin}
	})
	s, err := gms.NewServer(world.Proxy, gms.Options{CometD: gms.CometD{Secret: []byte("secret"), Callback: true}})
	require.NoError(t, err)
	server := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); server.Close() })
	return world, server.URL + gms.PathCometD
}
