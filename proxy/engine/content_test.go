package engine_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"attache/bridge"
	"attache/proxy/engine"
)

func failedWrite(err error) error {
	return &fs.PathError{Op: "write", Path: "2026-11-28/2523x3Zk9mQ0aB1c.part", Err: err}
}

func TestVolumeWriteFailed_CodeOfTheOutage(t *testing.T) {
	t.Parallel()
	for err, code := range map[error]bridge.Code{
		syscall.ENOSPC: bridge.CodeStorageFull,
		syscall.EDQUOT: bridge.CodeStorageFull,
		syscall.EROFS:  bridge.CodeStorageUnavailable,
		syscall.EIO:    bridge.CodeStorageUnavailable,
	} {
		t.Run(err.Error(), func(t *testing.T) {
			t.Parallel()
			e := start(t, engine.Options{Dir: t.TempDir()})
			var fails atomic.Bool
			fails.Store(true)
			attach(t, e, func(*os.Root) error {
				if fails.Load() {
					return failedWrite(err)
				}
				return nil
			})
			failed := e.WritesFailed()
			e.Volume().WriteFailed(failedWrite(err))
			<-failed
			require.Equal(t, code, bridge.CodeOf(e.WriteErr()))
			require.ErrorIs(t, e.Ready(t.Context()), err)
			require.Equal(t, code, bridge.CodeOf(e.AdmitUpload()))
			require.Equal(t, code, bridge.CodeOf(e.AdmitWrite()))
			require.NoError(t, e.AdmitText(), "the chat's own writes do not fail")
			fails.Store(false)
			requireHealed(t, e)
		})
	}
}

// A write that had begun before the outage fails after its end.
func TestVolumeWriteFailed_LateErrorBeginsNoOutage(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Options{Dir: t.TempDir()})
	fail := make(chan error, 10)
	attach(t, e, func(*os.Root) error { return <-fail })
	before := e.Volume()
	before.WriteFailed(failedWrite(syscall.EIO))
	before.WriteFailed(failedWrite(syscall.ENOSPC))
	require.ErrorIs(t, e.WriteErr(), syscall.EIO, "the first error is the reason")
	fail <- failedWrite(syscall.EROFS) // the first try to reopen
	require.Eventually(t, func() bool { return errors.Is(e.WriteErr(), syscall.EROFS) }, patience, tick)
	fail <- nil
	requireHealed(t, e)

	before.WriteFailed(failedWrite(syscall.EIO))
	require.NoError(t, e.WriteErr())
	e.Volume().WriteFailed(failedWrite(syscall.EIO))
	require.ErrorIs(t, e.WriteErr(), syscall.EIO)
	fail <- nil
	requireHealed(t, e)
}

// The chat does not notice an outage of content, and its end.
func TestVolumeWriteFailed_ServerKeepsRunning(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Options{Dir: t.TempDir()})
	_, err := e.JetStream().CreateStream(t.Context(), stream(e))
	require.NoError(t, err)
	attach(t, e, nil)
	connected := e.Conn().Stats().Reconnects
	e.Volume().WriteFailed(failedWrite(syscall.EIO))
	publish(t, e, "notes.a", []byte("during"))
	requireHealed(t, e)
	publish(t, e, "notes.a", []byte("after"))
	require.Equal(t, connected, e.Conn().Stats().Reconnects)
}

// After a failed write of the engine, content is opened again too, under the same lock.
func TestOutage_ReopensContentToo(t *testing.T) {
	t.Parallel()
	dir := smallVolume(t, "64m")
	e := start(t, engine.Options{Dir: dir, Reserve: 8 << 20})
	_, err := e.JetStream().CreateStream(t.Context(), stream(e))
	require.NoError(t, err)
	reopened := make(chan error, 1)
	attach(t, e, func(root *os.Root) error {
		err := root.WriteFile("a", nil, 0o600)
		_, other := engine.Start(t.Context(), engine.Options{Dir: dir, Reserve: 8 << 20})
		if other == nil {
			err = errors.New("the directory is not locked")
		}
		reopened <- err
		return nil
	})
	free := fill(t, dir)
	for err = nil; err == nil; {
		err = tryPublish(t, e, "notes.a", make([]byte, 100<<10))
	}
	<-e.WritesFailed()
	free()
	require.NoError(t, <-reopened)
	requireHealed(t, e)
	require.FileExists(t, filepath.Join(dir, "documents", "a"))
}

// Content on a volume of its own fills up, is unmounted, and is another: only uploads mind.
func TestContent_OnItsOwnVolume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	documents := filepath.Join(dir, "documents")
	require.NoError(t, os.Mkdir(documents, 0o700))
	mountTmpfs(t, documents, "32m")
	log := &logged{}
	e := start(t, engine.Options{Dir: dir, Reserve: 4 << 20, Log: slog.New(slog.NewTextHandler(log, nil))})
	_, err := e.JetStream().CreateStream(t.Context(), stream(e))
	require.NoError(t, err)
	reopened := make(chan *os.Root, 10)
	attach(t, e, func(root *os.Root) error { reopened <- root; return nil })
	chats := func() {
		t.Helper()
		require.NoError(t, e.AdmitText())
		publish(t, e, "notes.a", []byte("chat"))
	}

	free := fill(t, documents)
	requireFull(t, e.AdmitUpload())
	requireFull(t, e.AdmitWrite())
	require.NoError(t, e.WriteErr(), "no write has failed")
	chats()
	e.Volume().WriteFailed(failedWrite(syscall.ENOSPC))
	requireOutage(t, e, log, bridge.CodeStorageFull, "bytes free and needs")
	chats()
	free()
	requireHealed(t, e)
	<-reopened

	back := aside(t, documents)
	requireOutage(t, e, log, bridge.CodeStorageUnavailable, "the volume is not mounted at "+documents)
	chats()
	require.Len(t, files(t, documents), 1)
	mountTmpfs(t, documents, "32m")
	requireOutage(t, e, log, bridge.CodeStorageUnavailable, "another volume is mounted at "+documents)
	chats()
	require.Len(t, files(t, documents), 1)
	require.NoError(t, unix.Unmount(documents, unix.MNT_DETACH))
	back()
	requireHealed(t, e)
	chats()
	root := <-reopened
	require.NoError(t, root.WriteFile("a", nil, 0o600))
	require.FileExists(t, filepath.Join(documents, "a"))
	require.Empty(t, reopened)
}
