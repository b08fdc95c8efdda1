package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// The uploads in the middle of which the wire falls silent, within a frame.
const (
	silenceAt   = 2<<20 + 12_345
	silenceRate = 4 << 20 // bytes a second
	silenceSize = 12 << 20
)

// asleep is longer than a page waits on a silent socket (idleTime in
// wasm/client/chat.go) and the proxy for half a frame (MessageTimeout in
// proxy/config.go).
const asleep = 17 * time.Second

// TestF25LaptopSleeps stops a browser and its network in the middle of an upload. Both
// resume later, as when a lid is opened.
func TestF25LaptopSleeps(t *testing.T) {
	t.Parallel()
	own, stop, err := startBrowser(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(stop)
	d, w := acrossWire(t, silenceRate, func() *page { return newPageIn(t, own, longest) })
	tell(d.page, `() => {
		globalThis.longest = 0;
		let last = performance.now();
		setInterval(() => {
			longest = Math.max(longest, performance.now() - last);
			last = performance.now();
		}, 20);
	}`)
	f := d.silenced(w, "laptop.bin")
	wake := freeze(t, own)
	<-time.After(asleep)
	w.speak()
	wake()
	d.resumes(w, f, "laptop.bin")
	require.Greater(t, ask[float64](d.page, "() => longest"), float64(15_000), "milliseconds that the page's clock jumped by")
}

// TestF18WireFallsSilent leaves an upload's sockets open and carries nothing any more,
// like a router that has lost its uplink.
func TestF18WireFallsSilent(t *testing.T) {
	t.Parallel()
	d, w := acrossWire(t, silenceRate, func() *page { return newPage(t) })
	f := d.silenced(w, "silent.bin")
	tell(d.page, `() => e2e.until(() => e2e.session('agent').state === 'reconnecting', 'the page to notice')`)
	d.resumes(w, f, "silent.bin")
	require.Equal(t, 1, ask[observed](d.page, "e2e.observed").Reconnecting, "the page showed it once")
}

// silenced sends a file until the wire falls silent.
func (d *desk) silenced(w *wire, name string) sample {
	d.t.Helper()
	tell(d.page, "e2e.observe", "agent")
	f := large(d.t, name, silenceSize)
	d.agent.give(f.path)
	w.hush(silenceAt)
	return f
}

// resumes waits for the file, which needed a second socket and few bytes twice.
func (d *desk) resumes(w *wire, f sample, name string) {
	d.t.Helper()
	w.widen()
	d.arrived(f, name)
	d.connected()
	again := ask[observed](d.page, "e2e.observed").Again
	require.Len(d.t, again, 1, "sending resumed once, on a second data socket")
	require.LessOrEqual(d.t, again[0], int64(bridge.MaxWindow), "sent again")
}

// freeze stops all processes of a browser, parents first.
func freeze(t *testing.T, browser context.Context) (wake func()) {
	t.Helper()
	family := []int{chromedp.FromContext(browser).Browser.Process().Pid}
	for i := 0; i < len(family); i++ {
		require.NoError(t, syscall.Kill(family[i], syscall.SIGSTOP))
		family = append(family, children(t, family[i])...)
	}
	require.Greater(t, len(family), 2, "a browser is several processes")
	wake = func() {
		for _, pid := range family {
			syscall.Kill(pid, syscall.SIGCONT)
		}
	}
	t.Cleanup(wake)
	return wake
}

// children are the processes that any thread of a process has started.
func children(t *testing.T, pid int) (list []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	require.NoError(t, err)
	for _, path := range lists {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, field := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(field)
			require.NoError(t, err)
			list = append(list, child)
		}
	}
	return list
}
