// Package clamdtest runs ClamAV's daemon for tests, with one signature: the
// EICAR test file at the beginning of a file, as the official one has it.
//
//	d := clamdtest.Start(t, clamdtest.Tuned)
//	client, err := clamd.New(d.Socket, clamd.Options{MaxSize: clamdtest.MaxSize})
//
// Where the daemon is not installed, the test is skipped.
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
	// MaxSize is the size in bytes of the largest file to show it. It takes four
	// times as much of a stream, and looks at half as much of a file.
	MaxSize = 2 << 20
	// Tuned are the options with which it says where it has not looked.
	Tuned = "AlertExceedsMax yes\nAlertEncrypted yes\n"
)

// Daemon is a running one.
type Daemon struct {
	Socket string // path of the Unix socket that it listens at
	t      *testing.T
	cmd    *exec.Cmd
}

// Start runs a daemon with these further lines of clamd.conf until the test's end.
func Start(t *testing.T, options string) *Daemon {
	t.Helper()
	return start(t, options, "own.ndb", []byte(signature()))
}

// StartDaily runs one that has the signature from a daily database of that time,
// instead of from one of its own.
func StartDaily(t *testing.T, options string, made time.Time) *Daemon {
	t.Helper()
	return start(t, options, "daily.cud", daily(t, made))
}

// signature is EICAR's at the beginning of a file, by the format of .ndb.
func signature() string { return "Own.Eicar:0:0:" + hex.EncodeToString(EICAR()) + "\n" }

func start(t *testing.T, options, name string, database []byte) *Daemon {
	t.Helper()
	path, err := exec.LookPath("clamd")
	if err != nil {
		t.Skip("clamd is missing: ci/deps.sh installs it, or apt-get install clamav-daemon")
	}
	dir, err := os.MkdirTemp("", "clamd") // a socket's path may have 107 bytes
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

// Hold stops it where it is, so that what it is asked stays unanswered until
// Release.
func (d *Daemon) Hold() {
	d.t.Helper()
	require.NoError(d.t, d.cmd.Process.Signal(syscall.SIGSTOP))
}

// Release lets it go on.
func (d *Daemon) Release() {
	d.t.Helper()
	require.NoError(d.t, d.cmd.Process.Signal(syscall.SIGCONT))
}

// EICAR is the test file that every scanner knows and that harms nobody, put
// together here so that no scanner finds this source.
func EICAR() []byte {
	return []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$` + "EICAR" + `-STANDARD-ANTIVIRUS-` + `TEST-FILE!$H+H*`)
}
