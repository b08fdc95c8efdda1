package e2e

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// saved is a file that the browser downloaded.
type saved struct {
	name string // suggested by the browser
	path string
}

func (s saved) digest(t *testing.T) string {
	t.Helper()
	file, err := os.Open(s.path)
	require.NoError(t, err)
	defer file.Close()
	return digestOf(t, file)
}

// saving is held during a download, because its events come to all pages of the
// browser.
var saving sync.Mutex

// saves calls do and waits for the download that it starts.
func (p *page) saves(do func()) saved {
	p.t.Helper()
	saving.Lock()
	defer saving.Unlock()
	dir, on := p.t.TempDir(), true
	_, err := chromedp.CallBrowser(p.ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior:         cdpbrowser.SetDownloadBehaviorBehaviorAllowAndName,
		BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
		DownloadPath:     dir,
		EventsEnabled:    &on,
	})
	require.NoError(p.t, err)

	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	begins := chromedp.BrowserEvents(ctx, cdpbrowser.DownloadWillBegin)
	steps := chromedp.BrowserEvents(ctx, cdpbrowser.DownloadProgress)
	do()
	for begin, err := range begins {
		require.NoError(p.t, err, "wait for a download to begin")
		for step, err := range steps {
			require.NoError(p.t, err, "wait for a download to end")
			if step.GUID != begin.GUID || step.State == cdpbrowser.DownloadProgressStateInProgress {
				continue
			}
			require.Equal(p.t, cdpbrowser.DownloadProgressStateCompleted, step.State)
			return saved{name: begin.SuggestedFilename, path: filepath.Join(dir, begin.GUID)}
		}
	}
	p.t.Fatal("no download began")
	return saved{}
}

// save clicks on a file's name and waits until the tile shows that it is saved.
func (s side) save(name string) saved {
	s.t.Helper()
	file := s.saves(func() {
		s.click("e2e.saver", s.id, name)
	})
	tell(s.page, "(side, name) => e2e.until(() => e2e.named(side, name).dataset.state === 'downloaded', `${name} to be saved`)", s.id, name)
	return file
}

// A file too large for a Blob is saved in each possible way, and once by a link that
// the proxy refuses. None of them replaces the page.
func TestB57DownloadNeverLeavesThePage(t *testing.T) {
	d := places[1].open(t)
	d.expect(`status of 403|frame-src https://elsewhere\.example/`)
	f := large(t, "large.bin", 64<<20+1)
	d.agent.give(f.path)
	d.customer.file("large.bin")
	tell(d.page, `() => {
		window.stays = true;
		delete window.showSaveFilePicker;
	}`)
	click := "e2e.saver"
	state := "(state) => e2e.until(() => e2e.named('customer', 'large.bin').dataset.state === state, state)"

	tell(d.page, `() => {
		const { click } = HTMLAnchorElement.prototype;
		window.targets = [];
		HTMLAnchorElement.prototype.click = function () {
			HTMLAnchorElement.prototype.click = click;
			targets.push(this.target);
			this.click();
			const others = { effectiveDirective: 'frame-src', blockedURI: 'https://elsewhere.example/', bubbles: true };
			document.dispatchEvent(new SecurityPolicyViolationEvent('securitypolicyviolation', others));
			HTMLAnchorElement.prototype.click = function () {
				targets.push(this.target);
				click.call(this);
			};
		};
		window.restored = () => { HTMLAnchorElement.prototype.click = click; };
	}`)
	got := d.saves(func() { d.click(click, "customer", "large.bin") })
	require.Equal(t, f.digest, got.digest(t), "by a link in a frame")
	require.Equal(t, "large.bin", got.name)
	tell(d.page, state, "handed")
	require.Len(t, ask[[]string](d.page, "() => (restored(), targets)"), 1, "another frame that the page's policy blocks is not this one")

	tell(d.page, `() => {
		const { click } = HTMLAnchorElement.prototype;
		HTMLAnchorElement.prototype.click = function () {
			HTMLAnchorElement.prototype.click = click;
			this.href = this.href.replace(/file\/[^/]+/, 'file/forged');
			this.click();
		};
	}`)
	d.click(click, "customer", "large.bin")
	tell(d.page, state, "ready")
	require.Contains(t, d.customer.file("large.bin").Refusal, "Another server answered")

	tell(d.page, `() => {
		window.showSaveFilePicker = async ({ suggestedName }) =>
			(await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });
	}`)
	d.click(click, "customer", "large.bin")
	tell(d.page, state, "downloaded")
	written := ask[string](d.page, `async () => {
		const folder = await navigator.storage.getDirectory();
		const file = await (await folder.getFileHandle('large.bin')).getFile();
		const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
		return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
	}`)
	require.Equal(t, f.digest, written, "through the browser's dialogue")

	tell(d.page, `() => {
		window.showSaveFilePicker = async () => { throw new DOMException('no', 'AbortError'); };
	}`)
	d.click(click, "customer", "large.bin")
	tell(d.page, state, "ready")
	require.True(t, ask[bool](d.page, "() => window.stays"), "it is the same page still")
}

// gate is a reverse proxy that requires a cookie for files and otherwise redirects to
// a login page. It can also cut a download, once.
type gate struct {
	server *httptest.Server
	login  string       // redirect for requests without the cookie
	cutAt  atomic.Int64 // bytes of the next download; 0: none
	asked  atomic.Int64 // downloads
}

func startGate(t *testing.T, to func() string) *gate {
	t.Helper()
	g := &gate{login: "/login"}
	through := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			target, _ := url.Parse(to())
			r.SetURL(target)
		},
		ModifyResponse: func(r *http.Response) error {
			if strings.Contains(r.Request.URL.Path, "/attache/file/") {
				r.Header.Set("Access-Control-Allow-Credentials", "true")
			}
			return nil
		},
	}
	mux := http.NewServeMux()
	mux.Handle("/", through)
	mux.Handle("GET /login", static("text/html", "<!doctype html><title>Sign in</title>"))
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sso", Value: "1", Path: "/"})
	})
	mux.HandleFunc("/attache/file/", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("sso"); err != nil && r.Method != http.MethodOptions {
			http.Redirect(w, r, g.login, http.StatusFound)
			return
		}
		if r.Method == http.MethodGet {
			g.asked.Add(1)
			if at := g.cutAt.Swap(0); at > 0 {
				w = &cutWriter{ResponseWriter: w, left: at}
			}
		}
		through.ServeHTTP(w, r)
	})
	g.server = httptest.NewServer(mux)
	t.Cleanup(g.server.Close)
	return g
}

// cutWriter ends its connection after left bytes.
type cutWriter struct {
	http.ResponseWriter
	left int64
}

func (w *cutWriter) Write(p []byte) (int, error) {
	n, _ := w.ResponseWriter.Write(p[:min(int64(len(p)), w.left)])
	if w.left -= int64(n); w.left == 0 {
		w.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

func (w *cutWriter) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, r)
}

// B56: downloads through a reverse proxy that requires a cookie, without and with it.
// B58: through one that cuts the connection.
func TestB56DownloadBehindALogin(t *testing.T) {
	host := startHost(t)
	command := startCommand(t, "demo", "--origin", host.origin())
	g := startGate(t, command.origin)
	host.proxy = strings.Replace(g.server.URL, "127.0.0.1", "localhost", 1) // the page's site, whose cookies go along
	d := &desk{command: command, page: newPage(t), address: host.origin() + "/"}
	d.agent, d.customer = side{d.page, "agent"}, side{d.page, "customer"}
	d.expect(`Access-Control-Allow-Origin|net::ERR_FAILED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION|ERR_CONTENT_LENGTH|Content Security Policy|policy violation`)
	d.page.open(d.address)
	d.connected()
	f := large(t, "signed.bin", 3<<20)
	d.agent.give(f.path)
	d.customer.file("signed.bin")
	refused := `(word) => e2e.until(() => e2e.tiles('customer').find(({ name }) => name === 'signed.bin').refusal.includes(word), word)`
	for _, login := range []string{"/login", command.url} {
		g.login = login
		d.click("e2e.saver", "customer", "signed.bin")
		tell(d.page, refused, "Another server answered")
	}

	tell(d.page, `async (url) => {
		await fetch(new URL('/sign-in', url), { mode: 'no-cors', credentials: 'include' });
		const customer = document.getElementById('customer');
		customer.setAttribute('credentials', 'include');
		customer.remove();
		customer.conversation = 'again';
		document.body.append(customer);
	}`, host.proxy)
	d.connected()
	d.customer.file("signed.bin")
	g.cutAt.Store(1 << 20)
	require.Equal(t, f.digest, d.customer.save("signed.bin").digest(t), "it resumed after the cut")
	require.EqualValues(t, 2, g.asked.Load())
}
