package backup_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/backup"
	"attache/proxy/engine"
	"attache/proxy/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

// dataDir has a shorter path than t.TempDir, which includes the test's name: a socket's is
// bounded.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "data")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func start(t *testing.T, dir string) *engine.Engine {
	t.Helper()
	e, err := engineStart(t, dir)
	require.NoError(t, err)
	return e
}

func engineStart(t *testing.T, dir string) (*engine.Engine, error) {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: dir})
	if err == nil {
		t.Cleanup(e.Close)
	}
	return e, err
}

func create(t *testing.T, data, dir string) backup.Result {
	t.Helper()
	r, err := backup.Create(t.Context(), backup.Options{Data: data, Dir: dir})
	require.NoError(t, err)
	return r
}

func restore(t *testing.T, dir string) (data string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "restored")
	_, err := backup.Restore(t.Context(), backup.RestoreOptions{Data: data, Dir: dir, Verify: true})
	require.NoError(t, err)
	return data
}

func TestSocketIsPrivateAndReplacesADeadOne(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, "backup.sock")})
	require.NoError(t, err)
	dead.SetUnlinkOnClose(false)
	dead.Close()
	s := backup.Listen(start(t, dir), slog.New(slog.DiscardHandler))
	defer s.Close()
	info, err := os.Lstat(filepath.Join(dir, "backup.sock"))
	require.NoError(t, err)
	require.Equal(t, os.ModeSocket|0o600, info.Mode())
	create(t, dir, t.TempDir())
	s.Close()
	require.NoFileExists(t, filepath.Join(dir, "backup.sock"))
}

// The server runs on, because only the backup needs the socket.
func TestSocketWithATooLongPathIsOnlyLogged(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	var out bytes.Buffer
	e := start(t, dir)
	s := backup.Listen(e, slog.New(slog.NewTextHandler(&out, nil)))
	defer s.Close()
	require.Contains(t, out.String(), "give the data directory a shorter path")
	_, err := backup.Create(t.Context(), backup.Options{Data: dir, Dir: t.TempDir()})
	require.ErrorContains(t, err, "does not offer its socket backup.sock")
	e.Close()
	create(t, dir, t.TempDir())
}

// The volume may have been unmounted and mounted again meanwhile.
func TestSocketIsReplacedAfterAnOutage(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	e := start(t, dir)
	s := backup.Listen(e, slog.New(slog.DiscardHandler))
	defer s.Close()
	require.NoError(t, os.Remove(filepath.Join(dir, "backup.sock")))
	e.Volume().WriteFailed(errors.New("input/output error"))
	require.Eventually(t, func() bool {
		_, err := os.Lstat(filepath.Join(dir, "backup.sock"))
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	create(t, dir, t.TempDir())
}

// The owner could not open what another user's engine makes.
func TestDirectoryOfAnotherUserIsNotOpened(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	start(t, dir).Close()
	if err := os.Chown(dir, 12345, -1); err != nil {
		t.Skip("only root can give a directory to another user: ", err)
	}
	_, err := backup.Create(t.Context(), backup.Options{Data: dir, Dir: t.TempDir()})
	require.ErrorContains(t, err, "run this as its owner, user 12345")
}

func TestBackupEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	e := start(t, dir)
	s := backup.Listen(e, slog.New(slog.DiscardHandler))
	c, err := net.Dial("unix", filepath.Join(dir, "backup.sock"))
	require.NoError(t, err)
	defer c.Close()
	first := make([]byte, 4)
	_, err = c.Read(first)
	require.NoError(t, err)
	require.Equal(t, "INFO", string(first))
	s.Close() // waits for its goroutines
	for err == nil {
		_, err = c.Read(first)
	}
	require.NoFileExists(t, filepath.Join(dir, "backup.sock"))
}

func TestSocketOfAnEmptyDirectoryCannotBeBackedUp(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	_, err := backup.Create(t.Context(), backup.Options{Data: dir, Dir: t.TempDir()})
	require.ErrorContains(t, err, "is not a data directory")
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, names)
}
