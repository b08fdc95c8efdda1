package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/proxy/engine"
)

func api(status int, code jetstream.ErrorCode) error {
	return &jetstream.APIError{Code: status, ErrorCode: code}
}

func TestRetryRepeatsTransientErrorsOnly(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Options{Dir: t.TempDir()})
	policy := engine.RetryPolicy{Total: time.Minute, PerTry: time.Second}
	for name, c := range map[string]struct {
		err       error
		transient bool
	}{
		"no answer in time":             {context.DeadlineExceeded, true},
		"the client's own time-out":     {nats.ErrTimeout, true},
		"a connection that broke":       {nats.ErrDisconnected, true},
		"a connection being restored":   {nats.ErrReconnectBufExceeded, true},
		"a leader that steps down":      {jetstream.ErrConsumerLeadershipChanged, true},
		"a node that shuts down":        {jetstream.ErrServerShutdown, true},
		"a message not yet applied":     {api(400, jetstream.JSErrCodeStreamWrongLastSequenceConstant), true},
		"the same message under way":    {api(409, 10158), true},
		"a cluster not yet formed":      {api(503, 10008), true},
		"a comparison that fails":       {api(400, jetstream.JSErrCodeStreamWrongLastSequence), false},
		"a store that is full":          {api(503, 10023), false},
		"a disk that is full":           {api(503, 10077), false},
		"no such stream, without peers": {nats.ErrNoResponders, false},
		"a closed connection":           {nats.ErrConnectionClosed, false},
	} {
		t.Run(name, func(t *testing.T) {
			var tries []bool
			err := e.Retry(t.Context(), policy, func(_ context.Context, retried bool) error {
				tries = append(tries, retried)
				if retried {
					return nil
				}
				return c.err
			})
			if c.transient {
				require.NoError(t, err)
				require.Equal(t, []bool{false, true}, tries)
				return
			}
			require.ErrorIs(t, err, c.err)
			require.Equal(t, []bool{false}, tries)
		})
	}
}

func TestRetryEndsWithItsTimeOrItsCaller(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Options{Dir: t.TempDir()})
	unanswered := func(ctx context.Context, _ bool) error { <-ctx.Done(); return ctx.Err() }
	err := e.Retry(t.Context(), engine.RetryPolicy{Total: 100 * time.Millisecond, PerTry: 10 * time.Millisecond}, unanswered)
	require.ErrorIs(t, err, engine.ErrUnanswered)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	ctx, cancel := context.WithCancel(t.Context())
	err = e.Retry(ctx, engine.RetryPolicy{Total: time.Minute, PerTry: time.Minute}, func(context.Context, bool) error {
		cancel()
		return nats.ErrTimeout
	})
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, engine.ErrUnanswered)
}

func TestErrorCodes(t *testing.T) {
	for code, want := range map[jetstream.ErrorCode][3]bool{
		jetstream.JSErrCodeStreamWrongLastSequence:         {true, false, false},
		jetstream.JSErrCodeStreamWrongLastSequenceConstant: {false, true, false},
		10023: {false, false, true},
		10008: {},
	} {
		err := fmt.Errorf("publish: %w", api(400, code))
		require.Equal(t, want, [3]bool{engine.Overtaken(err), engine.Unapplied(err), engine.Full(err)}, "%d", code)
	}
	require.False(t, engine.Overtaken(nats.ErrTimeout))
	require.False(t, engine.Overtaken(nil))
}
