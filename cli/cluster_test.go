package cli_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/engine/enginetest"
	"attache/wasm/page"
)

// balancer knows which proxies are ready, as a load balancer does. Each page prefers
// one proxy, and may connect to any.
type balancer struct {
	mu      sync.Mutex
	proxies [2]*daemon
}

func (b *balancer) put(i int, d *daemon) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.proxies[i] = d
}

func (b *balancer) prefer(i int) func() string {
	return func() string {
		b.mu.Lock()
		defer b.mu.Unlock()
		d := b.proxies[i]
		if d == nil {
			d = b.proxies[1-i]
		}
		return address.FindString(d.line)
	}
}

// TestRollingRestart replaces each proxy of a cluster in turn while pages are
// connected and an upload runs.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	path, err := binary()
	require.NoError(t, err)
	urls := enginetest.Start(t).URL()
	const origin = "https://desk.example"
	run := func() *daemon {
		return start(t, exec.Command(path, "serve", "--listen", "127.0.0.1:0", "--admin=", "--scanner=off",
			"--origin", origin, "--nats", urls, "--token-secret", secret))
	}
	b := &balancer{}
	b.put(0, run())
	b.put(1, run())
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	enter := func(user string, address func() string) *page.Page {
		p := page.Open(page.Options{
			Address: address, Token: mint(t, "s1", user, bridge.Agent), Origin: origin,
			Heard: func(string, *bridge.Upload) {}, Saw: func(bridge.Event) {},
		})
		t.Cleanup(p.Close)
		return p
	}
	var next atomic.Int32 // to be replaced
	kim, ann := enter("kim", func() string { return b.prefer(int(next.Load()))() }), enter("ann", b.prefer(1))
	replace := func(i int) {
		old := b.proxies[i]
		next.Store(int32(1 - i))
		b.put(i, nil) // a load balancer sees that it is not ready
		old.signal()
		old.wait()
		require.Zero(t, old.cmd.ProcessState.ExitCode(), old.log.String())
		b.put(i, run())
	}

	small := &page.Upload{Key: fmt.Sprintf("%032x", 1), Name: "small.bin", Content: noise(10_000)}
	require.NoError(t, kim.Send(ctx, small))
	shown(ctx, t, ann, small.Key)

	content := noise(12 << 20)
	replaced := 0
	broken := func(b page.Breach) { t.Error(b) }
	large := &page.Upload{Key: fmt.Sprintf("%032x", 2), Name: "large.bin", Content: content, Broken: broken, Sent: func(n int64) {
		if next := int64(replaced+1) * (4 << 20); replaced < 2 && n >= next {
			replace(replaced)
			replaced++
		}
	}}
	require.NoError(t, kim.Send(ctx, large))
	require.Equal(t, 2, replaced)
	require.Empty(t, large.Code)
	require.GreaterOrEqual(t, large.Resumed, 2, "it moved to another proxy twice")

	for _, p := range []*page.Page{kim, ann} {
		for _, key := range []string{small.Key, large.Key} {
			f := shown(ctx, t, p, key)
			got, err := p.Download(ctx, f.ID, f.Key)
			require.NoError(t, err)
			if key == large.Key {
				require.Equal(t, sha256.Sum256(content), got.SHA256)
			}
		}
	}
	for _, p := range []*page.Page{kim, ann} {
		files := map[string]int{}
		for _, s := range p.Sights() {
			require.Equal(t, 1, s.Times, "event %d", s.Event.ID)
			require.NotEqual(t, bridge.PartyLeft, s.Event.Type, "%s was removed", s.Event.From.UserID)
			if s.Event.IsFile() {
				files[s.Event.Key]++
			}
		}
		require.Equal(t, map[string]int{small.Key: 1, large.Key: 1}, files)
	}
}

// shown waits until the page has the notice of that upload.
func shown(ctx context.Context, t *testing.T, p *page.Page, key string) (f bridge.File) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, s := range p.Sights() {
			if s.Event.Key == key && s.Event.IsFile() {
				var err error
				f, err = bridge.DecodeFile(s.Event)
				return err == nil
			}
		}
		return ctx.Err() != nil
	}, patience, 10*time.Millisecond)
	require.Equal(t, key, f.Key)
	return f
}
