package e2e

import (
	_ "embed"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/views.js
var views string

// parlour is a page of another origin on which tests make elements.
func parlour(t *testing.T) (*page, *command) {
	t.Helper()
	h := startHost(t)
	c := startCommand(t, "serve", "--admin", "", "--origin", h.origin(), "--token-secret", secret, "--scanner", "off")
	h.proxy = c.origin()
	p := newPage(t)
	_, err := chromedp.Call(p.ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: views})
	require.NoError(t, err)
	p.open(h.origin() + "/bare")
	tell(p, "views.open", c.origin())
	return p, c
}

// party makes a token for a user of a session, and one for an observer.
func party(t *testing.T, session, user string) string {
	t.Helper()
	return mint(t, "--session", session, "--user", user, "--nickname", user)
}

// watched joins an observer who reads which parties come and go.
func watched(t *testing.T, p *page, session string) {
	t.Helper()
	tell(p, "views.watch", session, party(t, session, "watcher"))
}

func news(p *page, session string) []string {
	p.t.Helper()
	return ask[[]string](p, "views.news", session)
}

func TestElementIsAView(t *testing.T) {
	p, _ := parlour(t)
	p.expect(`the proxy refused the token \(token-invalid\)`)
	for _, test := range []struct {
		name string
		run  func(t *testing.T, p *page, session string)
	}{
		{"B21 B23 rendering again keeps the session", rendersAnew},
		{"B21 removal and return", removedAndBack},
		{"B21 another node without a name", anotherNode},
		{"B27 another document", anotherDocument},
		{"B29 files given before a connection are sent", givenEarly},
		{"two elements of one name", twoElements},
		{"another conversation is a switch", switched},
		{"logging out leaves nothing to the next user", loggedOut},
		{"a reconnect as another user is a switch", anotherUser},
		{"B32 a retry keeps the draft and the chosen files", triedAgain},
		{"each session of the page's own keeps its draft and tiles", ownSessions},
		{"a thousand remounts leak nothing", remounted},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &page{t: t, ctx: p.ctx}
			session := "views-" + ask[string](p, "() => String(views.watchers())")
			watched(t, p, session)
			defer tell(p, `async () => {
				for (const element of document.querySelectorAll('attache-chat')) element.remove();
				await undefined;
				views.expire();
			}`)
			test.run(t, p, session)
		})
	}
	tell(p, "() => e2e.until(() => views.sockets() === views.watchers(), 'all other sockets to be closed')")
	require.Zero(t, ask[int](p, "views.waiting"))
}

// rendersAnew renders an element again, as frameworks do, in the middle of an upload.
func rendersAnew(t *testing.T, p *page, session string) {
	tell(p, `async (token) => {
		const element = views.mount('one', token);
		await e2e.connected('one');
		globalThis.before = element.session;
		e2e.slow(300);
		element.add([new File([new Uint8Array(8 << 20)], 'running.bin')]);
		await e2e.until(() => e2e.named('one', 'running.bin')?.dataset.state === 'receiving', 'the upload to run');
		views.write('one', 'half a sentence');
	}`, party(t, session, "ada"))
	for what, change := range map[string]string{
		"a token function": `(element) => { const old = element.token; element.token = async () => old(); }`,
		"the same url":     `(element) => { element.url = element.url; element.setAttribute('url', element.url + '/'); }`,
		"lang":             `(element) => { element.lang = element.lang === 'de' ? 'en' : 'de'; }`,
		"readonly":         `(element) => { element.readOnly = true; element.readOnly = false; }`,
		"heading":          `(element) => { element.heading += '!'; }`,
		"no session":       `(element) => { element.session = null; }`,
		"a move":           `(element) => { document.body.prepend(element); }`,
		"replaceWith":      `(element) => { const box = document.createElement('p'); element.replaceWith(box); box.append(element); }`,
	} {
		t.Run(what, func(t *testing.T) {
			p := &page{t: t, ctx: p.ctx}
			got := ask[struct {
				Same, Cancel, Focused bool
				Draft, State          string
				Caret                 [2]int
				Errors                int
			}](p, `async (change) => {
				const element = e2e.chat('one');
				views.field('one').focus();
				change(element);
				await new Promise((done) => { setTimeout(done, 20); });
				const tile = e2e.named('one', 'running.bin');
				const field = views.field('one');
				return {
					same: element.session === globalThis.before && element.session.state === 'connected',
					cancel: tile?.querySelector('button.tile-cancel') !== null,
					focused: e2e.focused() === field,
					draft: field.value, caret: [field.selectionStart, field.selectionEnd],
					state: tile?.dataset.state, errors: element.errors.length,
				};
			}`, raw(change))
			require.True(t, got.Same, "the session is the same")
			require.Equal(t, "receiving", got.State, "the upload, too")
			require.True(t, got.Cancel, "and can be cancelled")
			require.Equal(t, "half a sentence", got.Draft)
			require.Equal(t, [2]int{2, 4}, got.Caret)
			require.True(t, got.Focused || what == "readonly", "the focus stays in the field")
			require.Zero(t, got.Errors)
		})
	}
	tell(p, `async () => {
		const element = e2e.chat('one');
		for (let i = 0; i < 50; i += 1) element.token = async () => { throw new Error('not asked'); };
		e2e.named('one', 'running.bin').querySelector('button.tile-cancel').click();
		await e2e.until(() => !e2e.named('one', 'running.bin'), 'the cancelled tile to go');
		e2e.slow(0);
	}`)
	require.Equal(t, []string{"ada join"}, news(p, session))
}

// removedAndBack removes an element and inserts it again, as tabs do.
func removedAndBack(t *testing.T, p *page, session string) {
	token := party(t, session, "ada")
	require.Equal(t, []bool{true, true}, ask[[]bool](p, `async (token) => {
		const asked = () => token;
		const element = views.mount('one', asked, 'ada/tabs');
		await e2e.connected('one');
		const { session } = element;
		views.write('one', 'half a sentence');
		element.remove();
		await undefined;
		document.body.append(element);
		const same = element.session === session && views.draft('one') === 'half a sentence';
		element.remove();
		await undefined;
		views.mount('two', async () => token, 'ada/tabs');
		await e2e.connected('two');
		return [same, e2e.session('two') === session && views.draft('two') === 'half a sentence'];
	}`, token))
	require.Equal(t, []string{"ada join"}, news(p, session))
	tell(p, `async (session) => {
		e2e.chat('two').remove();
		await undefined;
		views.expire();
		await e2e.until(() => views.news(session).at(-1) === 'ada leave', 'ada to have left');
	}`, session)
	require.Equal(t, "half a sentence", ask[string](p, `async (token) => {
		views.mount('three', async () => token, 'ada/tabs');
		await e2e.connected('three');
		return views.draft('three');
	}`, token), "the draft is still there")
}

// anotherNode replaces one that shares its session with no other: the party is then in
// the chat twice for a while.
func anotherNode(t *testing.T, p *page, session string) {
	tell(p, `async (token, session) => {
		views.mount('one', token);
		await e2e.connected('one');
		e2e.chat('one').remove();
		await undefined;
		views.mount('two', token);
		await e2e.connected('two');
		views.expire();
		e2e.say('two', 'still here');
		await e2e.until(() => views.texts(session).includes('still here'), 'the text');
		await e2e.until(() => views.sockets() === views.watchers() + 1, 'the first one\'s socket to be closed');
		e2e.say('two', 'and now');
		await e2e.until(() => views.texts(session).includes('and now'), 'the text');
	}`, party(t, session, "ada"), session)
	require.Equal(t, []string{"ada join"}, news(p, session))
}

// anotherDocument moves an element into a frame and back.
func anotherDocument(t *testing.T, p *page, session string) {
	type look struct {
		Sheets, Height, Scrolled int
		Display, Draft           string
		Same, Dragging           bool
	}
	tell(p, `async (token) => {
		views.mount('one', token);
		await e2e.connected('one');
		globalThis.before = e2e.session('one');
		for (let i = 0; i < 40; i += 1) await globalThis.before.send('line ' + i);
		views.write('one', 'half a sentence');
		const frame = document.createElement('iframe');
		frame.style.blockSize = '600px';
		document.body.append(frame);
	}`, party(t, session, "ada"))
	for _, to := range []string{"document.querySelector('iframe').contentDocument", "document"} {
		got := ask[look](p, `async (document) => {
			const element = globalThis.element ??= e2e.chat('one');
			document.body.append(element);
			await new Promise((done) => { setTimeout(done, 100); });
			const { defaultView } = document;
			const root = element.shadowRoot;
			const scroller = root.querySelector('.transcript');
			const frame = root.querySelector('.frame');
			let dragging = false;
			const dataTransfer = new defaultView.DataTransfer();
			dataTransfer.items.add(new File(['x'], 'x.txt'));
			frame.dispatchEvent(new defaultView.DragEvent('dragenter', { bubbles: true, composed: true, dataTransfer }));
			try { dragging = element.matches(':state(dragging)'); } catch {}
			frame.dispatchEvent(new defaultView.DragEvent('drop', { bubbles: true, composed: true, cancelable: true, dataTransfer: new defaultView.DataTransfer() }));
			frame.dispatchEvent(new defaultView.DragEvent('dragleave', { bubbles: true, composed: true }));
			return {
				sheets: root.adoptedStyleSheets.length,
				display: defaultView.getComputedStyle(frame).display,
				height: Math.round(frame.getBoundingClientRect().height),
				scrolled: Math.round(scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight),
				draft: root.querySelector('textarea').value,
				same: element.session === globalThis.before && element.session.state === 'connected',
				dragging,
			};
		}`, raw(to))
		require.Equal(t, 1, got.Sheets)
		require.Equal(t, "flex", got.Display)
		require.Greater(t, got.Height, 200)
		require.Less(t, got.Scrolled, 48, "it is scrolled to its end")
		require.Equal(t, "half a sentence", got.Draft)
		require.True(t, got.Same)
		require.True(t, got.Dragging)
	}
	require.Equal(t, []string{"ada join"}, news(p, session))
	tell(p, `async (session) => {
		const frame = document.querySelector('iframe');
		frame.contentDocument.body.append(globalThis.element);
		frame.remove();
		views.expire();
		await e2e.until(() => views.news(session).at(-1) === 'ada leave', 'ada to leave with the frame');
		globalThis.element = undefined;
	}`, session)
}

// givenEarly adds files before there is a connection.
func givenEarly(t *testing.T, p *page, session string) {
	tell(p, `async (token) => {
		const element = document.createElement('attache-chat');
		element.id = 'one';
		element.add([new File(['a'], 'before.txt')]);
		document.body.append(element);
		element.add([new File(['b'], 'unconnected.txt')]);
		await e2e.until(() => e2e.named('one', 'before.txt')?.querySelector('.tile-meta').textContent === 'Waiting for the connection', 'a tile that waits');
		element.url = views.mount('other').url;
		e2e.chat('other').remove();
		element.token = async () => token;
		await undefined;
		await undefined;
		element.add([new File(['c'], 'connecting.txt')]);
		for (const name of ['before.txt', 'unconnected.txt', 'connecting.txt']) await e2e.file('one', name);
		e2e.cut();
		await e2e.until(() => element.session.state === 'reconnecting', 'the cut to be noticed');
		element.add([new File(['d'], 'cut.txt')]);
		await e2e.file('one', 'cut.txt');
	}`, party(t, session, "ada"))
	got := ask[struct {
		Ours bool
		Code string
		ID   string
		Tile string
	}](p, `async () => {
		const { AttacheError } = await e2e.api();
		const element = e2e.chat('one');
		const told = new Promise((resolve) => { element.addEventListener('attache-error', ({ detail }) => resolve(detail), { once: true }); });
		element.readOnly = true;
		element.add([new File(['e'], 'readonly.txt')]);
		const error = await told;
		return { ours: error instanceof AttacheError, code: error.code, id: error.id, tile: await e2e.refusal('one', 'readonly.txt') };
	}`)
	require.True(t, got.Ours)
	require.Equal(t, "forbidden", got.Code)
	require.Contains(t, got.Tile, "read-only")
}

// remounted creates an element a thousand times, each time a new node.
func remounted(t *testing.T, p *page, session string) {
	token := party(t, session, "ada")
	const mounts = `async (token, times) => {
		for (let i = 0; i < times; i += 1) {
			const element = views.mount('one', async () => token, 'ada/remounted');
			if (i % 50 === 0) await e2e.connected('one');
			element.remove();
			await undefined;
		}
	}`
	tell(p, mounts, token, 20)
	before := counted(t, p)
	tell(p, mounts, token, 1000)
	require.Equal(t, []string{"ada join"}, news(p, session))
	require.Equal(t, 1, ask[int](p, "views.waiting"))
	after := counted(t, p)
	for what, most := range map[string]float64{"JSEventListeners": 100, "Nodes": 1000} {
		require.Less(t, after[what]-before[what], most, what)
	}
	tell(p, `async (session) => {
		views.expire();
		await e2e.until(() => views.news(session).length === 2, 'the session to end');
	}`, session)
	require.Equal(t, []string{"ada join", "ada leave"}, news(p, session))
}

// counted returns the page's counts of objects after garbage collection.
func counted(t *testing.T, p *page) map[string]float64 {
	t.Helper()
	_, err := chromedp.Call(p.ctx, heapprofiler.CollectGarbage, cdp.Empty{})
	require.NoError(t, err)
	_, err = chromedp.Call(p.ctx, performance.Enable, performance.EnableParams{})
	require.NoError(t, err)
	got, err := chromedp.Call(p.ctx, performance.GetMetrics, cdp.Empty{})
	require.NoError(t, err)
	out := map[string]float64{}
	for _, metric := range got.Metrics {
		out[metric.Name] = metric.Value
	}
	return out
}
