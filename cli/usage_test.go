package cli_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/token"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	require.Equal(t, outcome{out: "attache v1.2.3-test\n"}, run(t, command(t, "version")))
}

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
		"no option to set":               {[]string{"limits", "set"}, 2, "attache: see attache limits set --help\n"},
		"unknown flag":                   {[]string{"serve", "--bogus"}, 2, "unknown flag --bogus\nattache: see attache serve --help"},
		"no origin":                      {serve("--data", "d", "--token-secret-file", file), 2, "--origin"},
		"no store":                       {serve("--origin", "https://desk.example", "--token-secret-file", file), 2, "--data=DIR or --nats=URL"},
		"an empty directory's name":      {serve("--origin", "https://desk.example", "--token-secret-file", file, "--data", ""), 2, "--data: is empty: name a file or directory"},
		"an empty file's name":           {whole("--tls-cert="), 2, "--tls-cert: is empty"},
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
