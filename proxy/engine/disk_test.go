package engine_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"attache/bridge"
	"attache/proxy/engine"
)

const (
	patience = time.Minute
	tick     = 10 * time.Millisecond
)

// smallVolume mounts a file system of that size for one test.
func smallVolume(t *testing.T, size string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("a small file system cannot be mounted here: ", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// fill uses a volume up to its last byte, as another program would, and returns a
// function that frees all of it.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "other")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for piece := make([]byte, 4096); err == nil; {
		_, err = f.Write(piece)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	return func() { require.NoError(t, os.Remove(path)) }
}

// publish waits only a moment, because a failed write is never answered.
// publish publishes what the engine must take, however long it needs.
func publish(t *testing.T, e *engine.Engine, subject string, data []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := e.JetStream().Publish(ctx, subject, data)
	require.NoError(t, err)
}

// tryPublish publishes what the engine may refuse, or not answer.
func tryPublish(t *testing.T, e *engine.Engine, subject string, data []byte) error {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := e.JetStream().Publish(ctx, subject, data)
	return err
}

func TestFullDiskRecoversOnceThereIsSpace(t *testing.T) {
	t.Parallel()
	dir := smallVolume(t, "64m")
	e := start(t, engine.Options{Dir: dir, Reserve: 8 << 20})
	_, err := e.JetStream().CreateStream(t.Context(), stream(e))
	require.NoError(t, err)
	followed, stop := context.WithCancel(t.Context())
	var heard []string
	done, news := make(chan struct{}), make(chan struct{}, 100)
	go func() {
		defer close(done)
		engine.Follow(followed, e.JetStream(), "notes", "notes.>", 1, slog.New(slog.DiscardHandler), func(_ *jetstream.MsgMetadata, m jetstream.Msg) {
			heard = append(heard, string(m.Data()[:1]))
			news <- struct{}{}
		})
	}()
	defer func() { stop(); <-done }()
	large := bytes.Repeat([]byte("a"), 100<<10)
	publish(t, e, "notes.a", large)
	<-news
	failed := e.WritesFailed()

	free := fill(t, dir)
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(e.AdmitUpload()), "at once, before any write has failed")
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(e.AdmitWrite()))
	for err = nil; err == nil; {
		err = tryPublish(t, e, "notes.a", bytes.Repeat([]byte("a"), 100<<10))
		if err == nil {
			<-news
		}
	}
	select {
	case <-failed:
	case <-time.After(patience):
		t.Fatal("the failed write was not reported")
	}
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(e.WriteErr()))
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(e.Ready(t.Context())))
	notes, err := e.JetStream().Stream(t.Context(), "notes")
	require.NoError(t, err)
	m, err := notes.GetMsg(t.Context(), 1)
	require.NoError(t, err, "it still reads")
	require.Equal(t, large, m.Data)
	last := notes.CachedInfo().State.LastSeq

	free()
	require.Eventually(t, func() bool { return e.WriteErr() == nil && e.Ready(t.Context()) == nil }, patience, 10*time.Millisecond)
	require.NoError(t, e.AdmitUpload())
	require.Eventually(t, func() bool { return tryPublish(t, e, "notes.b", []byte("b")) == nil }, patience, 10*time.Millisecond)
	<-news
	require.Equal(t, "b", heard[len(heard)-1])
	m, err = notes.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, large, m.Data)
	m, err = notes.GetMsg(t.Context(), last)
	require.NoError(t, err, "acknowledged messages are there")
	require.Equal(t, large, m.Data)
	select {
	case <-e.WritesFailed():
		t.Fatal("writes still fail")
	default:
	}
}

func TestAdmitMarks(t *testing.T) {
	t.Parallel()
	dir := smallVolume(t, "64m")
	e := start(t, engine.Options{Dir: dir, Reserve: 16 << 20})
	require.NoError(t, e.AdmitUpload())
	take := func(n int64) {
		f, err := os.OpenFile(filepath.Join(dir, "other"), os.O_CREATE|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		defer f.Close()
		require.NoError(t, unix.Fallocate(int(f.Fd()), 0, 0, n))
	}
	take(40 << 20)
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(e.AdmitUpload()))
	require.NoError(t, e.AdmitWrite(), "uploads that have begun continue")
	take(54 << 20)
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(e.AdmitWrite()))
	require.NoError(t, e.AdmitText(), "the chat continues")
	take(60 << 20)
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(e.AdmitText()))
	_, err := e.JetStream().CreateStream(t.Context(), stream(e))
	require.NoError(t, err)
	publish(t, e, "notes.a", []byte("chat"))
	require.NoError(t, os.Remove(filepath.Join(dir, "other")))
	require.NoError(t, e.AdmitUpload())
	require.NoError(t, e.AdmitWrite())
}

// The space of purged messages is freed soon, although others are in the same files.
func TestH1PurgedSpaceIsFreed(t *testing.T) {
	t.Parallel()
	dir := smallVolume(t, "128m")
	e := start(t, engine.Options{Dir: dir, Reserve: 8 << 20, Reclaim: 20 * time.Millisecond})
	s, err := e.JetStream().CreateStream(t.Context(), stream(e))
	require.NoError(t, err)
	before, _, err := e.FreeSpace(t.Context())
	require.NoError(t, err)
	for range 6 { // together more than the volume has
		for range 40 {
			publish(t, e, "notes.content", make([]byte, 640<<10))
			publish(t, e, "notes.kept", []byte("a"))
		}
		require.NoError(t, s.Purge(t.Context(), jetstream.WithPurgeSubject("notes.content")))
		require.Eventually(t, func() bool {
			now, _, err := e.FreeSpace(t.Context())
			return err == nil && now > before-(16<<20) // the last file is not rewritten
		}, patience, 5*time.Millisecond)
	}
}

// The system makes a disk read-only after an error, and an operator checks it and
// mounts it again.
func TestReadOnlyDiskRecoversOnceRemounted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	image := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(image)
	require.NoError(t, err)
	require.NoError(t, errors.Join(f.Truncate(64<<20), f.Close()))
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", image).CombinedOutput(); err != nil {
		t.Skip("no ext4 file system can be made here: ", err, string(out))
	}
	if out, err := exec.Command("mount", "-o", "loop", image, dir).CombinedOutput(); err != nil {
		t.Skip("a file cannot be mounted here: ", err, string(out))
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	data := filepath.Join(dir, "data")
	e := start(t, engine.Options{Dir: data, Reserve: 4 << 20})
	_, err = e.JetStream().CreateStream(t.Context(), stream(e))
	require.NoError(t, err)
	publish(t, e, "notes.a", []byte("kept"))
	failed := e.WritesFailed()

	out, err := exec.Command("mount", "-o", "remount,abort", dir).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Error(t, tryPublish(t, e, "notes.a", []byte("not kept")))
	<-failed
	require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(e.AdmitUpload()))
	require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(e.AdmitWrite()))
	notes, err := e.JetStream().Stream(t.Context(), "notes")
	require.NoError(t, err)
	_, err = notes.GetMsg(t.Context(), 1)
	require.NoError(t, err, "it still reads")

	require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH))
	copyImage(t, image)
	out, err = exec.Command("mount", "-o", "loop", image, dir).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Eventually(t, func() bool { return e.Ready(t.Context()) == nil }, patience, 10*time.Millisecond)
	require.NoError(t, e.AdmitUpload())
	publish(t, e, "notes.a", []byte("again"))
	m, err := notes.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, "kept", string(m.Data))
}

// copyImage is the operator's check. Open files still hold the old mount, so the next
// one is of a copy of the disk.
func copyImage(t *testing.T, image string) {
	t.Helper()
	in, err := os.Open(image)
	require.NoError(t, err)
	defer in.Close()
	require.NoError(t, os.Remove(image))
	out, err := os.Create(image)
	require.NoError(t, err)
	defer out.Close()
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	if text, err := exec.Command("e2fsck", "-p", "-f", image).CombinedOutput(); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, string(text))
		require.LessOrEqual(t, exit.ExitCode(), 2, string(text))
	}
}

func TestStartFailsOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallVolume(t, "16m")
	free := fill(t, dir)
	_, err := engine.Start(t.Context(), engine.Options{Dir: filepath.Join(dir, "data")})
	require.ErrorContains(t, err, "write to "+dir)
	require.ErrorIs(t, err, syscall.ENOSPC)
	free()
	start(t, engine.Options{Dir: filepath.Join(dir, "data")})
}
