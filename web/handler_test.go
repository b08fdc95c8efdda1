package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"attache/web/joined"
)

var (
	plain  = []byte("\x00asm plain")
	source = bytes.Repeat([]byte("export const x = 1;\n"), 100)
	built  = fstest.MapFS{
		"attache.js":           {Data: source},
		"attache.d.ts":         {Data: []byte("export {};")},
		"widget/locales/en.js": {Data: []byte("export default {};")},
		"dist/attache.wasm":    {Data: plain},
		"dist/attache.wasm.br": {Data: []byte("as brotli")},
		"dist/attache.wasm.gz": {Data: []byte("as gzip")},
		"dist/build.js":        {Data: []byte("export const wasm = {};")},
		"dist/wasm_exec.js":    {Data: []byte("globalThis.Go = class {};")},
	}
)

func get(t *testing.T, files fstest.MapFS, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	newHandler(files).ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(b)
}

func TestCodingIsNegotiated(t *testing.T) {
	for name, test := range map[string]struct{ accept, coding, body string }{
		"browser":             {"gzip, deflate, br, zstd", "br", "as brotli"},
		"no brotli":           {"gzip, deflate", "gzip", "as gzip"},
		"brotli refused":      {"br;q=0, gzip;q=0.5", "gzip", "as gzip"},
		"brotli refused, 0.0": {"br; q=0.0, gzip", "gzip", "as gzip"},
		"weighted":            {"gzip;q=0.1, br;q=0.2", "br", "as brotli"},
		"other case":          {"GZIP", "gzip", "as gzip"},
		"nonsense weight":     {"br;q=much", "", string(plain)},
		"only part of a name": {"brotli", "", string(plain)},
		"none":                {"", "", string(plain)},
		"identity":            {"identity", "", string(plain)},
	} {
		t.Run(name, func(t *testing.T) {
			r := get(t, built, "GET", "/dist/attache.wasm", "Accept-Encoding", test.accept)
			require.Equal(t, http.StatusOK, r.StatusCode)
			require.Equal(t, test.coding, r.Header.Get("Content-Encoding"))
			require.Equal(t, "Accept-Encoding", r.Header.Get("Vary"))
			require.Equal(t, int64(len(test.body)), r.ContentLength)
			require.Equal(t, test.body, body(t, r))
		})
	}
}

func TestTextIsCompressed(t *testing.T) {
	r := get(t, built, "GET", "/attache.js", "Accept-Encoding", "gzip, br")
	require.Equal(t, "gzip", r.Header.Get("Content-Encoding"))
	require.Less(t, r.ContentLength, int64(len(source)))
	z, err := gzip.NewReader(r.Body)
	require.NoError(t, err)
	got, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, source, got)
}

func TestMediaTypes(t *testing.T) {
	for name, want := range map[string]string{
		"/attache.js":           "text/javascript; charset=utf-8",
		"/widget/locales/en.js": "text/javascript; charset=utf-8",
		"/attache.d.ts":         "text/plain; charset=utf-8",
		"/dist/attache.wasm":    "application/wasm",
	} {
		for _, accept := range []string{"", "gzip", "br"} {
			r := get(t, built, "GET", name, "Accept-Encoding", accept)
			require.Equal(t, want, r.Header.Get("Content-Type"), name)
		}
	}
}

func TestPagesOfEveryOriginMayReadEveryAnswer(t *testing.T) {
	for _, target := range []string{"/attache.js", "/dist/attache.wasm", "/missing.js"} {
		r := get(t, built, "GET", target, "Origin", "https://shop.example")
		require.Equal(t, "*", r.Header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "cross-origin", r.Header.Get("Cross-Origin-Resource-Policy"))
		require.Equal(t, "*", r.Header.Get("Timing-Allow-Origin"))
		require.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"))
	}
}

func TestUnchangedFilesAreNotSentAgain(t *testing.T) {
	tags := map[string]bool{}
	for _, accept := range []string{"", "gzip", "br"} {
		first := get(t, built, "GET", "/dist/attache.wasm", "Accept-Encoding", accept)
		tag := first.Header.Get("ETag")
		require.Regexp(t, `^"[^"]+"$`, tag, "strong")
		tags[tag] = true

		again := get(t, built, "GET", "/dist/attache.wasm", "Accept-Encoding", accept, "If-None-Match", tag)
		require.Equal(t, http.StatusNotModified, again.StatusCode)
		require.Empty(t, body(t, again))
		require.Equal(t, "*", again.Header.Get("Access-Control-Allow-Origin"))
	}
	require.Len(t, tags, 3, "each coding is a representation of its own")

	changed := fstest.MapFS{"dist/attache.wasm": {Data: []byte("other")}}
	for tag := range tags {
		r := get(t, changed, "GET", "/dist/attache.wasm", "If-None-Match", tag)
		require.Equal(t, http.StatusOK, r.StatusCode)
	}
}

func TestOnlyURLsThatNameTheContentAreCachedForever(t *testing.T) {
	sum := sha256.Sum256(plain)
	hash := hex.EncodeToString(sum[:])
	for name, test := range map[string]struct{ target, want string }{
		"named":         {"/dist/attache.wasm?v=" + hash[:12], "public, max-age=31536000, immutable"},
		"named in full": {"/dist/attache.wasm?v=" + hash, "public, max-age=31536000, immutable"},
		"not named":     {"/dist/attache.wasm", "no-cache"},
		"empty":         {"/dist/attache.wasm?v=", "no-cache"},
		"too short":     {"/dist/attache.wasm?v=" + hash[:4], "no-cache"},
		"other content": {"/dist/attache.wasm?v=0123456789ab", "no-cache"},
		"other file":    {"/attache.js?v=" + hash[:12], "no-cache"},
		"script":        {"/attache.js", "no-cache"},
		"missing":       {"/missing.js?v=" + hash[:12], "no-store"},
	} {
		t.Run(name, func(t *testing.T) {
			r := get(t, built, "GET", test.target)
			require.Equal(t, test.want, r.Header.Get("Cache-Control"))
		})
	}
}

func TestWithoutTheModuleDistAnswers503(t *testing.T) {
	fresh := fstest.MapFS{"attache.js": {Data: source}, "dist/build.d.ts": {Data: []byte("export {};")}}
	for _, target := range []string{"/dist/attache.wasm", "/dist/attache.wasm?v=0123456789ab", "/dist/build.js", "/dist/wasm_exec.js"} {
		r := get(t, fresh, "GET", target)
		require.Equal(t, http.StatusServiceUnavailable, r.StatusCode, target)
		require.Equal(t, "no-store", r.Header.Get("Cache-Control"))
		require.Equal(t, "*", r.Header.Get("Access-Control-Allow-Origin"), "the loader must be able to read why")
		require.Contains(t, body(t, r), "run make")
	}
	require.Equal(t, http.StatusOK, get(t, fresh, "GET", "/attache.js").StatusCode)
	require.Equal(t, http.StatusNotFound, get(t, built, "GET", "/dist/other.wasm").StatusCode)
}

func TestT22OnlyThePublicFilesAreServed(t *testing.T) {
	for _, target := range []string{
		"/", "/dist", "/dist/", "/dist/attache.wasm.br", "/dist/../attache.js", "/../web.go", "/..%2fgo.mod",
		"//attache.js", "/./attache.js", "/attache.js/", "/web.go", "/dist/.stamp", `/dist\attache.wasm`,
	} {
		require.Equal(t, http.StatusNotFound, get(t, built, "GET", target).StatusCode, target)
	}
}

func TestMethods(t *testing.T) {
	head := get(t, built, "HEAD", "/dist/attache.wasm", "Accept-Encoding", "br")
	require.Equal(t, http.StatusOK, head.StatusCode)
	require.Equal(t, int64(len("as brotli")), head.ContentLength)
	require.Empty(t, body(t, head))
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		r := get(t, built, method, "/attache.js")
		require.Equal(t, http.StatusMethodNotAllowed, r.StatusCode)
		require.Equal(t, "GET, HEAD", r.Header.Get("Allow"))
	}
}

func TestTheEmbeddedFolderIsServed(t *testing.T) {
	w := httptest.NewRecorder()
	http.StripPrefix("/web", Handler()).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/web/loader.js", nil))
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "export")
	for _, private := range []string{"web.go", "package.json", "node_modules", "pack/main.go", "test/double.ts", "demo"} {
		_, err := FS.Open(private)
		require.Error(t, err, private)
	}
}

func TestDemoFilesAreServedByTheDemoOnly(t *testing.T) {
	files, err := Demo.ReadDir("demo")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		for want, handler := range map[int]http.Handler{http.StatusNotFound: Handler(), http.StatusOK: HandlerOf(FS, Demo)} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/demo/"+file.Name(), nil))
			require.Equal(t, want, w.Code, file.Name())
		}
	}
}

func TestJoinedFilesAreServedInPlaceOfTheirSources(t *testing.T) {
	files := fstest.MapFS{}
	for _, name := range append([]string{"session/a.js", "widget/a.js", "dist/build.js", "dist/wasm_exec.js"}, joined.Entries...) {
		files[name] = &fstest.MapFile{Data: []byte("source of " + name)}
	}
	digest, err := joined.Digest(files)
	require.NoError(t, err)
	files["dist/joined/attache.js"] = &fstest.MapFile{Data: []byte("joined")}
	files["dist/joined/attache.js.br"] = &fstest.MapFile{Data: []byte("joined, as brotli")}
	files["dist/joined/"+joined.Stamp] = &fstest.MapFile{Data: []byte(digest)}
	require.Equal(t, "joined", body(t, get(t, files, "GET", "/attache.js")))
	require.Equal(t, "joined, as brotli", body(t, get(t, files, "GET", "/attache.js", "Accept-Encoding", "br")))
	require.Equal(t, "source of element.js", body(t, get(t, files, "GET", "/element.js")))
	require.Equal(t, "source of session/a.js", body(t, get(t, files, "GET", "/session/a.js")), "the sources stay readable")

	files["session/a.js"] = &fstest.MapFile{Data: []byte("changed")}
	require.Equal(t, "source of attache.js", body(t, get(t, files, "GET", "/attache.js")))
}
