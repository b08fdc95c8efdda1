package cli

import (
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/engine"
	"attache/proxy/guests"
	"attache/proxy/limits"
)

// One machine's tools have one address, and none of them evicts another one.
func TestAdminAddress_TakesManyConnectionsOfOneAddress(t *testing.T) {
	l, err := listen("--admin", "127.0.0.1:0")
	require.NoError(t, err)
	s := &service{admin: l, log: slog.New(slog.DiscardHandler)}
	var serving sync.WaitGroup
	serving.Go(func() { s.serveAdmin() })
	defer serving.Wait()
	defer l.Close()
	conns := make([]net.Conn, maxAdminConnections)
	for i := range conns {
		conns[i], err = net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer conns[i].Close()
	}
	// Connections are accepted in the order in which they were dialled: the answer to the
	// last one shows that the first one, too, has been accepted, and would be evicted by now.
	for _, i := range []int{maxAdminConnections - 1, 0} {
		_, err = io.WriteString(conns[i], "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		answer, err := io.ReadAll(conns[i])
		require.NoError(t, err)
		require.Contains(t, string(answer), "200 OK")
	}
}

// A person reads and changes the limits of a running proxy through its admin address.
func TestLimitsCommand(t *testing.T) {
	e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	defer e.Close()
	store, err := limits.Open(t.Context(), e, limits.StoreOptions{Base: limits.Standard()})
	require.NoError(t, err)
	defer store.Close()
	s := &service{limits: limits.NewHandler(limits.HandlerOptions{Store: store})}
	admin := httptest.NewServer(guests.Handler(s.adminHandler(), guests.TimedBodies))
	defer admin.Close()
	command := func(args ...string) (code int, out, log string) {
		var o, l strings.Builder
		code = run(nil, append([]string{"limits"}, args...), &o, &l)
		return code, o.String(), l.String()
	}

	code, out, log := command("get", "--admin="+admin.URL)
	require.Zero(t, code, log)
	require.Contains(t, out, "upload-max-files=3\n")
	require.Contains(t, out, "delete-file=odd\n")

	code, out, log = command("set", "--admin="+strings.TrimPrefix(admin.URL, "http://"), "--by=eva", "upload-max-files=0", "upload-file-types=pdf:png", "upload-need-agent=true", "agent-max-files=-1")
	require.Zero(t, code, log)
	require.Contains(t, out, "upload-file-types=pdf:png\n")
	require.Contains(t, out, "by eva")
	require.EqualValues(t, 0, store.Current().Settings.UploadMaxFiles)
	require.True(t, store.Current().Settings.UploadNeedAgent)

	before := store.Current()
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"unknown and unreadable options, all at once": {[]string{"set", "--admin=" + admin.URL, "upload-most-files=1", "upload-max-files=many", "delete-file"}, []string{"no such option", "a whole number", "NAME=VALUE"}},
		"values that the proxy refuses":               {[]string{"set", "--admin=" + admin.URL, "upload-max-files=-7", "delete-file=even"}, []string{"-1 for no limit", "odd, keep, off"}},
		"an option that is set twice":                 {[]string{"set", "--admin=" + admin.URL, "upload-max-files=1", "upload-max-files=2"}, []string{"upload-max-files is set twice: remove one"}},
		"a name with a control character":             {[]string{"set", "--admin=" + admin.URL, "--by=eva\x1b[2J", "upload-max-files=1"}, []string{"--by", "control characters"}},
		"a name with a line end":                      {[]string{"set", "--admin=" + admin.URL, "--by=eva\r\nX: y", "upload-max-files=1"}, []string{"--by", "control characters"}},
		"no proxy":                                    {[]string{"get", "--admin=http://127.0.0.1:1"}, []string{"check --admin"}},
		"a size with a unit":                          {[]string{"set", "--admin=" + admin.URL, "upload-max-file-size=2MB"}, []string{"attache: upload-max-file-size: \"2MB\" is not a whole number: write bytes, such as 2097152\n"}},
		"an empty address":                            {[]string{"get", "--admin="}, []string{"there is no admin address: name it with --admin"}},
		"another server":                              {[]string{"get", "--admin=" + admin.URL + "/elsewhere"}, []string{"404"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, log := command(c.args...)
			require.Equal(t, 1, code)
			for _, words := range c.says {
				require.Contains(t, log, words)
			}
		})
	}
	require.Equal(t, before, store.Current())
}
