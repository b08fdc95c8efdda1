package clamd_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/clamd"
	"attache/proxy/proxytest"
)

// A wait of many tries is one line of the log, which says what to do.
func TestAwait_LogsOnceWithAHint(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	var log proxytest.Log
	c, err := clamd.New(l.Addr().String(), clamd.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // two or three tries
	defer cancel()
	require.Error(t, c.Await(ctx))
	require.Equal(t, 1, strings.Count(log.String(), "waiting for clamd"), log.String())
	require.Contains(t, log.String(), "--scanner=off")
}
