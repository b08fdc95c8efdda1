package cli_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"attache/bridge"
)

type tokens struct {
	URL        *string
	Session    string
	Agent      struct{ Token string }
	Customer   struct{ Token string }
	Supervisor struct{ Token string }
}

func (d *daemon) tokens(query string) (got tokens) {
	d.t.Helper()
	status, header, body := get(d.t, address.FindString(d.line)+"/demo/session.json"+query)
	require.Equal(d.t, http.StatusOK, status)
	require.Equal(d.t, "no-store", header.Get("Cache-Control"))
	require.Empty(d.t, header.Get("Access-Control-Allow-Origin"))
	require.Equal(d.t, "nosniff", header.Get("X-Content-Type-Options"))
	require.Equal(d.t, "same-origin", header.Get("Cross-Origin-Resource-Policy"))
	require.NoError(d.t, json.Unmarshal([]byte(body), &got))
	return got
}

func TestDemo(t *testing.T) {
	t.Parallel()
	d := start(t, command(t, "demo", "--listen", "127.0.0.1:0", "--data", t.TempDir()))
	at := address.FindString(d.line)
	require.Equal(t, "open "+at+"/\n", d.line)
	status, header, page := get(t, at+"/")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "<attache-chat")
	policy := header.Get("Content-Security-Policy")
	require.Contains(t, policy, "connect-src 'self' ws://"+strings.TrimPrefix(at, "http://")+";")
	require.NotContains(t, policy, "unsafe-inline")
	for _, script := range regexp.MustCompile(`(?:src|href)="(web/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		status, _, _ = get(t, at+"/"+script[1])
		require.Equal(t, http.StatusOK, status, script[1])
	}

	first, second := d.tokens(""), d.tokens("")
	require.Nil(t, first.URL)
	require.NotEqual(t, first.Session, second.Session)
	require.NotEqual(t, first.Agent.Token, first.Customer.Token)
	require.NotEmpty(t, first.Supervisor.Token)
	require.Equal(t, "mine", d.tokens("?session=mine").Session)
	status, _, _ = get(t, at+"/demo/session.json?session=a.b")
	require.Equal(t, http.StatusBadRequest, status)

	d.signal()
	require.Empty(t, d.wait())
	require.Zero(t, d.cmd.ProcessState.ExitCode(), d.log.String())
	require.NotContains(t, d.log.String(), "eyJ", "the log holds no token")
}

// TestT1DemoAtAnotherName asks under a name that an attacker made point at loopback.
func TestT1DemoAtAnotherName(t *testing.T) {
	t.Parallel()
	d := start(t, command(t, "demo", "--listen", "127.0.0.1:0", "--data", t.TempDir()))
	at := address.FindString(d.line)
	port := at[strings.LastIndex(at, ":"):]
	for host, want := range map[string]int{
		"127.0.0.1" + port: http.StatusOK, "localhost" + port: http.StatusOK,
		"evil.example" + port: http.StatusMisdirectedRequest, "evil.example": http.StatusMisdirectedRequest,
		"localhost.evil.example" + port: http.StatusMisdirectedRequest, "localhost": http.StatusMisdirectedRequest,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/demo/session.json", nil)
		require.NoError(t, err)
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, want, response.StatusCode, host)
	}
}

// TestDemoTokensSurvive kills the demo and starts it again: an open page resumes with
// the token it has.
func TestDemoTokensSurvive(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	d := start(t, command(t, "demo", "--listen", "127.0.0.1:0", "--data", data))
	old := d.tokens("")
	require.NoError(t, d.cmd.Process.Kill())
	d.wait()

	d = start(t, command(t, "demo", "--listen", "127.0.0.1:0", "--data", data))
	at := address.FindString(d.line)
	conn, _, err := websocket.Dial(t.Context(), at+bridge.PathChat, &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {at}}, Subprotocols: []string{bridge.Subprotocol},
	})
	require.NoError(t, err)
	defer conn.CloseNow()
	hello := bridge.AppendMessage(nil, &bridge.Hello{Token: old.Agent.Token})
	require.NoError(t, conn.Write(t.Context(), websocket.MessageText, hello))
	_, answer, err := conn.Read(t.Context())
	require.NoError(t, err)
	m, err := bridge.FromProxy(answer)
	require.NoError(t, err)
	require.IsType(t, &bridge.Welcome{}, m)
	require.Equal(t, old.Session, m.(*bridge.Welcome).Session)
}
