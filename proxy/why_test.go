package proxy_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// reason is the answer to a page that asks why its dial failed.
type reason struct {
	Protocol string
	Time     int64
	Origin   string
	Allowed  bool
	Refused  bridge.Code
	Missing  []string
	Draining bool
}

func askWhy(t *testing.T, server, method, origin string) (reason, *http.Response) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server+bridge.PathWhy, nil)
	require.NoError(t, err)
	if origin != "" {
		request.Header.Set("Origin", origin)
	}
	res, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Less(t, len(text), 1024, "the answer is small")
	require.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	var answer reason
	if res.StatusCode == http.StatusOK {
		require.NoError(t, json.Unmarshal(text, &answer))
	}
	return answer, res
}

func TestB64WhyReportsARefusedOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const stranger = "https://other.example"
	answer, _ := askWhy(t, w.Server.URL, http.MethodPost, stranger)
	require.Equal(t, reason{Protocol: bridge.Subprotocol, Time: answer.Time, Origin: stranger}, answer)
	require.WithinDuration(t, time.Now(), time.UnixMilli(answer.Time), time.Minute)
	_, res, err := w.dial(bridge.PathChat, http.Header{"Origin": {stranger}})
	require.Error(t, err)
	require.Equal(t, http.StatusForbidden, res.StatusCode)
	answer, _ = askWhy(t, w.Server.URL, http.MethodGet, stranger)
	require.Equal(t, bridge.CodeOrigin, answer.Refused)
	require.False(t, answer.Allowed)
	require.Empty(t, answer.Missing)
	// Other pages learn nothing of it, and none learns which origins may connect.
	answer, _ = askWhy(t, w.Server.URL, http.MethodPost, origin)
	require.True(t, answer.Allowed)
	require.Empty(t, answer.Refused)
	answer, _ = askWhy(t, w.Server.URL, http.MethodPost, "")
	require.Equal(t, reason{Protocol: bridge.Subprotocol, Time: answer.Time}, answer)
	require.Contains(t, w.Log.String(), "origin="+stranger)
	require.Contains(t, w.Log.String(), "--origin "+stranger)
}

// A stranger's origin is bounded and escaped in the answer and in the log.
func TestT2RefusedOriginIsEscapedInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, origin := range []string{strings.Repeat("a", 9000), "x\" level=ERROR msg=forged", "\xff\xfe", "https://*.desk.example"} {
		_, res, err := w.dial(bridge.PathChat, http.Header{"Origin": {origin}})
		require.Error(t, err)
		require.Equal(t, http.StatusForbidden, res.StatusCode)
	}
	logged := w.Log.String()
	require.NotContains(t, logged, strings.Repeat("a", 400))
	require.NotContains(t, logged, `"x" level=ERROR`)
	require.Contains(t, logged, `x\" level=ERROR`)
	require.NotContains(t, logged, "--origin https://*")
}

// A flood of strangers fills neither the log nor the memory.
func TestT5RefusedDialsDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 200 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.Server.URL+bridge.PathChat, nil)
		require.NoError(t, err)
		request.Header.Set("Origin", "https://other.example")
		res, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		res.Body.Close()
	}
	require.Less(t, strings.Count(w.Log.String(), "origin-refused"), 150)
	limited := 0
	for range 400 {
		if _, res := askWhy(t, w.Server.URL, http.MethodPost, origin); res.StatusCode == http.StatusTooManyRequests {
			limited++
			require.NotEmpty(t, res.Header.Get("Retry-After"))
		}
	}
	require.Positive(t, limited)
}

// B66: the warning about an unintended expiry comes for real tokens, whose expiry the
// authenticator has limited.
func TestB66TokenWithADistantEndIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join(w.mint("s1", "old", bridge.Agent, bridge.AllRights, 290*365*24*time.Hour))
	require.Contains(t, w.Log.String(), "not in milliseconds")
}

// B64: a reverse proxy that passes requests on as nginx does by default.
func TestB64WhyReportsMissingUpgradeHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	target, err := url.Parse(w.Server.URL)
	require.NoError(t, err)
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	front := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		r.Header.Del("Upgrade")
		r.Header.Set("Connection", "close")
		pass.ServeHTTP(out, r)
	}))
	defer front.Close()
	for _, path := range []string{bridge.PathChat, bridge.PathData} {
		_, res, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(front.URL, "http")+path, &websocket.DialOptions{
			HTTPHeader: http.Header{"Origin": {origin}}, Subprotocols: []string{bridge.Subprotocol},
		})
		require.Error(t, err)
		require.Equal(t, http.StatusUpgradeRequired, res.StatusCode)
		require.Equal(t, origin, res.Header.Get("Access-Control-Allow-Origin"))
	}
	answer, _ := askWhy(t, front.URL, http.MethodPost, origin)
	require.Equal(t, bridge.CodeUpgrade, answer.Refused)
	require.Equal(t, []string{"Connection: Upgrade", "Upgrade: websocket"}, answer.Missing)
	// Once it is repaired, the page is no longer reported as refused.
	w.join(w.agent)
	answer, _ = askWhy(t, front.URL, http.MethodPost, origin)
	require.Empty(t, answer.Missing)
	require.Contains(t, w.Log.String(), "without Connection: Upgrade and Upgrade: websocket")
	require.Contains(t, w.Log.String(), "proxy_set_header Upgrade")
}

// What nginx writes by default, byte for byte: HTTP/1.0 and Connection: close.
func TestB64WhyReportsHTTP10(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, err := net.Dial("tcp", w.Server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	io.WriteString(conn, "GET "+bridge.PathChat+" HTTP/1.0\r\nHost: files.example\r\nConnection: close\r\nOrigin: "+origin+
		"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: "+bridge.Subprotocol+"\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusUpgradeRequired, res.StatusCode)
	answer, _ := askWhy(t, w.Server.URL, http.MethodPost, origin)
	require.Equal(t, []string{"HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket"}, answer.Missing)
	// A person who opens the address in a browser does not dial.
	visitor, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.Server.URL+bridge.PathData, nil)
	require.NoError(t, err)
	visitor.Header.Set("Origin", origin)
	visitor.Header.Set("Sec-Fetch-Mode", "cors")
	res, err = http.DefaultClient.Do(visitor)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusUpgradeRequired, res.StatusCode)
}

func TestWhyReportsADrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Proxy.Drain(t.Context()))
	_, res, err := w.dial(bridge.PathChat, http.Header{"Origin": {origin}})
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	answer, _ := askWhy(t, w.Server.URL, http.MethodPost, origin)
	require.True(t, answer.Draining)
	require.Equal(t, bridge.CodeBusy, answer.Refused)
}
