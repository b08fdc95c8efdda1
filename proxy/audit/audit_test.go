package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/audit"
)

func open(t *testing.T, path string) *audit.Log {
	t.Helper()
	l, err := audit.Open(path, audit.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func record(n int) proxy.AuditRecord {
	return proxy.AuditRecord{
		Time: time.Date(2026, 3, 1, 12, 0, n, 0, time.UTC), Action: proxy.ActionFailed, Session: "chat-1", UserID: "ada", UserType: bridge.Agent,
		Conn: "0123456789ab", Key: fmt.Sprintf("%032x", n), DocumentID: "doc", FileID: "file", Name: "name-canary.pdf", Size: int64(n),
		Digest: strings.Repeat("ab", 32), Verdict: proxy.Infected, Code: bridge.CodeInfected, Tries: 2,
	}
}

func write(t *testing.T, l *audit.Log, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		require.NoError(t, l.Write(record(n)))
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func check(text string) (audit.Chain, error) {
	return audit.Check(strings.NewReader(text), audit.Chain{})
}

// whole checks the file, and that it has the records with these numbers, in order.
func whole(t *testing.T, path string, numbers ...int) audit.Chain {
	t.Helper()
	text := contents(t, path)
	chain, err := check(text)
	require.NoError(t, err, text)
	require.False(t, chain.Unfinished, text)
	var got []int
	for line := range strings.Lines(text) {
		var e struct {
			Action proxy.Action
			Size   int
		}
		if json.Unmarshal([]byte(line), &e) == nil && e.Action == proxy.ActionFailed {
			got = append(got, e.Size)
		}
	}
	require.Equal(t, numbers, got, text)
	return chain
}

func TestWrite_OmitsOnlyTheName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	write(t, open(t, path), 7)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	lines := strings.Split(contents(t, path), "\n")
	require.Len(t, lines, 3)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &got))
	require.Len(t, got["prev"], 64)
	delete(got, "prev")
	require.Equal(t, map[string]any{
		"time": "2026-03-01T12:00:07Z", "action": "failed", "session": "chat-1", "user": "ada", "type": "AGENT", "conn": "0123456789ab",
		"key": "00000000000000000000000000000007", "document": "doc", "file": "file", "size": 7.0,
		"digest": strings.Repeat("ab", 32), "verdict": "infected", "code": "infected", "tries": 2.0,
	}, got)
}

func TestWrite_WithNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	l, err := audit.Open(path, audit.Options{Names: true})
	require.NoError(t, err)
	defer l.Close()
	write(t, l, 1)
	require.Contains(t, contents(t, path), `"name":"name-canary.pdf"`)
}

func TestT21AChangedFileShows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	write(t, open(t, path), 1, 2, 3, 4, 5)
	whole(t, path, 1, 2, 3, 4, 5)
	lines := strings.SplitAfter(contents(t, path), "\n")[:6]
	for name, c := range map[string]struct {
		change func([]string) []string
		line   int // the first that is broken
	}{
		"a member changed": {func(l []string) []string {
			l[2] = strings.Replace(l[2], "infected", "clean", 1)
			return l
		}, 4},
		"a line removed":     {func(l []string) []string { return append(l[:3], l[4:]...) }, 4},
		"a line put in":      {func(l []string) []string { return append(l[:3], append([]string{l[2]}, l[3:]...)...) }, 4},
		"two lines swapped":  {func(l []string) []string { l[2], l[3] = l[3], l[2]; return l }, 3},
		"a line of nonsense": {func(l []string) []string { l[2] = "nonsense\n"; return l }, 4},
		"a blank in a line":  {func(l []string) []string { l[2] = strings.Replace(l[2], ",", ", ", 1); return l }, 4},
		"the beginning gone": {func(l []string) []string { return l[1:] }, 1},
		"the first of nonsense": {func(l []string) []string {
			l[0] = "nonsense\n"
			return l
		}, 2},
		"something else": {func([]string) []string { return []string{strings.Repeat("x", 1<<20)} }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			changed := c.change(append([]string(nil), lines...))
			_, err := check(strings.Join(changed, ""))
			var broken *audit.Broken
			require.ErrorAs(t, err, &broken)
			require.Equal(t, c.line, broken.Line, broken.Why)
		})
	}
	t.Run("a missing end shows by its hash", func(t *testing.T) {
		all, err := check(strings.Join(lines, ""))
		require.NoError(t, err)
		less, err := check(strings.Join(lines[:5], ""))
		require.NoError(t, err)
		require.NotEqual(t, all.Last, less.Last)
		require.Contains(t, lines[5], less.Last, "a copied hash is in the line after it")
	})
}

// A process is killed at every byte of its last line; the next one continues.
func TestOpen_EndsAnIncompleteLine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit")
	first := open(t, path)
	write(t, first, 1, 2)
	before := contents(t, path)
	write(t, first, 3)
	all := contents(t, path)
	for cut := len(before) + 1; cut < len(all); cut++ {
		path := filepath.Join(dir, fmt.Sprint("cut-", cut))
		require.NoError(t, os.WriteFile(path, []byte(all[:cut]), 0o600))
		chain, err := check(all[:cut])
		require.NoError(t, err)
		require.True(t, chain.Unfinished)

		l := open(t, path)
		write(t, l, 4)
		require.NoError(t, l.Close())
		require.True(t, strings.HasPrefix(contents(t, path), all[:cut]), "nothing is removed")
		if cut == len(all)-1 {
			whole(t, path, 1, 2, 3, 4)
			continue
		}
		chain = whole(t, path, 1, 2, 4)
		require.Equal(t, 1, chain.Torn)
		torn := strings.Replace(contents(t, path), all[len(before):cut]+"\n", "{\"other\":1}\n", 1)
		_, err = check(torn)
		require.Error(t, err, "the incomplete line is part of the chain")
		without := strings.Replace(contents(t, path), lastLine(before), "", 1)
		_, err = check(without)
		require.Error(t, err, "so is the line before it")
	}
}

// The process that ends an incomplete line may be killed, too.
func TestOpen_EndsARepeatedlyIncompleteLine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit")
	l := open(t, path)
	write(t, l, 1, 2)
	l.Close()
	torn := strings.TrimSuffix(contents(t, path), "\n")
	torn = torn[:len(torn)-20]
	require.NoError(t, os.WriteFile(path, []byte(torn), 0o600))
	open(t, path).Close()
	mended := contents(t, path)
	for cut := len(torn) + 1; cut < len(mended); cut++ {
		path := filepath.Join(dir, fmt.Sprint("cut-", cut))
		require.NoError(t, os.WriteFile(path, []byte(mended[:cut]), 0o600))
		l := open(t, path)
		write(t, l, 3)
		l.Close()
		whole(t, path, 1, 3)
	}
}

func TestOpen_EndsAnIncompleteFirstLine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit")
	open(t, path).Close()
	birth := contents(t, path)
	for cut := range birth {
		path := filepath.Join(dir, fmt.Sprint("cut-", cut))
		require.NoError(t, os.WriteFile(path, []byte(birth[:cut]), 0o600))
		l := open(t, path)
		write(t, l, 1)
		l.Close()
		whole(t, path, 1)
	}
}

func TestOpen_ContinuesTheChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	for n := range 3 {
		l := open(t, path)
		write(t, l, n)
		l.Close()
	}
	require.Equal(t, 4, whole(t, path, 0, 1, 2).Lines)
}

func TestReopen_ContinuesTheChainInANewFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit")
	l := open(t, path)
	write(t, l, 1)
	require.NoError(t, l.Reopen(), "of the file it has")
	write(t, l, 2)
	old := path + ".1"
	require.NoError(t, os.Rename(path, old))
	write(t, l, 3)
	require.NoError(t, l.Reopen())
	write(t, l, 4)
	whole(t, old, 1, 2, 3)
	whole(t, path, 4)

	before, err := check(contents(t, old))
	require.NoError(t, err)
	require.Contains(t, strings.SplitAfter(contents(t, path), "\n")[0], before.Last, "the first line names the old one's last hash")
	chain, err := audit.Check(strings.NewReader(contents(t, path)), before)
	require.NoError(t, err)
	require.Equal(t, before.Lines+2, chain.Lines)

	less, err := check(strings.TrimSuffix(contents(t, old), lastLine(contents(t, old))))
	require.NoError(t, err)
	_, err = audit.Check(strings.NewReader(contents(t, path)), less)
	var broken *audit.Broken
	require.ErrorAs(t, err, &broken)
	require.Equal(t, 1, broken.Line, "the old one's end is missing")
}

func lastLine(text string) string {
	lines := strings.SplitAfter(text, "\n")
	return lines[len(lines)-2]
}

func TestReopen_KeepsTheOldFileIfItFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit")
	l := open(t, path)
	old := path + ".1"
	require.NoError(t, os.Rename(path, old))
	require.NoError(t, os.Mkdir(path, 0o700))
	require.Error(t, l.Reopen())
	write(t, l, 1)
	whole(t, old, 1)
}

func TestOpen_RefusesASecondWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	open(t, path)
	_, err := audit.Open(path, audit.Options{})
	require.ErrorContains(t, err, "in use by another process")
}

func TestOpen_RefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(notes, []byte("shopping list\n"), 0o600))
	for name, path := range map[string]string{"a directory": dir, "no directory": filepath.Join(dir, "a", "b"), "a device": os.DevNull, "another text": notes} {
		t.Run(name, func(t *testing.T) {
			_, err := audit.Open(path, audit.Options{})
			require.Error(t, err)
		})
	}
	require.Equal(t, "shopping list\n", contents(t, notes))
}

func TestWrite_Concurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	l := open(t, path)
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() { l.Write(record(n)) })
	}
	all.Wait()
	chain, err := check(contents(t, path))
	require.NoError(t, err)
	require.Equal(t, 51, chain.Lines)
}

// A full disk stores a part of a line; as soon as it has space again, the log continues.
func TestWrite_RecoversFromAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	l := open(t, path)
	write(t, l, 1)
	restore := limitFileSize(t, int64(len(contents(t, path))+30))
	err := l.Write(record(2))
	stillFull := l.Write(record(3))
	restore()
	require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(err))
	require.True(t, errors.As(stillFull, new(*bridge.Error)))
	write(t, l, 4)
	require.Equal(t, 1, whole(t, path, 1, 4).Torn)
}

func FuzzCheck(f *testing.F) {
	path := filepath.Join(f.TempDir(), "audit")
	l, err := audit.Open(path, audit.Options{})
	require.NoError(f, err)
	require.NoError(f, l.Write(record(1)))
	require.NoError(f, l.Write(record(2)))
	l.Close()
	good, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(good)
	f.Add(good[:len(good)-9])
	f.Fuzz(func(t *testing.T, text []byte) {
		chain, err := audit.Check(bytes.NewReader(text), audit.Chain{})
		// Another text of the same length cannot have the same last hash.
		if err == nil && len(text) == len(good) && !bytes.Equal(text, good) && !chain.Unfinished {
			whole, _ := audit.Check(bytes.NewReader(good), audit.Chain{})
			require.NotEqual(t, whole.Last, chain.Last)
		}
	})
}
