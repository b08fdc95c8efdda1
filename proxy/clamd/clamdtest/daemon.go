// Package clamdtest runs ClamAV's daemon for tests, with one signature: the
// EICAR test file at the beginning of a file, like the official one.
//
//	d := clamdtest.Start(t, clamdtest.Tuned)
//	client, err := clamd.New(d.Socket, clamd.Options{MaxSize: clamdtest.MaxSize})
//
// If the daemon is not installed, the test is skipped.
package clamdtest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/clamd"
)

const (
	// MaxSize is the size, in bytes, of the largest file to scan. The daemon's limit for a
	// stream is four times as much, and for one file within it half as much.
	MaxSize = 2 << 20
	// Tuned are the options that make the daemon report content it has not scanned.
	Tuned = "AlertExceedsMax yes\nAlertEncrypted yes\n"
)

// Daemon is a running clamd.
type Daemon struct {
	Socket string // path of its Unix socket
	t      *testing.T
	cmd    *exec.Cmd
}

// Start runs a daemon until the test's end, with these additional lines in clamd.conf.
func Start(t *testing.T, options string) *Daemon {
	t.Helper()
	return start(t, options, "own.ndb", []byte(signature()))
}

// StartDaily runs a daemon that has the signature in a daily database made at that time.
func StartDaily(t *testing.T, options string, made time.Time) *Daemon {
	t.Helper()
	return start(t, options, "daily.cud", daily(t, made))
}

// signature matches EICAR at the beginning of a file, in the format .ndb.
func signature() string { return "Own.Eicar:0:0:" + hex.EncodeToString(clamd.EICAR()) + "\n" }

func start(t *testing.T, options, name string, database []byte) *Daemon {
	t.Helper()
	path, err := exec.LookPath("clamd")
	if err != nil {
		t.Skip("clamd is missing: ci/deps.sh installs it, or apt-get install clamav-daemon")
	}
	dir, err := os.MkdirTemp("", "clamd") // a socket's path has at most 107 bytes
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &Daemon{Socket: filepath.Join(dir, "s"), t: t}
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), database, 0o600))
	config := filepath.Join(dir, "clamd.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, "Foreground yes\nDatabaseDirectory %s\nLocalSocket %s\nUser root\nTemporaryDirectory %s\n"+
		"StreamMaxLength %d\nMaxScanSize %d\nMaxFileSize %d\n%s", dir, d.Socket, dir, 4*MaxSize, MaxSize/2, MaxSize/2, options), 0o600))
	var log bytes.Buffer
	d.cmd = exec.Command(path, "--config-file="+config)
	d.cmd.Stdout, d.cmd.Stderr = &log, &log
	require.NoError(t, d.cmd.Start())
	t.Cleanup(func() { d.cmd.Process.Kill(); d.cmd.Wait() })
	client, err := clamd.New(d.Socket, clamd.Options{})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return client.Ping(t.Context()) == nil }, time.Minute, 20*time.Millisecond, "clamd does not start")
	return d
}

// Suspend stops the daemon, so that requests stay unanswered until Resume.
func (d *Daemon) Suspend() {
	d.t.Helper()
	require.NoError(d.t, d.cmd.Process.Signal(syscall.SIGSTOP))
}

// Resume continues a suspended daemon.
func (d *Daemon) Resume() {
	d.t.Helper()
	require.NoError(d.t, d.cmd.Process.Signal(syscall.SIGCONT))
}
