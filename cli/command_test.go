package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/proxytest"
	"attache/proxy/token"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// commandVar names the command to this test binary where a test runs it again,
// alone in a network of its own.
const commandVar = "ATTACHE_TEST_COMMAND"

// binary is the command, built as a release is.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "attache-test-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "attache")
	out, err := exec.Command("go", "build", "-ldflags", "-X attache/bridge.Version=v1.2.3-test", "-o", path, "attache").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	proxytest.SideBySide()
	code := m.Run()
	if os.Getenv(commandVar) != "" {
		os.Exit(code) // the caller built the command, and removes it
	}
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), path, args...)
	// Only what a test sets itself may configure the command.
	c.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	return c
}

// outcome is what a command that ends by itself leaves.
type outcome struct {
	code     int
	out, log string
}

func run(t *testing.T, c *exec.Cmd) outcome {
	t.Helper()
	var out, log bytes.Buffer
	c.Stdout, c.Stderr = &out, &log
	require.NoError(t, c.Start())
	late := time.AfterFunc(patience, func() { c.Process.Kill() })
	defer late.Stop()
	err := c.Wait()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		require.NoError(t, err)
	}
	return outcome{c.ProcessState.ExitCode(), out.String(), log.String()}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	require.Equal(t, outcome{out: "attache v1.2.3-test\n"}, run(t, command(t, "version")))
}

const secret = "0123456789abcdef0123456789abcdef"

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	silent := startSilent(t)
	serve := func(more ...string) []string {
		return append([]string{"serve", "--listen", "127.0.0.1:0", "--admin", "", "--scanner", "off"}, more...)
	}
	whole := func(more ...string) []string {
		return append(serve("--origin", "https://desk.example", "--token-secret-file", file, "--data", t.TempDir()), more...)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no command":                     {nil, 2, "demo"},
		"unknown command":                {[]string{"destroy"}, 2, "destroy"},
		"unknown flag":                   {[]string{"serve", "--bogus"}, 2, "unknown flag --bogus\nattache: see attache serve --help"},
		"no origin":                      {serve("--data", "d", "--token-secret-file", file), 2, "--origin"},
		"no store":                       {serve("--origin", "https://desk.example", "--token-secret-file", file), 2, "--data=DIR or --nats=URL"},
		"two stores":                     {whole("--nats", "nats://127.0.0.1"), 2, "--data and --nats"},
		"no day to keep":                 {whole("--keep-days=0"), 1, "at least 1"},
		"no keys":                        {serve("--origin", "https://desk.example", "--data", t.TempDir()), 1, "--token-secret-file or --jwks"},
		"two kinds of keys":              {whole("--jwks", "keys.json"), 1, "are both set"},
		"a short secret":                 {serve("--origin", "https://desk.example", "--data", t.TempDir(), "--token-secret", "short"), 1, "5 bytes and needs 32"},
		"two secrets":                    {whole("--token-secret", secret), 2, "--token-secret and --token-secret-file"},
		"an origin with a path":          {whole("--origin", "https://desk.example/chat"), 1, "https://desk.example/chat"},
		"half of TLS":                    {whole("--tls-cert", file), 1, "go together"},
		"a port that is taken":           {whole("--listen", taken.Addr().String()), 1, "choose another one with --listen"},
		"no server at the cluster's URL": {serve("--origin", "https://desk.example", "--token-secret-file", file, "--nats", "nats://127.0.0.1:1"), 1, "no servers available for connection: check --nats"},
		"a demo on every interface":      {[]string{"demo", "--listen", "0.0.0.0:0"}, 1, "loopback"},
		"a demo without an address":      {[]string{"demo", "--listen", ":0"}, 1, "loopback"},
		"no scanner":                     {whole("--scanner=strict"), 1, "--clamd, or --scanner=off"},
		"no clamd at the address":        {whole("--scanner=strict", "--clamd="+silent.Addr().String()), 1, "failed its self-test"},
		"a backend without a secret":     {whole("--backend=http://127.0.0.1:1"), 1, "--backend-secret-file"},
		"a backend without a scheme":     {whole("--backend=127.0.0.1:1", "--backend-secret", secret), 1, "http://host:port"},
		"nothing to conform":             {[]string{"conform", "--backend=http://127.0.0.1:1", "--backend-secret", secret}, 1, "connection refused"},
		"a short backend secret":         {[]string{"conform", "--backend=http://127.0.0.1:1", "--backend-secret", "short"}, 1, "needs 32"},
		"an audit log nowhere":           {whole("--audit", "-"), 1, "--audit needs a file"},
		"an audit log in a device":       {whole("--audit", os.DevNull), 1, "is not a regular file"},
		"an audit log of nothing":        {[]string{"audit"}, 2, "file"},
		"a token without a secret":       {[]string{"token", "--session", "s", "--user", "u"}, 1, "--token-secret-file"},
		"a token for no right":           {[]string{"token", "--session", "s", "--user", "u", "--right", "fly"}, 2, "--right"},
		"a token for no session":         {[]string{"token", "--session", "a.b", "--user", "u", "--token-secret-file", file}, 1, "session"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, command(t, c.args...))
			require.Equal(t, c.code, got.code, got.log)
			require.Contains(t, got.log, c.says)
			require.True(t, strings.HasPrefix(got.log, "attache: "), got.log)
			require.NotContains(t, got.log, "panic")
			require.Empty(t, got.out)
		})
	}
}

// startSilent listens and hangs up.
func startSilent(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return l
}

// TestServeWaitsForScannerAndBackend starts a proxy before its scanner and its
// backend, and ends it while it waits.
func TestServeWaitsForScannerAndBackend(t *testing.T) {
	t.Parallel()
	for name, more := range map[string][]string{
		"clamd":   {"--scanner=strict", "--clamd=127.0.0.1:1"},
		"backend": {"--scanner=off", "--backend=http://127.0.0.1:1", "--backend-secret", secret},
	} {
		t.Run(name, func(t *testing.T) {
			c := command(t, append([]string{
				"serve", "--listen", "127.0.0.1:0", "--admin", "", "--origin", "https://desk.example", "--data", t.TempDir(), "--token-secret", secret,
			}, more...)...)
			log, err := c.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
			line, err := bufio.NewReader(log).ReadString('\n')
			require.NoError(t, err)
			require.Contains(t, line, "waiting for")
			require.NoError(t, c.Process.Signal(syscall.SIGTERM))
			c.Wait()
			require.Equal(t, 1, c.ProcessState.ExitCode())
		})
	}
}

func TestTokenIsAccepted(t *testing.T) {
	t.Parallel()
	c := command(t, "token", "--session", "chat-1", "--user", "kim", "--nickname", "Kim", "--type", "CLIENT",
		"--right", "chat", "--right", "download", "--life", "5m")
	c.Env = append(c.Env, "ATTACHE_TOKEN_SECRET="+secret)
	got := run(t, c)
	require.Zero(t, got.code, got.log)
	auth, err := token.NewAuthenticator(token.Secret([]byte(secret)))
	require.NoError(t, err)
	who, err := auth.Authenticate(t.Context(), strings.TrimSuffix(got.out, "\n"))
	require.NoError(t, err)
	require.Equal(t, "chat-1", who.Session)
	require.Equal(t, bridge.Party{
		UserID: "kim", Nickname: "Kim", UserType: bridge.Client, Visibility: bridge.All, ClientVersion: bridge.VersionCurrent,
	}, who.Party)
	require.Equal(t, bridge.Rights{bridge.RightChat, bridge.RightDownload}, who.Rights)
	require.WithinDuration(t, time.Now().Add(5*time.Minute), who.Expires, patience)
}

// daemon is a running command.
type daemon struct {
	t    *testing.T
	cmd  *exec.Cmd
	line string // the one it printed
	out  *bufio.Reader
	log  bytes.Buffer // read it once the command has ended
}

var address = regexp.MustCompile(`https?://[^\s/]+`)

// start runs a command until it has printed its line; the test's end kills it.
func start(t *testing.T, c *exec.Cmd) *daemon {
	t.Helper()
	d := &daemon{t: t, cmd: c}
	pipe, err := c.StdoutPipe()
	require.NoError(t, err)
	c.Stderr = &d.log
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		c.Process.Kill()
		d.wait()
	})
	d.out = bufio.NewReader(pipe)
	d.line, err = d.out.ReadString('\n')
	if err != nil {
		c.Wait()
		require.NoError(t, err, d.log.String())
	}
	return d
}

// wait waits for the command's end and returns what else it printed.
func (d *daemon) wait() string {
	rest, _ := io.ReadAll(d.out)
	d.cmd.Wait()
	return string(rest)
}

func (d *daemon) signal() { require.NoError(d.t, d.cmd.Process.Signal(syscall.SIGTERM)) }

// insist signals until the command is gone, as an impatient user does.
func (d *daemon) insist() {
	gone := make(chan struct{})
	defer close(gone)
	go func() {
		for {
			select {
			case <-gone:
				return
			case <-time.After(20 * time.Millisecond):
				d.cmd.Process.Signal(syscall.SIGTERM)
			}
		}
	}()
	require.Empty(d.t, d.wait())
}

func get(t *testing.T, url string) (int, http.Header, string) {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(body)
}

func startServe(t *testing.T, more ...string) (d *daemon, public, admin string) {
	t.Helper()
	d = start(t, command(t, append([]string{
		"serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--scanner", "off", "--origin", "https://desk.example",
		"--data", t.TempDir(), "--token-secret", secret,
	}, more...)...))
	printed := address.FindAllString(d.line, -1)
	require.Len(t, printed, 2, d.line)
	return d, printed[0], printed[1]
}

func TestServeAnswersAndDrains(t *testing.T) {
	t.Parallel()
	d, public, admin := startServe(t, "--log-format", "json", "--log-level", "debug")
	for path, says := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n", "/version": "v1.2.3-test\n"} {
		status, _, body := get(t, admin+path)
		require.Equal(t, http.StatusOK, status, path)
		require.Equal(t, says, body)
		status, _, _ = get(t, public+path)
		require.Equal(t, http.StatusNotFound, status, "%s is for the operator", path)
	}
	status, _, scrape := get(t, admin+"/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, scrape, `attache_build_info{goversion="`+runtime.Version()+`",version="v1.2.3-test"} 1`)
	require.Contains(t, scrape, "\nattache_delivery_queue_length{state=\"waiting\"} 0\n")
	require.Contains(t, scrape, "\nattache_store_free_bytes ")
	status, _, _ = get(t, public+"/metrics")
	require.Equal(t, http.StatusNotFound, status, "/metrics is for the operator")
	status, _, _ = get(t, public+"/web/attache.js")
	require.Equal(t, http.StatusOK, status)
	status, _, _ = get(t, public+"/demo/session.json")
	require.Equal(t, http.StatusNotFound, status, "only the demo gives tokens away")
	status, _, _ = get(t, public+"/web/demo/page.js")
	require.Equal(t, http.StatusNotFound, status, "only the demo serves its page")
	d.signal()
	require.Empty(t, d.wait())
	require.Zero(t, d.cmd.ProcessState.ExitCode(), d.log.String())
	for line := range strings.Lines(d.log.String()) {
		require.True(t, json.Valid([]byte(line)), line)
	}
}

// TestSecondSignalExits delays the drain with a request that does not end.
func TestSecondSignalExits(t *testing.T) {
	t.Parallel()
	d, public, admin := startServe(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(public, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("GET /web/attache.js HTTP/1.1\r\nHost: attache\r\n"))
	require.NoError(t, err)
	// An answer to this one means that the request before has been started.
	status, _, _ := get(t, public+"/web/attache.js")
	require.Equal(t, http.StatusOK, status)
	d.signal()
	require.Eventually(t, func() bool {
		status, _, _ := get(t, admin+"/readyz")
		return status == http.StatusServiceUnavailable
	}, patience, time.Millisecond)
	d.insist()
	require.Equal(t, 1, d.cmd.ProcessState.ExitCode(), d.log.String())
	require.Contains(t, d.log.String(), "without draining")
}

type tokens struct {
	URL      *string
	Session  string
	Agent    struct{ Token string }
	Customer struct{ Token string }
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

// TestDataDirectoryIsLocked starts other commands on the data of a running one.
func TestDataDirectoryIsLocked(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	startServe(t, "--data", data)
	for name, args := range map[string][]string{
		"demo":  {"demo", "--listen", "127.0.0.1:0", "--data", data},
		"serve": {"serve", "--listen", "127.0.0.1:0", "--admin=", "--scanner=off", "--origin=https://desk.example", "--token-secret", secret, "--data", data},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, command(t, args...))
			require.Equal(t, 1, got.code)
			require.Contains(t, got.log, "the data directory "+data+" is in use by another process: stop it, or give this one")
		})
	}
}
