package engine_test

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/proxy/engine"
)

// forgetful is the library's end of the queue, which forgot to request the next message:
// only the second call requests it.
type forgetful struct {
	jetstream.MessagesContext
	calls int
}

type nextMessage struct{ jetstream.Msg }

func (f *forgetful) Next(opts ...jetstream.NextOpt) (jetstream.Msg, error) {
	if f.calls++; f.calls > 1 {
		return nextMessage{}, nil
	}
	// The option is the library's own; only the library can read it.
	return nil, context.DeadlineExceeded
}

func TestForgottenRequestIsRepeated(t *testing.T) {
	f := &forgetful{}
	m, err := engine.NextOf(t.Context(), nil, nil, f)
	require.NoError(t, err)
	require.Equal(t, nextMessage{}, m)
	require.Equal(t, 2, f.calls)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = engine.NextOf(ended, nil, nil, &forgetful{})
	require.ErrorIs(t, err, context.DeadlineExceeded, "the caller's own end is returned")
}
