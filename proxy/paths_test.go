package proxy_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// Paths as reverse proxies change them are served and not redirected: a WebSocket handshake
// does not follow a redirect.
func TestB64PathsThatAReverseProxyChangesAreServed(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /attache/chat", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("chat " + r.URL.RawQuery)) })
	mux.HandleFunc("GET /attache/file/{ticket}/{name...}", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.PathValue("name"))) })
	handler := proxy.CleanPaths(mux)
	for path, want := range map[string]string{
		"/attache/chat":                     "chat ",
		"//attache/chat":                    "chat ",
		"/attache//chat?a=b":                "chat a=b",
		"/./attache/chat":                   "chat ",
		"/x/../attache/chat":                "chat ",
		"//attache/file/t/a%2Fb%2F%2F..txt": "a/b//..txt",
		"/attache/file/t/%2E%2E.txt":        "...txt",
	} {
		t.Run(path, func(t *testing.T) {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, want, w.Body.String())
		})
	}
	for _, path := range []string{"/attache/chat/", "/elsewhere/attache/chat", "/attache"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, http.StatusNotFound, w.Code, path)
	}
}

func TestB64PathPrefixIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w.Proxy.Mounted(w.Proxy))
	t.Cleanup(server.Close)
	for path, status := range map[string]int{
		bridge.PathWhy: http.StatusOK, "/" + bridge.PathWhy: http.StatusOK,
		"/chat/files" + bridge.PathWhy: http.StatusNotFound, "/chat/files" + bridge.PathChat: http.StatusNotFound,
	} {
		res, err := http.Get(server.URL + path)
		require.NoError(t, err)
		var answer struct{ Protocol, Prefix string }
		require.NoError(t, json.NewDecoder(res.Body).Decode(&answer), path)
		res.Body.Close()
		require.Equal(t, bridge.Subprotocol, answer.Protocol, path)
		require.Equal(t, status == http.StatusNotFound, answer.Prefix == "/chat/files", path)
		require.Equal(t, status, res.StatusCode, path)
		require.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"), path)
	}
	require.Contains(t, w.Log.String(), "prefix=/chat/files")
}
