package cli

import (
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

// B66: Compose passes "" for what its file leaves open.
func TestB66EmptyVariableIsNotSet(t *testing.T) {
	for _, name := range []string{"TLS_CERT", "TLS_KEY", "UPLOAD_NEED_AGENT", "UPLOAD_MAX_FILES", "SCANNER", "TOKEN_SECRET_FILE", "ORIGIN", "LOG_LEVEL", "SIGNATURES_MAX_AGE"} {
		t.Setenv("ATTACHE_"+name, "")
	}
	// The one remaining mistake shows that all of these were read.
	says := refused(t, serveWith(t, "--party-sockets=0")...)
	require.Equal(t, 1, strings.Count(says, "\n"), says)
	require.Contains(t, says, "--party-sockets=0")

	t.Setenv("ATTACHE_ADMIN", "")
	says = refused(t, "serve", "--scanner=off", "--listen=127.0.0.1:8372", "--origin=https://desk.example", "--token-secret="+longSecret, "--data="+t.TempDir(), "--party-sockets=0")
	require.NotContains(t, says, "--admin", "its empty value means none, and its default would be the same address")
}

// B66: a variable that sets nothing is logged; those that Kubernetes gives a pod for the
// services around it are not.
func TestB66UnknownVariableIsLogged(t *testing.T) {
	var code int
	parser, err := kong.New(&command{}, options(io.Discard, io.Discard, &code)...)
	require.NoError(t, err)
	require.Equal(t, []string{"ATTACHE_ORIGINS", "ATTACHE_UPLOAD_MAX_SIZE"}, strays(parser.Model.Node, []string{
		"ATTACHE_UPLOAD_MAX_SIZE=5", "ATTACHE_ORIGINS=https://desk.example", "ATTACHE_ORIGIN=https://desk.example", "ATTACHE_RIGHT=chat",
		"ATTACHE_PORT=tcp://10.0.0.1:8371", "ATTACHE_SERVICE_HOST=10.0.0.1", "ATTACHE_PORT_8371_TCP=tcp://10.0.0.1:8371", "HOME=/root", inheritedChild + "=3",
	}))
	var log strings.Builder
	streams{strays: []string{"ATTACHE_ORIGINS"}}.warn(logFlags{LogFormat: "json"}.logger(&log))
	require.Contains(t, log.String(), `"name":"ATTACHE_ORIGINS"`)
}

// B68: one request that is delivered twice does not cut the drain short.
func TestB68DuplicateSignalIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		interrupted := make(chan os.Signal, 2)
		first := time.Now()
		time.AfterFunc(time.Millisecond, func() { interrupted <- os.Interrupt })
		time.AfterFunc(3*time.Second, func() { interrupted <- os.Interrupt })
		secondSignal(interrupted)
		require.Equal(t, 3*time.Second, time.Since(first))
	})
}

func TestB66CommonSpellingsOfHelpAndVersion(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--version"}, "attache " + release()},
		{[]string{"help"}, "Usage: attache <command>"},
		{[]string{"help", "serve"}, "Usage: attache serve --origin=URL,... (--data=DIR | --nats=URL) [flags]"},
		{[]string{"backend", "--help"}, "Usage: attache backend (--data=DIR | --nats=URL) [flags]"},
	} {
		var out strings.Builder
		require.Zero(t, run(nil, c.args, &out, io.Discard), "%q", c.args)
		require.Contains(t, out.String(), c.says)
	}
}
