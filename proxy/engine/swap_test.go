package engine_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"attache/bridge"
	"attache/proxy/engine"
)

// mountTmpfs mounts one at dir, until the test ends or unmount is called.
func mountTmpfs(t *testing.T, dir, size string) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("a small file system cannot be mounted here: ", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
}

// aside moves a mounted volume to another directory: there it stays, as in a drawer.
func aside(t *testing.T, dir string) (back func()) {
	t.Helper()
	drawer := t.TempDir()
	move := func(from, to string) {
		require.NoError(t, unix.Mount(from, to, "", unix.MS_BIND, ""))
		require.NoError(t, unix.Unmount(from, unix.MNT_DETACH))
	}
	move(dir, drawer)
	t.Cleanup(func() { unix.Unmount(drawer, unix.MNT_DETACH) })
	return func() { move(drawer, dir) }
}

// files are the names and the times of change of everything below dir.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		all = append(all, fmt.Sprint(path, info.ModTime().UnixNano(), info.Size()))
		return err
	}))
	return all
}

// logged is a log that may be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// requireOutage waits until the engine reports an outage of that code for that reason, to
// uploads and to the operator.
func requireOutage(t *testing.T, e *engine.Engine, log *logged, code bridge.Code, reason string) {
	t.Helper()
	require.Equal(t, code, bridge.CodeOf(e.AdmitUpload()), "at once")
	require.Equal(t, code, bridge.CodeOf(e.AdmitWrite()))
	require.Eventually(t, func() bool {
		err := e.Ready(t.Context())
		return err != nil && bytes.Contains([]byte(err.Error()), []byte(reason)) && bytes.Contains([]byte(log.String()), []byte(reason))
	}, patience, tick, "%s in %v and in\n%s", reason, e.Ready(t.Context()), log)
	require.Equal(t, code, bridge.CodeOf(e.Ready(t.Context())))
	<-e.WritesFailed()
}

func requireHealed(t *testing.T, e *engine.Engine) {
	t.Helper()
	require.Eventually(t, func() bool { return e.Ready(t.Context()) == nil }, patience, tick)
	require.NoError(t, e.AdmitUpload())
	require.NoError(t, e.AdmitText())
}

// The volume is unmounted under a running engine: it stores nothing in the directory below
// the mount point, not even if that looks like its own, and resumes when the volume is back.
func TestVolume_UnmountedAndBack(t *testing.T) {
	t.Parallel()
	for name, below := range map[string]func(t *testing.T, dir string){
		"an empty directory": func(*testing.T, string) {},
		"another engine's files": func(t *testing.T, dir string) {
			e := start(t, engine.Options{Dir: dir})
			_, err := e.JetStream().CreateStream(t.Context(), stream(e))
			require.NoError(t, err)
			publish(t, e, "notes.a", []byte("another's"))
			e.Close()
		},
	} {
		for where, data := range map[string]string{"at the mount point": "", "in a directory of the volume": "data"} {
			t.Run(name+" "+where, func(t *testing.T) {
				t.Parallel()
				point := t.TempDir()
				below(t, filepath.Join(point, data))
				left := files(t, point)
				mountTmpfs(t, point, "64m")
				dir := filepath.Join(point, data)
				log := &logged{}
				e := start(t, engine.Options{Dir: dir, Reserve: 4 << 20, Log: slog.New(slog.NewTextHandler(log, nil))})
				_, err := e.JetStream().CreateStream(t.Context(), stream(e))
				require.NoError(t, err)
				publish(t, e, "notes.a", []byte("1"))

				back := aside(t, point)
				requireOutage(t, e, log, bridge.CodeStorageUnavailable, "the volume is not mounted at "+dir)
				require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(e.AdmitText()))
				acked := publishUntilRefused(t, e)
				require.Equal(t, left, files(t, point), "nothing is written below the mount point")

				back()
				requireHealed(t, e)
				requireNotes(t, e, acked)
				publish(t, e, "notes.a", []byte("again"))
			})
		}
	}
}

// publishUntilRefused publishes numbers from 2 until the engine has ended its server, and
// returns the last one that was acknowledged.
func publishUntilRefused(t *testing.T, e *engine.Engine) (acked int) {
	t.Helper()
	for acked = 1; ; acked++ {
		if tryPublish(t, e, "notes.a", fmt.Append(nil, acked+1)) != nil {
			return acked
		}
	}
}

// requireNotes checks that the numbers from 1 are stored that were acknowledged.
func requireNotes(t *testing.T, e *engine.Engine, acked int) {
	t.Helper()
	s, err := e.JetStream().Stream(t.Context(), "notes")
	require.NoError(t, err)
	for n := 1; n <= acked; n++ {
		m, err := s.GetMsg(t.Context(), uint64(n))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(n), string(m.Data))
	}
}

func TestVolume_AnotherOneMounted(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(t *testing.T, dir string){
		"an empty one": func(*testing.T, string) {},
		"another engine's": func(t *testing.T, dir string) {
			e := start(t, engine.Options{Dir: dir, Reserve: 4 << 20})
			_, err := e.JetStream().CreateStream(t.Context(), stream(e))
			require.NoError(t, err)
			publish(t, e, "notes.a", []byte("another's"))
			e.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			mountTmpfs(t, dir, "64m")
			log := &logged{}
			e := start(t, engine.Options{Dir: dir, Reserve: 4 << 20, Log: slog.New(slog.NewTextHandler(log, nil))})
			_, err := e.JetStream().CreateStream(t.Context(), stream(e))
			require.NoError(t, err)
			publish(t, e, "notes.a", []byte("1"))

			back := aside(t, dir)
			foreign := t.TempDir()
			mountTmpfs(t, foreign, "64m")
			fill(t, foreign)
			left := files(t, foreign)
			require.NoError(t, unix.Mount(foreign, dir, "", unix.MS_BIND, ""))
			requireOutage(t, e, log, bridge.CodeStorageUnavailable, "another volume is mounted at "+dir)
			acked := publishUntilRefused(t, e)
			require.Equal(t, left, files(t, foreign), "nothing is written to it")

			require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH))
			requireOutage(t, e, log, bridge.CodeStorageUnavailable, "the volume is not mounted at "+dir)
			back()
			requireHealed(t, e)
			require.Equal(t, left, files(t, foreign))
			requireNotes(t, e, acked)
			publish(t, e, "notes.a", []byte("again"))
		})
	}
}

// A directory that is renamed is gone too, and is not made again.
func TestVolume_RenamedDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	log := &logged{}
	e := start(t, engine.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, os.Rename(dir, dir+".old"))
	requireOutage(t, e, log, bridge.CodeStorageUnavailable, dir+" has been removed or renamed")
	require.NoDirExists(t, dir)
	require.NoError(t, os.Mkdir(dir, 0o700))
	requireOutage(t, e, log, bridge.CodeStorageUnavailable, "another directory is at "+dir)
	require.Len(t, files(t, dir), 1)
	require.NoError(t, os.Remove(dir))
	require.NoError(t, os.Rename(dir+".old", dir))
	requireHealed(t, e)
}
