package main

import (
	"context"
	"crypto/sha256"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// R1: what an operator would find wrong with the plain files.
func TestR1PlainFilesAreComparedWithTheJournal(t *testing.T) {
	const day = "2026-11-28/"
	good := map[string]string{day + "A": "whole", day + "A.json": "{}\n{}\n", "volume": "7"}
	for _, c := range []struct {
		name   string
		files  map[string]string // besides the good ones; "gone" removes one
		before map[string]string // as they were when the documents got their names
		staged map[string]string
		want   []kind
	}{
		{name: "as it must be"},
		{name: "killed at its beginning", files: map[string]string{day + "B.part": "", day + "B.json": "{}"}},
		{name: "killed before that", files: map[string]string{day + "B.json": ""}},
		{name: "no file", files: map[string]string{day + "A": "gone"}, want: []kind{left, lost}},
		{name: "no description", files: map[string]string{day + "A.json": "gone"}, want: []kind{lost}},
		{name: "other bytes", files: map[string]string{day + "A": "whale"}, want: []kind{corrupted, exposed}},
		{name: "bytes missing", files: map[string]string{day + "A": "whol"}, want: []kind{corrupted, exposed}},
		{name: "a document without a notice", files: map[string]string{day + "B": "x", day + "B.json": "{}"}, want: []kind{exposed}},
		{name: "named before it was whole", before: map[string]string{day + "A": "who"}, want: []kind{exposed}},
		{name: "named for a while", before: map[string]string{day + "B": "infected"}, want: []kind{exposed}},
		{name: "bytes of an upload that ended", files: map[string]string{day + "B.part": "x", day + "B.json": "{}"}, want: []kind{left}},
		{name: "two names", files: map[string]string{day + "A.part": "whole"}, want: []kind{left}},
		{name: "the description of whole content", files: map[string]string{day + "B.json": "{}\n{}\n"}, want: []kind{left}},
		{name: "another name", files: map[string]string{day + "A.old": "whole"}, want: []kind{left}},
		{name: "a file beside the days", files: map[string]string{"A": "whole"}, want: []kind{left}},
		{name: "an upload's bytes at the proxy", staged: map[string]string{day + "A.part": "whole"}, want: []kind{left}},
		{name: "a name at the proxy", staged: map[string]string{day + "A": "whole", day + "A.json": "{}"}, want: []kind{left}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := &plainFiles{documents: filepath.Join(dir, "documents"), staged: filepath.Join(dir, "staged"), seen: map[string]sight{}}
			put(t, p.documents, c.before)
			p.look()
			require.NoError(t, os.RemoveAll(p.documents))
			put(t, p.documents, good)
			put(t, p.documents, c.files)
			put(t, p.staged, c.staged)
			f := &field{journal: newJournal(), findings: newFindings(t.Context()), files: p}
			i := &intent{key: "a", size: 5, digest: sha256.Sum256([]byte("whole"))}
			f.journal.mean(i)
			f.journal.named(i.key, "A")
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // nothing is removed later
			p.verify(ctx, f)
			require.ElementsMatch(t, c.want, slices.Collect(maps.Keys(f.findings.Counts)), f.findings.First)
		})
	}
}

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if content == "gone" {
			require.NoError(t, os.Remove(path))
			continue
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
}
