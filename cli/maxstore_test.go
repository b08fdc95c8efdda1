package cli_test

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/wasm/page"
)

// Files fill --max-store, and a restart does not forget them: new ones are refused, the chat
// continues, and a higher limit takes files again.
func TestMaxStore(t *testing.T) {
	t.Parallel()
	path, err := binary()
	require.NoError(t, err)
	const origin = "https://desk.example"
	data, pass := t.TempDir(), mint(t, "s1", "kim", bridge.Agent)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	serve := func(limit int64) (public, admin string, stop func()) {
		d := start(t, exec.Command(path, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--scanner", "off",
			"--origin", origin, "--data", data, "--token-secret", secret, fmt.Sprint("--max-store=", limit)))
		printed := address.FindAllString(d.line, -1)
		status, _, body := get(t, printed[1]+"/readyz")
		require.Equal(t, http.StatusOK, status, body)
		return printed[0], printed[1], func() { d.signal(); d.wait() }
	}
	send := func(public string, n int) {
		t.Helper()
		p := page.Open(page.Options{
			Address: func() string { return public }, Token: pass, Origin: origin,
			Heard: func(string, *bridge.Upload) {}, Saw: func(bridge.Event) {},
		})
		defer p.Close()
		u := &page.Upload{Key: fmt.Sprintf("%032x", n), Name: "a.bin", Content: noise(39 << 19), Broken: func(b page.Breach) { t.Error(b) }}
		require.NoError(t, p.Send(ctx, u))
		require.Empty(t, u.Code)
	}
	refused := func(public string) {
		t.Helper()
		o := &bridge.Offer{Key: fmt.Sprintf("%032x", 99), Name: "new.bin", Size: 10}
		require.Equal(t, bridge.CodeStorageFull, offered(ctx, t, public, origin, pass, o))
	}

	public, _, stop := serve(64 << 20)
	for n := range 3 {
		send(public, n)
	}
	refused(public)
	say(ctx, t, public, origin, pass)
	say(ctx, t, public, origin, mint(t, "s1", "ann", bridge.Client))
	stop()

	var admin string
	public, admin, stop = serve(64 << 20)
	require.Eventually(t, func() bool { // the files are counted beside everything else
		_, _, body := get(t, admin+"/metrics")
		return metric(t, body, "attache_store_free_bytes") < metric(t, body, "attache_store_low_water_bytes")
	}, patience, 10*time.Millisecond)
	refused(public)
	stop()

	public, _, _ = serve(256 << 20)
	send(public, 4)
}

// metric is the value of a metric without labels.
func metric(t *testing.T, body, name string) float64 {
	t.Helper()
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			require.NoError(t, err)
			return n
		}
	}
	t.Fatalf("%s is not in %s", name, body)
	return 0
}
