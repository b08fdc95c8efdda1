package proxy

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// B66: claims that their issuer cannot have intended are logged, once.
func TestB66UnlikelyClaimsAreLoggedOnce(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for name, c := range map[string]struct {
		who  Identity
		says string
	}{
		"as meant":      {Identity{Expires: now.Add(time.Hour), Rights: bridge.AllRights}, ""},
		"milliseconds":  {Identity{Expires: time.Unix(now.UnixMilli(), 0), Rights: bridge.AllRights}, "not in milliseconds"},
		"for all time":  {Identity{Expires: time.Unix(253402300799, 0)}, "not in milliseconds"},
		"no such right": {Identity{Expires: now.Add(time.Hour), Rights: bridge.Rights{bridge.RightChat, "upload"}}, "right=upload"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			p := &Proxy{cfg: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
			p.hintToken(c.who, now)
			p.hintToken(c.who, now)
			if c.says == "" {
				require.Empty(t, log.String())
				return
			}
			require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
			require.Contains(t, log.String(), c.says)
		})
	}
}
