package files_test

import (
	"crypto/rand"
	"crypto/sha256"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/docid"
	"attache/proxy/files"
)

// touched is a store whose directory somebody else changes while it runs.
type touched struct {
	*files.Store
	t        *testing.T
	dir      string
	failures atomic.Int64 // that the store has reported to its volume
}

func (*touched) AdmitUpload() error  { return nil }
func (*touched) AdmitWrite() error   { return nil }
func (w *touched) WriteFailed(error) { w.failures.Add(1) }

func openTouched(t *testing.T, o files.Options) *touched {
	t.Helper()
	w := &touched{t: t, dir: filepath.Join(t.TempDir(), "documents")}
	o.Dir, o.Volume = w.dir, w
	s, err := files.Open(o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	w.Store = s
	return w
}

func (w *touched) upload(n int) (proxy.Document, []byte) {
	w.t.Helper()
	b := make([]byte, n)
	rand.Read(b)
	return proxy.Document{ID: w.NewID(), Name: "a", MimeType: "text/plain", Size: int64(n), SHA256: sha256.Sum256(b), Created: time.Now()}, b
}

// staged writes content and leaves it staged.
func (w *touched) staged(n int) proxy.Document {
	w.t.Helper()
	d, b := w.upload(n)
	writer, err := w.Begin(w.t.Context(), d, 0)
	require.NoError(w.t, err)
	write(w.t, writer, b, 400)
	require.NoError(w.t, writer.Close())
	return d
}

func (w *touched) path(d proxy.Document, suffix string) string {
	return filepath.Join(w.dir, dateOf(w.t, d.ID), d.ID+suffix)
}

func dateOf(t *testing.T, id string) string {
	t.Helper()
	day, err := docid.DayOf(id)
	require.NoError(t, err)
	return docid.Date(day)
}

func TestTouched_RemovedDayIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := openTouched(t, files.Options{})
	w.staged(1000)
	require.NoError(t, os.RemoveAll(filepath.Join(w.dir, dateOf(t, w.NewID()))))
	d := w.staged(1000)
	_, err := w.Add(t.Context(), d)
	require.NoError(t, err)
	require.Zero(t, w.failures.Load())
}

func TestTouched_ChangedFileIsNeverADocument(t *testing.T) {
	t.Parallel()
	for name, touch := range map[string]func(path string) error{
		"removed": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 10) },
		"longer":  func(path string) error { return os.Truncate(path, 5000) },
	} {
		t.Run(name, func(t *testing.T) {
			w := openTouched(t, files.Options{})
			d := w.staged(1000)
			require.NoError(t, touch(w.path(d, ".part")))
			_, _, whole, err := w.Whole(t.Context(), d.ID)
			require.NoError(t, err)
			require.False(t, whole)
			_, err = w.Add(t.Context(), d)
			require.Equal(t, bridge.CodeDigest, bridge.CodeOf(err))
			_, err = w.Open(t.Context(), d.ID)
			require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
			require.Zero(t, w.failures.Load())
		})
	}
}

func TestTouched_RemovedDescriptionIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := openTouched(t, files.Options{})
	d, b := w.upload(1000)
	writer, err := w.Begin(t.Context(), d, 0)
	require.NoError(t, err)
	write(t, writer, b[:400], 400)
	require.NoError(t, os.Remove(w.path(d, ".json")))
	failed := make(chan error, 1)
	require.NoError(t, writer.Append(t.Context(), b[400:], func(_ int64, err error) { failed <- err }))
	require.Error(t, <-failed, "the digest has no description to be in")
	writer, err = w.Begin(t.Context(), d, 400)
	require.NoError(t, err)
	write(t, writer, b, 600)
	_, err = w.Add(t.Context(), d)
	require.NoError(t, err)
}

// One file that cannot be opened fails its own upload, and not everybody's.
func TestTouched_IrregularFileIsNoOutage(t *testing.T) {
	t.Parallel()
	w := openTouched(t, files.Options{})
	d := w.staged(1000)
	require.NoError(t, os.Remove(w.path(d, ".part")))
	require.NoError(t, unix.Mkfifo(w.path(d, ".part"), 0o600))
	writer, err := w.Begin(t.Context(), d, 0)
	if err == nil {
		err = writer.Append(t.Context(), []byte("x"), nil)
	}
	require.Error(t, err)
	require.Zero(t, w.failures.Load())
}

func TestTouched_SweepPassesWhatItCannotDelete(t *testing.T) {
	t.Parallel()
	w := openTouched(t, files.Options{})
	d := w.staged(1000)
	today := filepath.Join(w.dir, dateOf(t, d.ID))
	require.NoError(t, os.MkdirAll(filepath.Join(w.dir, "2025-01-01", "own", "notes"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "2025-01-02"), nil, 0o600))
	require.NoError(t, os.Symlink(today, filepath.Join(w.dir, "2025-01-03")))
	require.NoError(t, os.Mkdir(filepath.Join(w.dir, "2025-01-04"), 0o700))
	swept, err := w.Sweep(t.Context(), 30, nil)
	require.Error(t, err)
	require.Contains(t, swept, "2025-01-04")
	require.NoDirExists(t, filepath.Join(w.dir, "2025-01-04"))
	_, err = w.Add(t.Context(), d)
	require.NoError(t, err, "what the link leads to stays")
}

// More uploads than open files take turns, each round by round.
func TestHandles_UploadsTakeTurns(t *testing.T) {
	t.Parallel()
	w := openTouched(t, files.Options{MaxOpen: 2})
	var all sync.WaitGroup
	for range 12 {
		d, b := w.upload(200_000)
		all.Go(func() {
			writer, err := w.Begin(t.Context(), d, 0)
			if err == nil {
				for at := 0; at < len(b) && err == nil; at += 1000 {
					err = writer.Append(t.Context(), b[at:at+1000], nil)
				}
			}
			if err == nil {
				_, err = w.Add(t.Context(), d)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
