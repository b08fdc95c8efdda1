package joined_test

import (
	"io/fs"
	"maps"
	"path"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"attache/web/joined"
)

func sources() fstest.MapFS {
	files := fstest.MapFS{}
	for _, name := range append([]string{"session/a.js", "widget/styles/b.js", "dist/build.js", "dist/wasm_exec.js"}, joined.Entries...) {
		files[name] = &fstest.MapFile{Data: []byte("// " + name)}
	}
	return files
}

func TestJoinedFilesBelongToTheirSources(t *testing.T) {
	digest, err := joined.Digest(sources())
	require.NoError(t, err)
	with := func(change func(fstest.MapFS)) fstest.MapFS {
		files := maps.Clone(sources())
		files[path.Join(joined.Dir, joined.Stamp)] = &fstest.MapFile{Data: []byte(digest + "\n")}
		files[path.Join(joined.Dir, "attache.js")] = &fstest.MapFile{Data: []byte("joined")}
		change(files)
		return files
	}
	files, ok := joined.Of(with(func(fstest.MapFS) {}))
	require.True(t, ok)
	text, err := fs.ReadFile(files, "attache.js")
	require.NoError(t, err)
	require.Equal(t, "joined", string(text))

	for name, change := range map[string]func(fstest.MapFS){
		"a source has changed":   func(f fstest.MapFS) { f["session/a.js"] = &fstest.MapFile{Data: []byte("// other")} },
		"a source is new":        func(f fstest.MapFS) { f["widget/c.js"] = &fstest.MapFile{} },
		"a source has moved":     func(f fstest.MapFS) { f["session/b.js"] = f["session/a.js"]; delete(f, "session/a.js") },
		"the build has changed":  func(f fstest.MapFS) { f["dist/build.js"] = &fstest.MapFile{Data: []byte("// other")} },
		"there is no build":      func(f fstest.MapFS) { delete(f, "dist/build.js") },
		"an entry point is gone": func(f fstest.MapFS) { delete(f, "testing.js") },
		"nothing was joined":     func(f fstest.MapFS) { delete(f, path.Join(joined.Dir, joined.Stamp)) },
	} {
		t.Run(name, func(t *testing.T) {
			_, ok := joined.Of(with(change))
			require.False(t, ok)
		})
	}
}
