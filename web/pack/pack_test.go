package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// module is a WebAssembly module of the given sections.
func module(sections ...string) []byte {
	return []byte("\x00asm\x01\x00\x00\x00" + strings.Join(sections, ""))
}

func TestInitialMemory(t *testing.T) {
	for name, test := range map[string]struct {
		module []byte
		want   int
		err    string
	}{
		"no maximum":          {module: module("\x05\x03\x01\x00\x02"), want: 2 * pageSize},
		"with a maximum":      {module: module("\x05\x04\x01\x01\x03\x10"), want: 3 * pageSize},
		"more than 127 pages": {module: module("\x05\x04\x01\x00\x80\x04"), want: 512 * pageSize},
		"after others":        {module: module("\x01\x02ab", "\x00\x81\x00"+"x", "\x05\x03\x01\x00\x01"), want: pageSize},
		"none declared":       {module: module("\x01\x02ab"), err: "no memory"},
		"empty section":       {module: module("\x05\x01\x00"), err: "no memory"},
		"empty file":          {module: nil, err: "not a WebAssembly module"},
		"a page":              {module: []byte("<!doctype html>"), err: "not a WebAssembly module"},
		"cut in a section":    {module: module("\x05\x09\x01"), err: "cut short"},
		"cut in a length":     {module: module("\x05\x80"), err: "cut short"},
		"cut in the limits":   {module: module("\x05\x01\x01"), err: "memory section"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := initialMemory(test.module)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

// write lays out files under a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func TestInputsThatChangeTheHash(t *testing.T) {
	sources := map[string]string{"go.mod": "module m", "a/a.go": "package a", "a/a_test.go": "package a", "a/notes.md": "notes"}
	hash := func(version string, change map[string]string) string {
		files := map[string]string{}
		for _, m := range []map[string]string{sources, change} {
			for name, text := range m {
				files[name] = text
			}
		}
		t.Chdir(write(t, files))
		h, err := hashInputs(version, "a", "go.mod", "absent")
		require.NoError(t, err)
		return h
	}
	was := hash("go1.26.8", nil)
	for name, test := range map[string]struct {
		version string
		change  map[string]string
		same    bool
	}{
		"nothing":           {version: "go1.26.8", same: true},
		"a test":            {version: "go1.26.8", change: map[string]string{"a/a_test.go": "package b"}, same: true},
		"not Go":            {version: "go1.26.8", change: map[string]string{"a/notes.md": "other"}, same: true},
		"another folder":    {version: "go1.26.8", change: map[string]string{"b/b.go": "package b"}, same: true},
		"a source":          {version: "go1.26.8", change: map[string]string{"a/a.go": "package b"}},
		"a new source":      {version: "go1.26.8", change: map[string]string{"a/b.go": ""}},
		"one further down":  {version: "go1.26.8", change: map[string]string{"a/c/c.go": "package c"}},
		"the module's file": {version: "go1.26.8", change: map[string]string{"go.mod": "module n"}},
		"the toolchain":     {version: "go1.26.9"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.same, was == hash(test.version, test.change))
		})
	}
}

var program = map[string]string{
	"go.mod":  "module program\n\ngo 1.26\n",
	"main.go": "package main\n\nfunc main() { println(1) }\n",
}

func TestBuildsAreReproducible(t *testing.T) {
	var first []byte
	for range 2 {
		dir := write(t, program)
		tool, err := findToolchain(dir)
		require.NoError(t, err)
		t.Setenv("GOFLAGS", "-race") // a native build's flags must not reach the module
		built, err := tool.build(dir, filepath.Join(t.TempDir(), moduleFile))
		require.NoError(t, err)
		if first == nil {
			first = built
		}
		require.True(t, bytes.Equal(first, built), "equal sources in other folders gave other bytes")
		require.NotContains(t, string(built), dir)
	}
}

func TestAFailedBuildShowsTheCompilersMessage(t *testing.T) {
	dir := write(t, map[string]string{"go.mod": program["go.mod"], "main.go": "package main\n\nfunc main() { nonsense() }\n"})
	var report bytes.Buffer
	err := packer{pkg: dir, out: filepath.Join(dir, "out"), report: &report}.pack()
	require.ErrorContains(t, err, "undefined: nonsense")
	require.Empty(t, report.String())
	left, err := os.ReadDir(filepath.Join(dir, "out"))
	require.NoError(t, err)
	require.Empty(t, left, "a failed build leaves no files")
}

func TestUnchangedInputsAreNotBuiltAgain(t *testing.T) {
	dir := write(t, program)
	out := filepath.Join(dir, "out")
	require.NoError(t, os.Mkdir(out, 0o755))
	for _, name := range outputs {
		require.NoError(t, os.WriteFile(filepath.Join(out, name), []byte("built before"), 0o644))
	}
	tool, err := findToolchain(dir)
	require.NoError(t, err)
	t.Chdir(dir)
	inputs, err := hashInputs(tool.version, ".", "bridge", "go.mod", "go.sum", "web/pack")
	require.NoError(t, err)
	require.NoError(t, stampFile(filepath.Join(out, ".stamp")).write(inputs, "sizes\n"))

	var report bytes.Buffer
	require.NoError(t, packer{pkg: ".", out: "out", report: &report}.pack())
	require.Equal(t, "sizes\n", report.String(), "the report of that build")
	text, err := os.ReadFile(filepath.Join(out, moduleFile))
	require.NoError(t, err)
	require.Equal(t, "built before", string(text))

	require.NoError(t, os.Remove(filepath.Join(out, glueFile)))
	require.False(t, complete(out), "a missing file is built again")
}

func TestTheManifestNamesTheContent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "build.mjs")
	require.NoError(t, writeManifest(path, []byte("module"), "go1.26.8"))
	script := `import { wasm } from ` + "'" + path + "'" + `;
import { createHash } from 'node:crypto';
const of = (name, form) => createHash(name).update('module').digest(form);
if (wasm.integrity !== 'sha384-' + of('sha384', 'base64')) throw wasm.integrity;
if (wasm.sha256 !== of('sha256', 'hex')) throw wasm.sha256;
if (wasm.go !== 'go1.26.8') throw wasm.go;
if (!wasm.url.href.endsWith('/attache.wasm?v=' + wasm.sha256.slice(0, 12))) throw wasm.url.href;
`
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	out, err := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", script).CombinedOutput()
	require.NoError(t, err, string(out))
}
