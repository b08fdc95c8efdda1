package proxy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// A party that sends too much text in too short a time is refused, over all its sockets, and
// no other party is.
func TestH5TextIsRateLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.TextRate, c.TextBurst = 1, 10_000 })
	customer, _ := w.join(w.customer)
	second, _ := w.join(w.customer)
	agent, _ := w.join(w.agent)
	say := func(p *page, ref int64, size int) *bridge.Error {
		p.send(&bridge.Say{Ref: ref, Key: newKey(), Text: strings.Repeat("x", size)})
		for {
			switch m := p.next().(type) {
			case *bridge.Done:
				if m.Ref == ref {
					return nil
				}
			case *bridge.Fail:
				require.Equal(t, ref, m.Ref)
				return &m.Error
			}
		}
	}
	require.Nil(t, say(customer, 1, 4000))
	require.Nil(t, say(second, 1, 4000))
	for ref, p := range []*page{customer, second} {
		err := say(p, int64(ref)+2, 4000)
		require.NotNil(t, err)
		require.Equal(t, bridge.CodeBusy, err.Code)
		require.True(t, err.Retry)
	}
	require.Nil(t, say(customer, 9, 100), "a shorter one still fits")
	for ref := range int64(10) {
		require.Nil(t, say(agent, ref+1, 4000))
	}
}

// Refused offers are cheap to make and each would be a line.
func TestH5RefusalsDoNotFillTheAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, _ := w.join(w.customer)
	const offers = 400
	for range offers {
		customer.send(&bridge.Offer{Key: newKey(), Name: "a.bin", Size: 1 << 40})
		require.Equal(t, bridge.CodeFileSize, customer.refused())
	}
	lines, err := os.ReadFile(w.AuditFile)
	require.NoError(t, err)
	kept := strings.Count(string(lines), `"refused"`)
	require.Less(t, kept, offers)
	require.GreaterOrEqual(t, kept, 200)
	require.Positive(t, strings.Count(string(lines), `"busy"`), "the last line represents the rest")
}
