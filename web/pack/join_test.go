package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/web/joined"
)

// The joined files export what their sources do, and share one class of errors and one
// program, as the sources do.
func TestJoinedEntryPointsShareTheirState(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "session"), os.DirFS("../session")))
	require.NoError(t, os.CopyFS(filepath.Join(dir, "widget"), os.DirFS("../widget")))
	for _, name := range append([]string{"codes.js", "package.json"}, joined.Entries...) {
		text, err := os.ReadFile(filepath.Join("..", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o644))
	}
	dist := filepath.Join(dir, "dist")
	require.NoError(t, os.Mkdir(dist, 0o755))
	require.NoError(t, writeManifest(filepath.Join(dist, manifestFile), []byte("module"), "go1.0"))
	require.NoError(t, os.WriteFile(filepath.Join(dist, glueFile), []byte("globalThis.Go = class Ours {};"), 0o644))
	require.NoError(t, join(dir))

	files, ok := joined.Of(os.DirFS(dir))
	require.True(t, ok)
	served := t.TempDir()
	require.NoError(t, os.CopyFS(served, files))
	require.NoError(t, os.WriteFile(filepath.Join(served, "package.json"), []byte(`{"type":"module"}`), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(served, "check.js"), []byte(`
import assert from 'node:assert';
globalThis.HTMLElement = class {};
globalThis.Go = 'of the page';
const attache = await import('./attache.js');
assert.equal(globalThis.Go, 'of the page');
const { FakeChat } = await import('./testing.js');
const source = await import(process.argv[2] + '/attache.js');
for (const name of Object.keys(source)) assert.equal(typeof attache[name], typeof source[name], name);
for (const name of Object.keys(attache)) assert.ok(name in source || name.startsWith('_'), name);
const { load, onExit } = await import('./loader.js');
assert.equal(typeof onExit, 'function');
const urls = [];
globalThis.fetch = async (url) => { urls.push(String(url)); return new Response('', { status: 404 }); };
await assert.rejects(load(), /404/);
assert.match(urls[0], /\/dist\/attache\.wasm\?v=[0-9a-f]{12}$/);
assert.equal(urls[0].replace(/dist.*/, ''), new URL('.', import.meta.url).href);
const session = new FakeChat().join({ userId: 'ada', userType: 'AGENT' });
await assert.rejects(Promise.resolve(session).then((s) => s.remove('nothing')), attache.AttacheError);
await import('./element.js').catch((error) => assert.match(String(error), /customElements/));
`), 0o644))
	out, err := exec.Command("node", filepath.Join(served, "check.js"), "file://"+dir).CombinedOutput()
	require.NoError(t, err, "%s", out)

	// What is current is left as it is; what is not is joined again.
	stamp := filepath.Join(dir, joined.Dir, "attache.js")
	require.NoError(t, os.WriteFile(stamp, []byte("touched"), 0o644))
	require.NoError(t, join(dir))
	text, err := os.ReadFile(stamp)
	require.NoError(t, err)
	require.Equal(t, "touched", string(text))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "session", "key.js"), []byte("export const randomKey = () => 'x', isKey = () => true, hex = () => '';"), 0o644))
	require.NoError(t, join(dir))
	text, err = os.ReadFile(stamp)
	require.NoError(t, err)
	require.NotEqual(t, "touched", string(text))
}

func TestASyntaxErrorIsReportedWithItsPlace(t *testing.T) {
	dir := write(t, map[string]string{"attache.js": "export const = 1;", "element.js": "", "loader.js": "", "testing.js": "",
		"session/a.js": "", "widget/a.js": "", "dist/build.js": "", "dist/wasm_exec.js": ""})
	require.ErrorContains(t, join(dir), "attache.js:1:13")
	_, ok := joined.Of(os.DirFS(dir))
	require.False(t, ok)
}
