package e2e

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"attache/web"
)

const (
	loaderPage   = `<!doctype html><title>waiting</title><script type="module" src="/page.js"></script>`
	loaderScript = `
globalThis.probe = 'ready';
try {
  const { load, onExit } = await import(new URL('/loader.js', location.search.slice(1) || location.href));
  const first = await load();
  const ended = new Promise((resolve) => onExit(resolve));
  first.exit(3);
  const code = await ended;
  document.title = 'echo ' + (await load()).echo('again') + ' after code ' + code;
} catch (error) {
  document.title = error.message;
}
`
)

// TestTheLoaderInABrowser loads the real loader's files and a small Go program
// in Chromium, under the policies that host pages have.
func TestTheLoaderInABrowser(t *testing.T) {
	good := probeFiles(t)
	stale := fstest.MapFS{}
	bare := fstest.MapFS{}
	for name, file := range good {
		stale[name] = file
		if !strings.HasPrefix(name, "dist/") {
			bare[name] = file
		}
	}
	stale["dist/attache.wasm"] = &fstest.MapFile{Data: append([]byte("\x00"), good["dist/attache.wasm"].Data...)}

	const works = "echo again after code 3"
	for name, test := range map[string]struct {
		files  fstest.MapFS
		policy string // Content-Security-Policy of the page; FILES stands for the files' origin
		other  bool   // the files are on another origin than the page
		want   string
	}{
		"strict policy": {
			files: good, want: works,
			policy: "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'",
		},
		"trusted types": {
			files: good, want: works,
			policy: "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
		},
		"another origin": {
			files: good, other: true, want: works,
			policy: "default-src 'none'; script-src 'self' FILES 'wasm-unsafe-eval'; connect-src FILES",
		},
		"policy forbids WebAssembly": {
			files: good, want: "add 'wasm-unsafe-eval' to script-src",
			policy: "default-src 'none'; script-src 'self'; connect-src 'self'",
		},
		"policy forbids fetching": {
			files: good, want: "connect-src does not allow it",
			policy: "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'",
		},
		"module of another build":          {files: stale, want: "not the file that belongs to"},
		"module not built":                 {files: bare, want: "run make"},
		"module not built, another origin": {files: bare, other: true, want: "run make"},
	} {
		t.Run(name, func(t *testing.T) {
			files := httptest.NewServer(web.HandlerOf(test.files))
			defer files.Close()
			policy := strings.ReplaceAll(test.policy, "FILES", files.URL)
			host := httptest.NewServer(hostPage(policy, web.HandlerOf(test.files)))
			defer host.Close()
			address := host.URL
			if test.other {
				address = strings.Replace(host.URL, "127.0.0.1", "localhost", 1) + "/?" + files.URL
			}
			require.Contains(t, title(t, browser, address), test.want)
		})
	}
}

// hostPage serves the page under the policy, and the files.
func hostPage(policy string, files http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", files)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, loaderPage)
	})
	mux.HandleFunc("/page.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, loaderScript)
	})
	return mux
}

// probeFiles is a built folder whose module is e2e/probe.
func probeFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	out := filepath.Join(t.TempDir(), "probe.wasm")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", out, "./probe")
	cmd.Env = append(cmd.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS=")
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	module, err := os.ReadFile(out)
	require.NoError(t, err)
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	glue, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib/wasm/wasm_exec.js"))
	require.NoError(t, err)

	files := fstest.MapFS{"dist/attache.wasm": {Data: module}, "dist/wasm_exec.js": {Data: glue}}
	for _, name := range []string{"loader.js", "session/go.js", "session/goglobal.js", "session/key.js", "session/parts.js"} {
		text, err := web.FS.ReadFile(name)
		require.NoError(t, err)
		files[name] = &fstest.MapFile{Data: text}
	}
	sum := sha512.Sum384(module)
	files["dist/build.js"] = &fstest.MapFile{Data: fmt.Appendf(nil,
		"export const wasm = { url: new URL('./attache.wasm', import.meta.url), integrity: 'sha384-%s', go: '%s' };\n",
		base64.StdEncoding.EncodeToString(sum[:]), runtime.Version())}
	return files
}

// title waits for the document's title that the page's script sets in the end.
func title(t *testing.T, browser context.Context, url string) string {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	defer cancel()
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(url)))
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`new Promise((resolve) => {
		const look = () => document.title === 'waiting' ? setTimeout(look, 10) : resolve(document.title);
		look();
	})`, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	return text
}
