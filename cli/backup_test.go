package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/wasm/page"
)

// A page sends files, the directory is backed up while the proxy runs, and then again after
// the proxy was killed. A page at a proxy on the restored directory gets every file.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	data, backups := t.TempDir(), t.TempDir()
	const origin = "https://desk.example"
	serve := func(data string) *daemon {
		return start(t, command(t, "serve", "--listen", "127.0.0.1:0", "--admin", "", "--scanner", "off",
			"--origin", origin, "--data", data, "--token-secret", secret))
	}
	pass := mint(t, "s1", "kim", bridge.Agent)
	visit := func(d *daemon) *page.Page {
		p := page.Open(page.Options{
			Address: func() string { return address.FindString(d.line) }, Token: pass, Origin: origin,
			Heard: func(string, *bridge.Upload) {}, Saw: func(bridge.Event) {},
		})
		t.Cleanup(p.Close)
		return p
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	d := serve(data)
	agent := visit(d)
	sent := map[string][]byte{}
	send := func(n int) {
		u := &page.Upload{Key: fmt.Sprintf("%032x", n), Name: "a.bin", Content: noise(n)}
		require.NoError(t, agent.Send(ctx, u))
		require.Empty(t, u.Code)
		sent[u.Key] = u.Content
	}
	send(1)
	send(2_000_000)
	first := run(t, command(t, "backup", "--data", data, backups))
	require.Zero(t, first.code, first.log)
	require.Regexp(t, `^backup .*Z: 2 files, [\d.]+ M?B, of which [\d.]+ M?B were not in an earlier backup\n$`, first.out)
	send(100_000)
	agent.Close()
	require.NoError(t, d.cmd.Process.Signal(syscall.SIGKILL))
	d.wait()
	require.FileExists(t, filepath.Join(data, "backup.sock"), "a dead process leaves it")
	second := run(t, command(t, "backup", "--data", data, backups))
	require.Zero(t, second.code, second.log)
	require.Contains(t, second.out, ": 3 files, ")

	restored := filepath.Join(t.TempDir(), "restored")
	got := run(t, command(t, "restore", "--verify", "--data", restored, backups))
	require.Zero(t, got.code, got.log)
	require.Contains(t, got.out, "restored "+restored+" from "+backups)
	again := run(t, command(t, "restore", "--data", restored, backups))
	require.Equal(t, 1, again.code)
	require.Contains(t, again.log, "the directory is not empty")

	reader := visit(serve(restored))
	require.NoError(t, reader.CatchUp(ctx, 4)) // she joined, and three files
	files := 0
	for _, s := range reader.Sights() {
		f, err := bridge.DecodeFile(s.Event)
		if err != nil {
			continue
		}
		files++
		fetched, err := reader.Download(ctx, f.ID, f.Key)
		require.NoError(t, err)
		require.Equal(t, sum(sent[f.Key]), fetched.SHA256[:])
	}
	require.Equal(t, len(sent), files)
}

// No proxy takes what a killed restore has left for the whole.
func TestKilledRestoreIsNotServed(t *testing.T) {
	t.Parallel()
	data, backups := t.TempDir(), t.TempDir()
	d := start(t, command(t, "serve", "--listen", "127.0.0.1:0", "--admin", "", "--scanner", "off",
		"--origin", "https://desk.example", "--data", data, "--token-secret", secret))
	d.signal()
	d.wait()
	require.NoFileExists(t, filepath.Join(data, "backup.sock"))
	require.Zero(t, run(t, command(t, "backup", "--data", data, backups)).code)
	// It waits for this stream.
	stream, err := filepath.Glob(filepath.Join(backups, "*", "streams", "CHAT", "stream.arc.s2"))
	require.NoError(t, err)
	require.Len(t, stream, 1)
	require.NoError(t, os.Remove(stream[0]))
	require.NoError(t, syscall.Mkfifo(stream[0], 0o600))
	restored := filepath.Join(t.TempDir(), "restored")
	c := command(t, "restore", "--data", restored, backups)
	require.NoError(t, c.Start())
	pipe, err := os.OpenFile(stream[0], os.O_WRONLY, 0) // returns when it is read
	require.NoError(t, err)
	defer pipe.Close()
	require.NoError(t, c.Process.Kill())
	require.Error(t, c.Wait())
	got := run(t, command(t, "serve", "--listen", "127.0.0.1:0", "--admin", "", "--scanner", "off",
		"--origin", "https://desk.example", "--data", restored, "--token-secret", secret))
	require.Equal(t, 1, got.code)
	require.Contains(t, got.log, "attache restore was interrupted: empty it, and restore again")
}
