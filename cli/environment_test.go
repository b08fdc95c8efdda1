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

// B66: what a file of Compose leaves open is not set.
func TestB66AnEmptyVariableCountsAsNotSet(t *testing.T) {
	for _, name := range []string{"TLS_CERT", "TLS_KEY", "UPLOAD_NEED_AGENT", "UPLOAD_MAX_FILES", "SCANNER", "TOKEN_SECRET_FILE", "ORIGIN", "LOG_LEVEL", "SIGNATURES_MAX_AGE"} {
		t.Setenv("ATTACHE_"+name, "")
	}
	// The one mistake that is left shows that all of these were read.
	says := refused(t, serveWith(t, "--party-sockets=0")...)
	require.Equal(t, 1, strings.Count(says, "\n"), says)
	require.Contains(t, says, "--party-sockets=0")

	t.Setenv("ATTACHE_ADMIN", "")
	says = refused(t, "serve", "--scanner=off", "--listen=127.0.0.1:8372", "--origin=https://desk.example", "--token-secret="+longSecret, "--data="+t.TempDir(), "--party-sockets=0")
	require.NotContains(t, says, "--admin", "its empty value means none, and its default would be the same address")
}

// B66: a name that sets nothing is told; what Kubernetes tells a pod of the services around
// it is no such name.
func TestB66AVariableThatSetsNothing(t *testing.T) {
	var code int
	parser, err := kong.New(&command{}, options(io.Discard, io.Discard, &code)...)
	require.NoError(t, err)
	require.Equal(t, []string{"ATTACHE_ORIGINS", "ATTACHE_UPLOAD_MAX_SIZE"}, strays(parser.Model.Node, []string{
		"ATTACHE_UPLOAD_MAX_SIZE=5", "ATTACHE_ORIGINS=https://desk.example", "ATTACHE_ORIGIN=https://desk.example", "ATTACHE_RIGHT=chat",
		"ATTACHE_PORT=tcp://10.0.0.1:8371", "ATTACHE_SERVICE_HOST=10.0.0.1", "ATTACHE_PORT_8371_TCP=tcp://10.0.0.1:8371", "HOME=/root", inherited + "=3",
	}))
	var log strings.Builder
	streams{strays: []string{"ATTACHE_ORIGINS"}}.warn(logging{LogFormat: "json"}.logger(&log))
	require.Contains(t, log.String(), `"name":"ATTACHE_ORIGINS"`)
}

// B68: one wish that is delivered twice does not cut the drain short.
func TestB68ASignalDeliveredTwiceIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		interrupted := make(chan os.Signal, 2)
		begun := time.Now()
		time.AfterFunc(time.Millisecond, func() { interrupted <- os.Interrupt })
		time.AfterFunc(3*time.Second, func() { interrupted <- os.Interrupt })
		another(interrupted)
		require.Equal(t, 3*time.Second, time.Since(begun))
	})
}

func TestB66WhatOtherCommandsUnderstand(t *testing.T) {
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
