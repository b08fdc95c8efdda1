package e2e

import (
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// A customer's page that only makes requests, and an agent who finds it in the list of chats
// that wait: texts and files in both directions.
func TestDemoCustomerOnREST(t *testing.T) {
	t.Parallel()
	d := places[0].open(t)
	d.click("() => document.querySelector('#rest-customer')")
	rest := restPage{d.page}
	rest.click("#start button:enabled")
	rest.shows("#status", "Waiting for an agent")

	d.click("() => e2e.until(() => document.querySelector('#chats .waiting'), 'the chat in the list')")
	chat := ask[string](d.page, `async () => (await e2e.until(() => document.querySelector('#desk attache-chat:not([hidden]):not(#agent)'), 'the chat')).id`)
	agent := side{d.page, chat}
	tell(d.page, "e2e.connected", chat)
	rest.shows("#status", "Ada is here")

	rest.say("I do not understand this invoice.")
	agent.hears("I do not understand this invoice.")
	invoice := generated(t, "invoice.pdf", pdfFile())
	rest.give(invoice.path)
	shown := agent.file("invoice.pdf")
	require.True(t, shown.Drawn && !shown.Own, shown)
	require.Equal(t, invoice.digest, agent.save("invoice.pdf").digest(t))

	agent.say("It is explained here.")
	rest.shows("ol", "It is explained here.")
	manual := generated(t, "how to read it.png", pngFile(t))
	agent.give(manual.path)
	rest.shows("ol", "how to read it.png")
	require.Equal(t, manual.digest, d.saves(func() { rest.click("li:last-child button") }).digest(t))

	rest.give(large(t, "film.mp4", 26<<20).path)
	rest.shows(".failed", "limit")
	d.picture("demo-rest")

	require.Empty(t, d.customer.tiles(), "the page's own chat is another one")
	d.click("() => document.querySelector('#chats button')")
	d.agent.works(d.customer)
}

// The page on REST alone, in both colour schemes.
func TestAxeFindsNothingOnREST(t *testing.T) {
	axe, err := os.ReadFile("../../web/node_modules/axe-core/axe.min.js")
	require.NoError(t, err, "run npm ci --prefix web")
	p := newPage(t)
	p.open(startCommand(t, "demo").url + "web/demo/rest.html")
	tell(p, "() => {"+string(axe)+"}")
	check := func() {
		t.Helper()
		for _, scheme := range []string{"light", "dark"} {
			_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			require.NoError(t, err)
			require.Empty(t, ask[[]string](p, `async () => {
				const { violations } = await axe.run(document, { resultTypes: ['violations'] });
				return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ': ' + target.flat().join(' ') + ': ' + failureSummary));
			}`))
		}
	}
	check()
	tell(p, `async () => {
		(await e2e.until(() => document.querySelector('#start button:enabled'), 'the button')).click();
		const input = await e2e.until(() => document.querySelector('#composer:not([hidden])')?.message, 'the chat');
		input.value = 'Hello';
		document.querySelector('#composer > button').click();
		await e2e.until(() => document.querySelector('li.own'), 'the message');
	}`)
	p.choose("document.querySelector('[type=file]')", generated(t, "invoice.pdf", pdfFile()).path, large(t, "film.mp4", 26<<20).path)
	tell(p, "() => e2e.until(() => document.querySelector('li button') && document.querySelector('.failed'), 'a file, and a refusal')")
	check()
}

// restPage is the customer's page on REST, in its frame.
type restPage struct{ *page }

const inFrame = `(selector) => document.querySelector('#rest')?.contentDocument?.querySelector(selector)`

// click waits for a button.
func (r restPage) click(selector string) {
	r.t.Helper()
	tell(r.page, `async (selector) => (await e2e.until(() => (`+inFrame+`)(selector), selector)).click()`, selector)
}

// shows waits until a node has these words.
func (r restPage) shows(selector, words string) {
	r.t.Helper()
	tell(r.page, `(selector, words) => e2e.until(() => (`+inFrame+`)(selector)?.textContent.includes(words), words)`, selector, words)
}

func (r restPage) say(text string) {
	r.t.Helper()
	tell(r.page, `(text) => { (`+inFrame+`)('[name=message]').value = text; }`, text)
	r.click("#composer > button")
}

func (r restPage) give(path string) {
	r.t.Helper()
	r.choose("("+inFrame+")('[type=file]')", path)
}
