package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backup"
	"attache/proxy/docid"
)

// seed makes keys that differ from one test to the next.
func seed(t *testing.T) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(len(t.Name())), uint64(time.Now().UnixNano())))
}

// announce sends a file and returns its record.
func (w *world) announce(who proxy.Identity, limits bridge.Limits, key string, size int) proxy.Record {
	w.t.Helper()
	require.NoError(w.t, w.send(w.t.Context(), who, limits, key, size))
	r, err := w.all.Proxy.Transfers().Await(w.t.Context(), who, key)
	require.NoError(w.t, err)
	require.Equal(w.t, bridge.Announced, r.State)
	return r
}

// path returns the file of a document below dir.
func path(t *testing.T, dir, id string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "documents", "*", id))
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Sys().(*syscall.Stat_t).Ino
}

func TestSecondBackupLinksTheFirst(t *testing.T) {
	t.Parallel()
	data, dir := dataDir(t), t.TempDir()
	w := open(t, data, proxy.NoScanner{})
	who, limits := w.join("s1", "ben", bridge.Agent)
	r := seed(t)
	old := w.announce(who, limits, key(r), 100_000)
	first := create(t, data, dir)
	require.Equal(t, 1, first.Files)
	require.EqualValues(t, 100_000, first.Copied)
	fresh := w.announce(who, limits, key(r), 50_000)
	second := create(t, data, dir)
	require.Equal(t, 2, second.Files)
	require.EqualValues(t, 50_000, second.Copied)
	require.Equal(t, inode(t, path(t, first.Path, old.DocumentID)), inode(t, path(t, second.Path, old.DocumentID)))
	require.NotEqual(t, inode(t, path(t, data, old.DocumentID)), inode(t, path(t, second.Path, old.DocumentID)), "never the live file")
	require.NoError(t, os.RemoveAll(first.Path))
	restored := restore(t, dir)
	for _, r := range []proxy.Record{old, fresh} {
		b, err := os.ReadFile(path(t, restored, r.DocumentID))
		require.NoError(t, err)
		require.True(t, bytes.Equal(body(r.Key, int(r.Size)), b))
	}
}

func TestBackupAndRestoredDirectoryArePrivate(t *testing.T) {
	t.Parallel()
	data, dir := dataDir(t), filepath.Join(t.TempDir(), "backups")
	w := open(t, data, proxy.NoScanner{})
	who, limits := w.join("s1", "ben", bridge.Agent)
	w.announce(who, limits, key(seed(t)), 1000)
	create(t, data, dir)
	for _, root := range []string{dir, restore(t, dir)} {
		require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			require.NoError(t, err)
			info, err := entry.Info()
			require.NoError(t, err)
			want := fs.FileMode(0o600)
			if entry.IsDir() {
				want = 0o700
			}
			if strings.Contains(path, "jetstream") {
				return nil // the engine's own
			}
			require.Equal(t, want, info.Mode().Perm(), path)
			return nil
		}))
	}
}

// A backup that is cut leaves no backup, and the next one uses what it has.
func TestBackupThatWasCutIsNotTaken(t *testing.T) {
	t.Parallel()
	data, dir := dataDir(t), t.TempDir()
	w := open(t, data, proxy.NoScanner{})
	who, limits := w.join("s1", "ben", bridge.Agent)
	r := seed(t)
	kept := w.announce(who, limits, key(r), 100_000)
	lost := w.announce(who, limits, key(r), 100_001)
	away := filepath.Join(t.TempDir(), "away")
	require.NoError(t, os.Rename(path(t, data, lost.DocumentID), away))
	_, err := backup.Create(t.Context(), backup.Options{Data: data, Dir: dir})
	require.ErrorContains(t, err, "content that the sessions and records name cannot be copied: "+lost.DocumentID+" is missing")

	_, err = backup.Restore(t.Context(), backup.RestoreOptions{Data: filepath.Join(t.TempDir(), "d"), Dir: dir})
	require.ErrorContains(t, err, "is not a backup and has none")
	partial, err := filepath.Glob(filepath.Join(dir, ".partial-*"))
	require.NoError(t, err)
	require.Len(t, partial, 1)
	before := inode(t, path(t, partial[0], kept.DocumentID))

	require.NoError(t, os.Rename(away, strings.Replace(path(t, data, kept.DocumentID), kept.DocumentID, lost.DocumentID, 1)))
	made := create(t, data, dir)
	require.Equal(t, before, inode(t, path(t, made.Path, kept.DocumentID)))
	require.EqualValues(t, 100_001, made.Copied)
	require.NoDirExists(t, partial[0])
}

// What retention or its sender has removed since the streams were copied is not missing.
func TestBackupLacksWhatWasRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	data, dir := dataDir(t), t.TempDir()
	scanner := &stubborn{let: make(chan struct{})}
	w := open(t, data, scanner)
	who, limits := w.join("s1", "ben", bridge.Agent)
	k := key(seed(t))
	require.NoError(t, w.send(t.Context(), who, limits, k, 7))
	require.Eventually(t, func() bool {
		record, err := w.all.Records.Get(t.Context(), "s1", k)
		return err == nil && record.State == bridge.Scanning
	}, time.Minute, time.Millisecond)
	cancelled := false
	_, err := backup.Create(t.Context(), backup.Options{Data: data, Dir: dir}.OnContent(func() {
		_, err := w.all.Proxy.Transfers().Cancel(t.Context(), who, k)
		require.NoError(t, err)
		cancelled = true
		require.Eventually(t, func() bool {
			found, err := filepath.Glob(filepath.Join(data, "documents", "*", "*.part"))
			return err == nil && len(found) == 0
		}, time.Minute, time.Millisecond)
	}))
	require.NoError(t, err)
	require.True(t, cancelled)
	restored := open(t, restore(t, dir), proxy.NoScanner{})
	record, err := restored.all.Records.Get(t.Context(), "s1", k)
	require.NoError(t, err)
	require.Equal(t, bridge.Cancelled, record.State)
}

// Bytes that were still arriving are not in a backup: the page sends them again.
func TestUnfinishedUploadBeginsAgainAfterARestore(t *testing.T) {
	t.Parallel()
	data, dir := dataDir(t), t.TempDir()
	w := open(t, data, proxy.NoScanner{})
	who, limits := w.join("s1", "ben", bridge.Agent)
	k, size := key(seed(t)), 2_000_000
	o := proxy.Offer{Key: k, Conn: "test", Limits: limits, Name: "a.bin", Size: int64(size)}
	_, err := w.all.Proxy.Transfers().Offer(t.Context(), who, o)
	require.NoError(t, err)
	_, err = w.all.Proxy.Transfers().Receive(t.Context(), who, k, 0, proxy.Source{Reader: bytes.NewReader(body(k, size)[:1_500_000]), Cut: func() {}})
	require.Error(t, err)
	create(t, data, dir)
	restored := open(t, restore(t, dir), proxy.NoScanner{})
	restored.join("s1", "ben", bridge.Agent)
	acked := int64(1_500_000)
	o.Acked = &acked
	offered, err := restored.all.Proxy.Transfers().Offer(t.Context(), who, o)
	require.NoError(t, err)
	require.True(t, offered.Incoming)
	require.Zero(t, offered.Offset)
	restored.announce(who, limits, k, size)
}

// The bytes of an upload arrived after its record was copied: in the copy they are whole,
// and its record is not yet accepted.
func TestUploadThatWasAnnouncedMeanwhileIsFoundWhole(t *testing.T) {
	t.Parallel()
	data, dir := dataDir(t), t.TempDir()
	w := open(t, data, proxy.NoScanner{})
	who, limits := w.join("s1", "ben", bridge.Agent)
	k, size := key(seed(t)), 200_000
	o := proxy.Offer{Key: k, Conn: "test", Limits: limits, Name: "a.bin", Size: int64(size)}
	_, err := w.all.Proxy.Transfers().Offer(t.Context(), who, o)
	require.NoError(t, err)
	_, err = backup.Create(t.Context(), backup.Options{Data: data, Dir: dir}.OnContent(func() { w.announce(who, limits, k, size) }))
	require.NoError(t, err)
	restored := open(t, restore(t, dir), proxy.NoScanner{})
	restored.join("s1", "ben", bridge.Agent)
	require.Empty(t, restored.notices("s1"))
	offered, err := restored.all.Proxy.Transfers().Offer(t.Context(), who, o)
	require.NoError(t, err)
	require.False(t, offered.Incoming, "all of it is there")
	r, err := restored.all.Proxy.Transfers().Await(t.Context(), who, k)
	require.NoError(t, err)
	require.Equal(t, bridge.Announced, r.State)
}

// A party may name any document in a notice of its own; that must not stop backups.
func TestNoticeOfAnUnknownDocumentIsOnlyLogged(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	w := open(t, data, proxy.NoScanner{})
	w.join("s1", "eve", bridge.Client)
	notice := bridge.Announcement{Name: "a.pdf", Size: 1, DocumentID: "2523aaaaaaaaaaaa", UploadType: bridge.FromFileSystem, Key: key(seed(t))}.Notice(bridge.All)
	_, err := w.all.Chat.Post(t.Context(), "s1", "eve", notice)
	require.NoError(t, err)
	var out bytes.Buffer
	_, err = backup.Create(t.Context(), backup.Options{Data: data, Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&out, nil))})
	require.NoError(t, err)
	require.Contains(t, out.String(), "2523aaaaaaaaaaaa")
}

func TestRestoreFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	w := open(t, data, proxy.NoScanner{})
	who, limits := w.join("s1", "ben", bridge.Agent)
	id := w.announce(who, limits, key(seed(t)), 1000).DocumentID
	for name, c := range map[string]struct {
		spoil func(t *testing.T, backup, data string)
		says  string
	}{
		"a file is missing":     {func(t *testing.T, b, _ string) { require.NoError(t, os.Remove(path(t, b, id))) }, "has no file"},
		"a file was cut":        {func(t *testing.T, b, _ string) { require.NoError(t, os.Truncate(path(t, b, id), 999)) }, "has 999 bytes in the backup instead of 1000"},
		"a bit has changed":     {func(t *testing.T, b, _ string) { flip(t, path(t, b, id), 500) }, "is damaged"},
		"a stream was cut":      {func(t *testing.T, b, _ string) { cut(t, filepath.Join(b, "streams/CHAT/stream.arc.s2")) }, "restore the stream CHAT"},
		"a stream is damaged":   {func(t *testing.T, b, _ string) { flip(t, filepath.Join(b, "streams/CHAT/stream.arc.s2"), 60) }, "restore the stream CHAT"},
		"a stream is missing":   {func(t *testing.T, b, _ string) { require.NoError(t, os.RemoveAll(filepath.Join(b, "streams/CHAT"))) }, "restore the stream CHAT"},
		"lines are missing":     {func(t *testing.T, b, _ string) { require.NoError(t, os.Truncate(filepath.Join(b, "content"), 0)) }, "its manifest says 1 of"},
		"a name leads out":      {func(t *testing.T, b, _ string) { write(t, filepath.Join(b, "content"), "1 documents/../../x\n") }, "not a size and a name"},
		"an older format":       {func(t *testing.T, b, _ string) { write(t, filepath.Join(b, "manifest.json"), `{"format": 99}`) }, "has format 99"},
		"no manifest":           {func(t *testing.T, b, _ string) { require.NoError(t, os.Remove(filepath.Join(b, "manifest.json"))) }, "manifest.json"},
		"the directory is used": {func(t *testing.T, _, d string) { require.NoError(t, os.MkdirAll(filepath.Join(d, "old"), 0o700)) }, "the directory is not empty: it has old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, to := t.TempDir(), filepath.Join(t.TempDir(), "restored")
			made := create(t, data, dir)
			c.spoil(t, made.Path, to)
			_, err := backup.Restore(t.Context(), backup.RestoreOptions{Data: to, Dir: dir, Verify: true})
			require.ErrorContains(t, err, c.says)
		})
	}
}

func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[at] ^= 1
	require.NoError(t, os.WriteFile(path, b, 0o600))
}

func cut(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, info.Size()/2))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// A backup is not a data directory, and no backup is written into one through a link.
func TestBackupAndDataStayApart(t *testing.T) {
	t.Parallel()
	data, dir := dataDir(t), t.TempDir()
	start(t, data).Close()
	r := create(t, data, dir)
	_, err := engineStart(t, r.Path)
	require.ErrorContains(t, err, "is a backup")
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(filepath.Join(data, "jetstream"), link))
	_, err = backup.Create(t.Context(), backup.Options{Data: data, Dir: filepath.Join(link, "new")})
	require.ErrorContains(t, err, "in one another")
}

// No proxy takes a directory for whole that was restored in part.
func TestInterruptedRestoreIsNotServed(t *testing.T) {
	t.Parallel()
	data, dir, to := dataDir(t), t.TempDir(), filepath.Join(t.TempDir(), "restored")
	start(t, data).Close()
	create(t, data, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := backup.Restore(ctx, backup.RestoreOptions{Data: to, Dir: dir})
	require.Error(t, err)
	_, err = engineStart(t, to)
	require.ErrorContains(t, err, "is not whole, because attache restore was interrupted: empty it, and restore again")
	_, err = backup.Create(t.Context(), backup.Options{Data: to, Dir: dir})
	require.Error(t, err)
	require.NoError(t, os.RemoveAll(to))
	_, err = backup.Restore(t.Context(), backup.RestoreOptions{Data: to, Dir: dir})
	require.NoError(t, err)
	start(t, to)
}

func TestBackupsAreOutsideOfTheDataDirectory(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	start(t, data).Close()
	for _, dir := range []string{data, filepath.Join(data, "backups"), filepath.Dir(data)} {
		_, err := backup.Create(t.Context(), backup.Options{Data: data, Dir: dir})
		require.ErrorContains(t, err, "name a directory outside")
	}
}

func TestOneBackupAtATime(t *testing.T) {
	t.Parallel()
	data, dir := dataDir(t), t.TempDir()
	w := open(t, data, proxy.NoScanner{})
	w.join("s1", "ben", bridge.Agent)
	second := errors.New("not called")
	_, err := backup.Create(t.Context(), backup.Options{Data: data, Dir: dir}.OnContent(func() {
		_, second = backup.Create(t.Context(), backup.Options{Data: data, Dir: dir})
	}))
	require.NoError(t, err)
	require.ErrorContains(t, second, fmt.Sprintf("another backup into %s is running", dir))
}

// Retention deletes a day's documents at midnight, and a notice when it is as old to the
// second.
func TestDocumentThatRetentionHasDeletedIsNotMissing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		day  int // of the document
		says string
	}{
		"the last day that is kept": {-30, " is missing"},
		"the day before":            {-31, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := dataDir(t)
			w := open(t, data, proxy.NoScanner{})
			who, _ := w.join("s1", "ben", bridge.Agent)
			k, id := key(seed(t)), docid.New(time.Now().AddDate(0, 0, c.day))
			_, err := w.all.Records.Create(t.Context(), proxy.Record{
				Key: k, Session: "s1", UserID: "ben", State: bridge.Announced, DocumentID: id, Name: "a.pdf", Size: 1, Created: time.Now(),
			})
			require.NoError(t, err)
			notice := bridge.Announcement{Name: "a.pdf", Size: 1, DocumentID: id, UploadType: bridge.FromFileSystem, Key: k}.Notice(bridge.All)
			_, err = w.all.Chat.Post(t.Context(), "s1", who.Party.UserID, notice)
			require.NoError(t, err)
			_, err = backup.Create(t.Context(), backup.Options{Data: data, Dir: t.TempDir()})
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, id+c.says)
		})
	}
}
