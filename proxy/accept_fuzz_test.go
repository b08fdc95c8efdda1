package proxy_test

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy/proxytest"

	"github.com/stretchr/testify/require"
)

// Whatever bytes a page sends on a socket, before its token or after it, no other page is
// affected, and no handler panics.
func FuzzT6T7T8AnyBytesOnASocketHarmNobody(f *testing.F) {
	w := newWorld(f)
	var said proxytest.Log
	w.Server.Close()
	w.Server = httptest.NewUnstartedServer(w.Proxy)
	w.Server.Config = &http.Server{Handler: w.Proxy, ErrorLog: log.New(&said, "", 0)}
	w.Server.Start()
	f.Cleanup(w.Server.Close)
	for _, c := range fragmentCases() {
		f.Add(true, c.sent)
	}
	for _, c := range utf8Cases()[:20] {
		f.Add(true, c.sent)
		f.Add(false, c.sent)
	}
	hello := piece(fin|opText, string(bridge.AppendMessage(nil, &bridge.Hello{Token: w.agent})))
	f.Fuzz(func(t *testing.T, known bool, sent []byte) {
		here := *w
		here.t = t
		raw := here.raw()
		if known {
			raw.Write(hello)
		}
		raw.Write(sent)
		// The end of the page's bytes, and then the proxy's.
		raw.(interface{ CloseWrite() error }).CloseWrite()
		raw.SetReadDeadline(time.Now().Add(wait))
		answer, _ := io.ReadAll(raw)
		raw.Close()
		require.True(t, !known || bytes.Contains(answer, []byte(`"welcome"`)) || bytes.Contains(answer, []byte(`"fail"`)), "%q", answer)
		require.NotContains(t, said.String(), "panic")
	})
}
