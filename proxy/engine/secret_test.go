package engine_test

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/proxy/engine"
)

// mute is a store that never answers the first request for a bucket.
type mute struct {
	jetstream.JetStream
	requests int
}

func (m *mute) KeyValue(ctx context.Context, bucket string) (jetstream.KeyValue, error) {
	if m.requests++; m.requests == 1 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return m.JetStream.KeyValue(ctx, bucket)
}

func TestSecretIsRequestedAgainAfterSilence(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Options{Dir: t.TempDir()})
	m := &mute{JetStream: e.JetStream()}
	e.SetJetStream(m)
	key, err := e.Secret(t.Context(), "tickets")
	require.NoError(t, err)
	require.Len(t, key, 32)
	require.Equal(t, 2, m.requests)
}
