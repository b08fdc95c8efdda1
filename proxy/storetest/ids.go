package storetest

import (
	"io/fs"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

var idCases = []storeCase{
	{name: "NewID returns a fresh id of at most 16 letters and digits", body: func(t *T) {
		s := t.open(Options{})
		seen := map[string]bool{}
		for range 2000 {
			id := s.NewID()
			require.Regexp(t, `^[0-9A-Za-z]{1,16}$`, id)
			require.False(t, seen[id], "an id came twice")
			seen[id] = true
		}
	}},
	{name: "an id that no store makes is unknown to every method, and is never a path", body: func(t *T) {
		s := t.open(Options{})
		known := put(t, s, random(10), 10)
		outside := around(t)
		for name, id := range impossibleIDs(known) {
			_, err := s.Begin(t.ctx, proxy.Document{ID: id, Name: "a.pdf", Size: 1}, 0)
			mustRefuse(t, bridge.CodeDocument, err, "begin", name)
			_, err = s.Staged(t.ctx, id)
			mustRefuse(t, bridge.CodeDocument, err, "staged", name)
			_, err = s.Add(t.ctx, document(id, nil))
			mustRefuse(t, bridge.CodeDocument, err, "add", name)
			_, err = s.Open(t.ctx, id)
			mustRefuse(t, bridge.CodeDocument, err, "open", name)
			require.NoError(t, s.Discard(t.ctx, id), "discard %s", name)
			require.NoError(t, s.Remove(t.ctx, id), "remove %s", name)
			if settler, ok := s.Store.(proxy.Settler); ok {
				mustRefuse(t, bridge.CodeDocument, settler.Settle(t.ctx, id), "settle", name)
			}
		}
		require.Equal(t, outside, around(t), "nothing outside the store's directory changed")
		require.Equal(t, random(10), read(t, s, known))
	}},
	{name: "an id with letters in the other case names nothing", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := s.NewID()
		for swapCase(id) == id { // digits only
			id = s.NewID()
		}
		write(t, begin(t, s, id, content, 0), content, 400)
		nothingStaged(t, s, swapCase(id))
		require.NoError(t, s.Discard(t.ctx, swapCase(id)))
		same(t, content, staged(t, s, id), "the staged content after the discard of another")
		add(t, s, id, content)
		unknown(t, s, swapCase(id))
		nothingStaged(t, s, swapCase(id))
		require.NoError(t, s.Remove(t.ctx, swapCase(id)))
		require.Equal(t, content, read(t, s, id))
	}},
	{name: "an id that was made and never begun is not an error", body: func(t *T) {
		s := t.open(Options{})
		id := s.NewID()
		unknown(t, s, id)
		nothingStaged(t, s, id)
		require.NoError(t, s.Remove(t.ctx, id))
		require.NoError(t, s.Discard(t.ctx, id))
		w := begin(t, s, id, random(10), 0)
		require.Zero(t, w.Offset(), "it can be begun after that")
	}},
	{name: "an id that an ended process made can be begun", body: func(t *T) {
		s := t.open(Options{})
		id := s.NewID()
		s = t.reopen(s, Options{})
		content := random(1000)
		w := begin(t, s, id, content, 0)
		wholeAt(t, w, content, 0)
		write(t, w, content, 300)
		add(t, s, id, content)
		require.Equal(t, content, read(t, s, id))
	}},
	{name: "an id that another process made can be begun", cluster: true, body: func(t *T) {
		s := t.open(Options{})
		id := t.beside(s, Options{}).NewID()
		content := random(1000)
		write(t, begin(t, s, id, content, 0), content, 300)
		add(t, s, id, content)
		require.Equal(t, content, read(t, s, id))
	}},
	{name: "an id of a day without content is unknown", body: func(t *T) {
		s := t.open(Options{})
		id := "0001" + strings.Repeat("a", 12)
		unknown(t, s, id)
		require.NoError(t, s.Remove(t.ctx, id))
		require.NoError(t, s.Discard(t.ctx, id))
	}},
}

// impossibleIDs are ids that no store can have made. A name of known's day and the endings of
// a store's own files are among them.
func impossibleIDs(known string) map[string]string {
	day := known[:4]
	return map[string]string{
		"empty":               "",
		"too short":           day,
		"17 characters":       known + "0",
		"a parent":            "../x",
		"only dots":           "..",
		"a path":              "a/b",
		"a path of 16 bytes":  day + "/../../../..",
		"a path to the known": "../" + day + "/" + known,
		"a Windows path":      day + `\..\..\..\..`,
		"an absolute path":    "/etc/hosts/a/b/c",
		"NUL":                 day + "\x00aaaaaaaaaaa",
		"NUL at the end":      known[:15] + "\x00",
		"two-byte letters":    day + "ääääää",
		"full-width digits":   "２５１５aaaa",
		"not UTF-8":           day + "\xff\xfeaaaaaaaaaa",
		"a wildcard":          day + ">***********",
		"a space":             day + " aaaaaaaaaaa",
		"a line break":        known[:15] + "\n",
		"a colon":             day + ":aaaaaaaaaaa",
		"no day":              "x515aaaaaaaaaaaa",
		"a negative day":      "-515aaaaaaaaaaaa",
		"a part":              day + "aaaaaaa.part",
		"a description":       day + "aaaaaaa.json",
		"a swept day":         ".gone-2026-11-20",
		"a day":               "2026-11-20",
		"a long one":          strings.Repeat(day, 1000),
	}
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

// around lists what is beside the store's directory.
func around(t *T) (names []string) {
	t.Helper()
	root := filepath.Dir(t.dir)
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if path == t.dir {
			return fs.SkipDir
		}
		names = append(names, path)
		return err
	})
	require.NoError(t, err)
	return names
}
