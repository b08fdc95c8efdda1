package proxy

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// gated is a test double of a Staging whose Begins wait, and which counts them.
type gated struct {
	Staging
	gate   chan struct{}
	begins map[string]int
	closed int
}

func (g *gated) Begin(_ context.Context, d Document, _ int64) (Writer, error) {
	g.begins[d.ID]++
	<-g.gate
	return closedWriter{closed: &g.closed}, nil
}

// unchanged is a test double of Records that do not change.
type unchanged struct{ Records }

func (unchanged) Get(_ context.Context, session, key string) (Record, error) {
	return Record{Session: session, Key: key, DocumentID: key, State: "receiving"}, nil
}

// An opening whose page is gone when its turn comes does not begin; the next offer does.
func TestOpeningThatNobodyWaitsForLosesItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &gated{gate: make(chan struct{}), begins: map[string]int{}}
		us := newUploads(&Transfers{cfg: &Config{Staging: store, Records: unchanged{}}})
		record := func(key string) Record { return Record{Session: "s", Key: key, DocumentID: key, State: "receiving"} }
		first, second := us.reopen(record("first"), unknownAck), us.reopen(record("second"), unknownAck)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := second.wait(gone)
		require.ErrorIs(t, err, context.Canceled)
		synctest.Wait()
		require.Equal(t, map[string]int{"first": 1}, store.begins)
		close(store.gate)
		_, u, err := first.wait(t.Context())
		require.NoError(t, err)
		require.NotNil(t, u)
		synctest.Wait()
		require.Equal(t, map[string]int{"first": 1}, store.begins)
		require.Empty(t, us.turns)
		require.Empty(t, us.openings)

		_, u, err = us.reopen(record("second"), unknownAck).wait(t.Context())
		require.NoError(t, err)
		require.NotNil(t, u)
		require.Equal(t, map[string]int{"first": 1, "second": 1}, store.begins)
		us.wait()
		require.Equal(t, 2, store.closed)
	})
}
