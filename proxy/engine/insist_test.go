package engine_test

import (
	"context"
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

func TestWhatIsAskedAgain(t *testing.T) {
	e := start(t, engine.Options{Dir: t.TempDir()})
	patience := engine.Patience{Whole: time.Minute, Try: time.Second}
	for name, c := range map[string]struct {
		err   error
		again bool
	}{
		"no answer in time":                    {context.DeadlineExceeded, true},
		"the client's own time":                {nats.ErrTimeout, true},
		"a connection that broke":              {nats.ErrDisconnected, true},
		"a connection that is being made anew": {nats.ErrReconnectBufExceeded, true},
		"a leader that steps down":             {jetstream.ErrConsumerLeadershipChanged, true},
		"a node that is going":                 {jetstream.ErrServerShutdown, true},
		"a message that is not yet applied":    {api(400, jetstream.JSErrCodeStreamWrongLastSequenceConstant), true},
		"the same message under way":           {api(409, 10158), true},
		"a cluster that is not there yet":      {api(503, 10008), true},
		"a comparison that fails":              {api(400, jetstream.JSErrCodeStreamWrongLastSequence), false},
		"a store that is full":                 {api(503, 10023), false},
		"a disk that is full":                  {api(503, 10077), false},
		"a stream that is not there, alone":    {nats.ErrNoResponders, false},
		"a closed connection":                  {nats.ErrConnectionClosed, false},
	} {
		t.Run(name, func(t *testing.T) {
			var tries []bool
			err := e.Insist(t.Context(), patience, func(_ context.Context, again bool) error {
				tries = append(tries, again)
				if again {
					return nil
				}
				return c.err
			})
			if c.again {
				require.NoError(t, err)
				require.Equal(t, []bool{false, true}, tries)
				return
			}
			require.ErrorIs(t, err, c.err)
			require.Equal(t, []bool{false}, tries)
		})
	}
}

func TestPatienceEnds(t *testing.T) {
	e := start(t, engine.Options{Dir: t.TempDir()})
	unanswered := func(ctx context.Context, _ bool) error { <-ctx.Done(); return ctx.Err() }
	err := e.Insist(t.Context(), engine.Patience{Whole: 100 * time.Millisecond, Try: 10 * time.Millisecond}, unanswered)
	require.ErrorIs(t, err, engine.ErrUnanswered)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	ctx, cancel := context.WithCancel(t.Context())
	err = e.Insist(ctx, engine.Patience{Whole: time.Minute, Try: time.Minute}, func(context.Context, bool) error {
		cancel()
		return nats.ErrTimeout
	})
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, engine.ErrUnanswered)
}
