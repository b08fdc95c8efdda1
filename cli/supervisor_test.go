package cli_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pull posts to the demo's plug as a page of that origin would.
func pull(t *testing.T, at, origin string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+"/demo/plug", nil)
	require.NoError(t, err)
	if origin != "" {
		request.Header.Set("Origin", origin)
	}
	response, err := (&http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	require.NoError(t, err)
	response.Body.Close()
	return response.StatusCode
}

// children are the processes that any thread of a process has started; the
// demo's is one.
func children(t *testing.T, pid int) (list []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	require.NoError(t, err)
	if len(lists) == 0 {
		t.Skip("this system does not list a process's children")
	}
	for _, path := range lists {
		out, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, field := range strings.Fields(string(out)) {
			child, err := strconv.Atoi(field)
			require.NoError(t, err)
			list = append(list, child)
		}
	}
	return list
}

func (d *daemon) child(not int) (pid int) {
	d.t.Helper()
	require.Eventually(d.t, func() bool {
		list := children(d.t, d.cmd.Process.Pid)
		if len(list) == 1 && list[0] != not {
			pid = list[0]
		}
		return pid != 0
	}, patience, 10*time.Millisecond)
	return pid
}

func startDemo(t *testing.T) (d *daemon, at string) {
	t.Helper()
	d = start(t, command(t, "demo", "--listen", "127.0.0.1:0", "--data", t.TempDir()))
	return d, address.FindString(d.line)
}

func TestPulledPlugRestartsTheDemo(t *testing.T) {
	t.Parallel()
	d, at := startDemo(t)
	before := d.tokens("?session=mine")
	first := d.child(0)
	require.Equal(t, http.StatusAccepted, pull(t, at, at))
	require.NotEqual(t, first, d.child(first))
	// The new child may not serve yet: connections wait in the socket's queue.
	require.Equal(t, before.Session, d.tokens("?session=mine").Session)
	d.signal()
	require.Empty(t, d.wait(), "the address is printed once")
	require.Zero(t, d.cmd.ProcessState.ExitCode(), d.log.String())
	require.Contains(t, d.log.String(), "the plug was pulled")
}

func TestT1OnlyTheDemosPagePullsThePlug(t *testing.T) {
	t.Parallel()
	d, at := startDemo(t)
	child := d.child(0)
	for _, origin := range []string{"", "null", "http://evil.example", "https://" + strings.TrimPrefix(at, "http://"), at + ".evil.example"} {
		require.Equal(t, http.StatusForbidden, pull(t, at, origin), origin)
	}
	status, _, _ := get(t, at+"/demo/plug")
	require.Equal(t, http.StatusMethodNotAllowed, status)
	require.Equal(t, child, d.child(0), "it keeps running")
}

func TestServeHasNoPlug(t *testing.T) {
	t.Parallel()
	_, public, _ := startServe(t)
	require.Equal(t, http.StatusNotFound, pull(t, public, public))
}

func TestDemoThatExitsIsRestarted(t *testing.T) {
	t.Parallel()
	d, _ := startDemo(t)
	child := d.child(0)
	require.NoError(t, syscall.Kill(child, syscall.SIGKILL))
	require.NotEmpty(t, d.tokens("").Session)
	require.NotEqual(t, child, d.child(child))
	d.signal()
	require.Empty(t, d.wait())
	require.Zero(t, d.cmd.ProcessState.ExitCode(), d.log.String())
	require.Contains(t, d.log.String(), "restarting it")
}

func TestDemoLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	d, _ := startDemo(t)
	child := d.child(0)
	require.NoError(t, d.cmd.Process.Kill())
	d.wait()
	require.Eventually(t, func() bool { return gone(child) }, patience, 10*time.Millisecond)
}

// gone reports whether a process has ended, even if its exit code was not collected yet.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || regexp.MustCompile(`\) Z `).Match(stat)
}

// TestSecondSignalEndsTheDemo delays the drain with a request that does not end.
func TestSecondSignalEndsTheDemo(t *testing.T) {
	t.Parallel()
	d, at := startDemo(t)
	child := d.child(0)
	conn, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("GET /web/attache.js HTTP/1.1\r\nHost: attache\r\n"))
	require.NoError(t, err)
	status, _, _ := get(t, at+"/web/attache.js")
	require.Equal(t, http.StatusOK, status)
	d.signal()
	require.Eventually(t, func() bool {
		another, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
		if err == nil {
			another.Close()
		}
		return err != nil
	}, patience, time.Millisecond, "it accepts no more connections")
	d.insist()
	require.Equal(t, 1, d.cmd.ProcessState.ExitCode(), d.log.String())
	require.Contains(t, d.log.String(), "without draining")
	require.True(t, gone(child))
}

// B68: timeout(1) and npm deliver one request twice; the demo still drains.
func TestB68DuplicateSignalDrainsTheDemo(t *testing.T) {
	t.Parallel()
	d, _ := startDemo(t)
	d.signal()
	d.signal()
	d.signal()
	d.wait()
	require.Zero(t, d.cmd.ProcessState.ExitCode(), d.log.String())
	require.NotContains(t, d.log.String(), "without draining")
}
