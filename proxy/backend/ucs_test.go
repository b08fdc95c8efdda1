package backend_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy"
	"attache/proxy/backend"
	"attache/proxy/engine"
	"attache/proxy/proxytest"
	"attache/proxy/spool"
	"attache/proxy/ucs"
)

// Documents in a UCS keep every promise of the contract about documents, with links and without.
func TestConform_DocumentsInUCSPass(t *testing.T) {
	t.Parallel()
	for _, dialect := range []ucs.Dialect{{}, {Interaction: true}} {
		b, far := newWorld(t), proxytest.StartBackend(t)
		handler, err := ucs.NewHandler(ucs.HandlerOptions{Documents: ucs.NewDocuments(far.Store, ucs.Options{}), Secret: []byte(secret)})
		require.NoError(t, err)
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()})
		require.NoError(t, err)
		t.Cleanup(e.Close)
		ledger, err := ucs.OpenLedger(t.Context(), e, time.Hour)
		require.NoError(t, err)
		s, err := spool.Open(spool.Options{Dir: t.TempDir(), Reserve: 1})
		require.NoError(t, err)
		t.Cleanup(s.Close)
		client, err := ucs.NewClient(ucs.ClientOptions{URL: server.URL, Secret: []byte(secret), Ledger: ledger, Spool: s, Dialect: dialect})
		require.NoError(t, err)
		t.Cleanup(client.Close)
		documents := client.Documents(b.Store)
		b.serve(func(p *backend.HandlerOptions) {
			p.Documents = backend.NewStagedStore(b.Store, documents)
			p.Updates = backend.NewStagedUpdates(b.Store, documents.(proxy.Updater))
			p.Links, _ = documents.(proxy.Links)
		}, nil)
		require.Empty(t, b.conform("document"), "%+v", dialect)
	}
}
