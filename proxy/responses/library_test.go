package responses_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
	"attache/proxy/engine"
	"attache/proxy/files"
	"attache/proxy/objects"
	"attache/proxy/proxytest"
	"attache/proxy/responses"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a library's directory with a store.
type shelf struct {
	t         *testing.T
	dir       string // of the library
	documents string // of the store
	store     *files.Store
	log       *proxytest.Log
	scan      func(name string) (proxy.Verdict, error)
	now       time.Time
}

func newShelf(t *testing.T, content map[string]string) *shelf {
	t.Helper()
	s := &shelf{t: t, dir: t.TempDir(), log: &proxytest.Log{}, now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	for name, text := range content {
		s.write(name, text)
	}
	s.documents = filepath.Join(t.TempDir(), "documents")
	store, err := files.Open(files.Options{Dir: s.documents, Now: func() time.Time { return s.now }})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	s.store = store
	return s
}

func (s *shelf) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	require.NoError(s.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(s.t, os.WriteFile(path, []byte(text), 0o600))
}

// Scan lets the shelf decide about each document.
func (s *shelf) Scan(_ context.Context, content io.Reader, d proxy.Document) (proxy.Verdict, error) {
	if _, err := io.CopyN(io.Discard, content, 1); err != nil && !errors.Is(err, io.EOF) {
		return proxy.Unknown, err
	}
	return s.scan(d.Name)
}

func (s *shelf) options() responses.Options {
	o := responses.Options{
		Dir: s.dir, Store: backend.NewStagedStore(s.store, s.store), Links: s.store, Scanner: proxy.NoScanner{},
		Every: time.Hour, Log: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	if s.scan != nil {
		o.Scanner = s
	}
	return o
}

// open opens the library, and returns when it has read the directory.
func (s *shelf) open() *responses.Library {
	s.t.Helper()
	l, err := responses.Open(s.options())
	require.NoError(s.t, err)
	s.t.Cleanup(l.Close)
	l.Refresh(s.t.Context())
	return l
}

func (s *shelf) all(l *responses.Library) []bridge.Response {
	s.t.Helper()
	found, more, err := l.Find(s.t.Context(), "", "", bridge.MaxFound)
	require.NoError(s.t, err)
	require.False(s.t, more)
	return found
}

func names(list []bridge.Response) (all []string) {
	for _, r := range list {
		all = append(all, strings.TrimPrefix(r.Folder+"/"+r.Name, "/"))
	}
	return all
}

// read returns a document's bytes; ok is false if the store has none.
func (s *shelf) read(id string) (text string, d proxy.Document, ok bool) {
	s.t.Helper()
	c, err := s.store.Open(s.t.Context(), id)
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return "", d, false
	}
	require.NoError(s.t, err)
	defer c.Close()
	b, err := io.ReadAll(c)
	require.NoError(s.t, err)
	return string(b), c.Document(), true
}

func TestLibrary_WithoutAnIndexEveryFileIsAResponse(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{
		"z.txt": "z", "greetings/welcome.txt": "hello", "greetings/formal/Dear.pdf": "dear", ".hidden": "x", "zz/z.txt": "z", ".git/config": "x", "empty.txt": "",
	})
	l := s.open()
	found := s.all(l)
	require.Equal(t, []string{"empty.txt", "z.txt", "greetings/welcome.txt", "greetings/formal/Dear.pdf"}, names(found))
	text, d, ok := s.read(found[3].DocumentID)
	require.True(t, ok)
	require.Equal(t, "dear", text)
	require.Equal(t, "application/pdf", d.MimeType)
	require.EqualValues(t, 4, found[3].Size)
	require.Len(t, d.ID, 16)
	require.NotContains(t, s.log.String(), "WARN")
}

func TestLibrary_FindsByWordsAndPages(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{"a/Loan Terms.pdf": "1", "a/terms.txt": "2", "b/loan.txt": "3", "index.json": "\ufeff" + `[
		{"file": "a/Loan Terms.pdf"}, {"file": "a/terms.txt", "description": "of the LOAN"}, {"file": "b/loan.txt", "folder": "Größe"}]`})
	l := s.open()
	for words, want := range map[string][]string{
		"": {"Größe/loan.txt", "a/Loan Terms.pdf", "a/terms.txt"}, "loan": {"Größe/loan.txt", "a/Loan Terms.pdf", "a/terms.txt"},
		"terms LOAN": {"a/Loan Terms.pdf", "a/terms.txt"}, "GRÖSSE": nil, "GRÖßE": {"Größe/loan.txt"}, "none": nil, " \t": {"Größe/loan.txt", "a/Loan Terms.pdf", "a/terms.txt"},
	} {
		var got []string
		for after, more := "", true; more; {
			found, next, err := l.Find(t.Context(), words, after, 1)
			require.NoError(t, err)
			require.LessOrEqual(t, len(found), 1)
			if more = next; len(found) > 0 {
				after = found[0].DocumentID
			}
			got = append(got, names(found)...)
		}
		require.ElementsMatch(t, want, got, "%q", words)
	}
	found, _, err := l.Find(t.Context(), "", "0000unknownunkno", 32)
	require.NoError(t, err)
	require.Len(t, found, 3, "an id that has gone begins again")
}

func TestLibrary_BadEntriesAreLoggedAndLeftOut(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{"good.txt": "good", "dir/x.txt": "x"})
	outside := filepath.Join(t.TempDir(), "secret.txt")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(s.dir, "link.txt")))
	require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(s.dir, "linked")))
	require.NoError(t, os.Symlink("dir", filepath.Join(s.dir, "inside")))
	l := s.open()
	require.Equal(t, []string{"good.txt", "dir/x.txt"}, names(s.all(l)))
	for _, name := range []string{"link.txt", "linked", "inside"} {
		require.Contains(t, s.log.String(), name+": it is not a regular file")
	}
	for _, entry := range []string{
		`{"file": "link.txt"}`, `{"file": "linked/secret.txt"}`, `{"file": "inside/x.txt"}`, `{"file": "../` + filepath.Base(filepath.Dir(outside)) + `/secret.txt"}`,
		`{"file": "` + outside + `"}`, `{"file": "dir"}`, `{"file": "missing.txt"}`, `{"file": ""}`, `{}`, `{"file": "dir/../../x"}`,
		`{"file": "good.txt", "name": "a/b.txt"}`, `{"file": "good.txt", "name": "a\u0000b.txt"}`, `{"file": "good.txt", "folder": "` + strings.Repeat("x", 257) + `"}`,
		`{"file": "good.txt", "description": "` + strings.Repeat("x", 513) + `"}`, `{"file": "good.txt", "type": "` + strings.Repeat("x", 257) + `"}`,
	} {
		s.write("index.json", `[{"file": "dir/x.txt"}, `+entry+`]`)
		l.Refresh(t.Context())
		require.Equal(t, []string{"dir/x.txt"}, names(s.all(l)), entry)
	}
	require.NotContains(t, s.log.String(), "secret\n")
}

func TestLibrary_BadEntriesOfTheIndexAreNamedByNumberAndMember(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{"a.txt": "a", "index.json": `[{"file": "a.txt"}, {"path": "a.txt"}, {"name": "A"}, {"file": "missing.txt"}, {"file": "a.txt", "name": "x/y"}]`})
	require.Equal(t, []string{"a.txt"}, names(s.all(s.open())))
	for _, reason := range []string{
		`index.json, entry 2: it has no "file", and "path" is unknown: the members are file, name, folder, description, type`,
		`index.json, entry 3: it has no "file": name a file of the directory`,
		`index.json, entry 4 (missing.txt): there is no such file`,
		`index.json, entry 5 (a.txt): the name "x/y" cannot be sent as it is`,
	} {
		require.Contains(t, strings.ReplaceAll(s.log.String(), `\"`, `"`), reason)
	}
}

func TestLibrary_AnIndexThatCannotBeReadRefusesTheStartAndChangesNothingLater(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{"a.txt": "a"})
	l := s.open()
	for _, index := range []string{"", "{", `{"file": "a.txt"}`, `[1]`} {
		s.write("index.json", index)
		l.Refresh(t.Context())
		require.Equal(t, []string{"a.txt"}, names(s.all(l)), index)
		require.Error(t, responses.Check(s.dir), index)
		_, err := responses.Open(s.options())
		require.Error(t, err, index)
	}
	require.Error(t, responses.Check(filepath.Join(s.dir, "a.txt")))
	require.Error(t, responses.Check(filepath.Join(s.dir, "none")))
}

func TestLibrary_FollowsItsDirectory(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{"a.txt": "a", "b.txt": "b"})
	l := s.open()
	before := s.all(l)
	s.write("a.txt", "another")
	require.NoError(t, os.Remove(filepath.Join(s.dir, "b.txt")))
	s.write("c.txt", "c")
	l.Refresh(t.Context())
	after := s.all(l)
	require.Equal(t, []string{"a.txt", "c.txt"}, names(after))
	require.NotEqual(t, before[0].DocumentID, after[0].DocumentID, "other bytes are another document")
	for _, r := range before {
		_, _, err := l.Document(t.Context(), r.DocumentID)
		require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err), r.Name)
	}
	text, _, ok := s.read(before[0].DocumentID)
	require.True(t, ok, "sessions that have it can still read it")
	require.Equal(t, "a", text)
}

// A copy that keeps the date may have the same size.
func TestLibrary_NoticesOtherBytesOfTheSameSizeAndDate(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{"a.txt": "old"})
	l := s.open()
	before := s.all(l)
	path := filepath.Join(s.dir, "a.txt")
	info, err := os.Stat(path)
	require.NoError(t, err)
	other := filepath.Join(t.TempDir(), "a.txt")
	require.NoError(t, os.WriteFile(other, []byte("new"), 0o600))
	require.NoError(t, os.Rename(other, path))
	require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	l.Refresh(t.Context())
	after := s.all(l)
	require.NotEqual(t, before[0].DocumentID, after[0].DocumentID)
	text, _, ok := s.read(after[0].DocumentID)
	require.True(t, ok)
	require.Equal(t, "new", text)
}

// What is stored is what was scanned, and nothing else.
func TestLibrary_ScansBeforeItStores(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{"clean.txt": "c", "virus.txt": "v", "locked.zip": "l", "later.txt": "x"})
	var offline atomic.Bool
	offline.Store(true)
	s.scan = func(name string) (proxy.Verdict, error) {
		switch {
		case name == "virus.txt":
			return proxy.Infected, nil
		case name == "locked.zip":
			return proxy.Unscannable, nil
		case name == "later.txt" && offline.Load():
			return proxy.Unknown, errors.New("the scanner is gone")
		}
		return proxy.Clean, nil
	}
	l := s.open()
	require.Equal(t, []string{"clean.txt"}, names(s.all(l)))
	require.Contains(t, s.log.String(), "virus.txt")
	require.Contains(t, s.log.String(), "locked.zip")
	offline.Store(false)
	l.Refresh(t.Context())
	require.Equal(t, []string{"clean.txt", "later.txt"}, names(s.all(l)))
	stored, err := filepath.Glob(filepath.Join(s.documents, "*", "*.json"))
	require.NoError(t, err)
	require.Len(t, stored, 2, "nothing else is in the store")
}

// Two entries of one file are two responses, each of which is scanned once.
func TestLibrary_TwoEntriesOfAFileAreScannedOnceEach(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{"terms.pdf": "t", "index.json": `[
		{"file": "terms.pdf", "name": "Terms EN.pdf", "folder": "EN"}, {"file": "terms.pdf", "name": "Terms US.pdf", "folder": "US"}]`})
	var scans atomic.Int64
	s.scan = func(string) (proxy.Verdict, error) { scans.Add(1); return proxy.Clean, nil }
	l := s.open()
	for range 3 {
		l.Refresh(t.Context())
	}
	require.Len(t, s.all(l), 2)
	require.EqualValues(t, 2, scans.Load())
}

// While a new file is scanned, a response whose file is gone is not found any more.
func TestLibrary_AWithdrawnResponseDoesNotWaitForAScan(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{"old.txt": "o", "b.txt": "b"})
	scanning, scanned := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.scan = func(name string) (proxy.Verdict, error) {
		if name == "new.txt" {
			once.Do(func() { close(scanning) })
			<-scanned
		}
		return proxy.Clean, nil
	}
	l := s.open()
	l.Refresh(t.Context())
	require.Equal(t, []string{"b.txt", "old.txt"}, names(s.all(l)))
	require.NoError(t, os.Remove(filepath.Join(s.dir, "old.txt")))
	s.write("new.txt", "n")
	refreshed := make(chan struct{})
	go func() { defer close(refreshed); l.Refresh(t.Context()) }()
	<-scanning
	require.Equal(t, []string{"b.txt"}, names(s.all(l)))
	close(scanned)
	<-refreshed
	require.Equal(t, []string{"b.txt", "new.txt"}, names(s.all(l)))
}

// A link that is renewed keeps a document for as long as its file is there.
func TestLibrary_ItsDocumentsOutliveTheRetention(t *testing.T) {
	t.Parallel()
	s := newShelf(t, map[string]string{"a.txt": "a", "b.txt": "b"})
	l := s.open()
	found := s.all(l)
	for range 3 {
		s.now = s.now.AddDate(0, 0, 1)
		l.Age(24 * time.Hour)
		l.Refresh(t.Context())
		_, err := s.store.Sweep(t.Context(), 1, nil)
		require.NoError(t, err)
		for _, r := range found {
			_, _, ok := s.read(r.DocumentID)
			require.True(t, ok, r.Name)
		}
	}
	require.NoError(t, os.Remove(filepath.Join(s.dir, "b.txt")))
	for range 3 {
		s.now = s.now.AddDate(0, 0, 1)
		l.Age(24 * time.Hour)
		l.Refresh(t.Context())
		_, err := s.store.Sweep(t.Context(), 1, nil)
		require.NoError(t, err)
	}
	_, _, ok := s.read(found[0].DocumentID)
	require.True(t, ok)
	_, _, ok = s.read(found[1].DocumentID)
	require.False(t, ok, "its file is gone")

	require.NoError(t, s.store.Remove(t.Context(), found[0].DocumentID))
	d, verdict, err := l.Document(t.Context(), found[0].DocumentID)
	require.NoError(t, err, "it is put there again")
	require.Equal(t, proxy.Clean, verdict)
	text, _, ok := s.read(d.ID)
	require.True(t, ok)
	require.Equal(t, "a", text)
}

// All proxies of a cluster have the same files, and start at the same time.
func TestLibrary_ProxiesOfAClusterShareDocuments(t *testing.T) {
	t.Parallel()
	e, err := engine.Start(context.WithoutCancel(t.Context()), engine.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	content := map[string]string{"a.txt": "a", "b.txt": strings.Repeat("b", 2<<20)}
	var all sync.WaitGroup
	ids := make([][]bridge.Response, 3)
	for i := range ids {
		s := newShelf(t, content)
		store, err := objects.Open(t.Context(), e, objects.Options{})
		require.NoError(t, err)
		o := s.options()
		o.Store, o.Links = backend.NewStagedStore(store, store), store
		l, err := responses.Open(o)
		require.NoError(t, err)
		t.Cleanup(l.Close)
		all.Go(func() {
			l.Refresh(t.Context())
			ids[i] = s.all(l)
		})
	}
	all.Wait()
	require.Equal(t, []string{"a.txt", "b.txt"}, names(ids[0]))
	require.Equal(t, ids[0], ids[1])
	require.Equal(t, ids[0], ids[2])
}
