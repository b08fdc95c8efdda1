package proxy

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// M7: a client that is refused over and over causes a line only now and then, and the rest
// are counted.
func TestM7RefusalsDoNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		q := newRefusalLog(log)
		for range 100_000 {
			q.warn(log, bridge.CodeTokenInvalid, "error", errors.New("forged"))
		}
		q.warn(log, bridge.CodeOrigin, "error", errors.New("rare"))
		time.Sleep(sumEvery + time.Second)
		synctest.Wait()
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, refusalBurst+2)
		require.Contains(t, lines[refusalBurst], "rare", "a flood of one kind hides no other")
		require.Contains(t, lines[refusalBurst+1], "code=token-invalid times=99980")
		q.warn(log, bridge.CodeTokenInvalid, "error", errors.New("again"))
		require.Contains(t, out.String(), "again")
	})
}
