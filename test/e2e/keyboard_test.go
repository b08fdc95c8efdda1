package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// tab presses Tab until the JavaScript condition holds for the focused node.
func (p *page) tab(condition string) {
	p.t.Helper()
	const most = 60
	for range most {
		require.NoError(p.t, chromedp.Do(p.ctx, chromedp.KeyEvent(kb.Tab)))
		if ask[bool](p, "(holds) => holds(e2e.focused())", raw(condition)) {
			return
		}
	}
	p.t.Fatalf("%d times Tab did not lead to %s", most, condition)
}

func (p *page) press(keys string) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p.ctx, chromedp.KeyEvent(keys)))
}

func TestKeyboardAloneDownloadsAndWrites(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		f := generated(t, "keys.pdf", pdfFile())
		d.agent.give(f.path)
		d.customer.file("keys.pdf")

		d.tab(`(node) => node.matches('button.tile-name') && node.getRootNode().host.id === 'customer'`)
		label := ask[string](d.page, "() => e2e.focused().getAttribute('aria-label')")
		require.Contains(t, label, "keys.pdf")
		require.Contains(t, label, "PDF")
		file := d.saves(func() { d.press(kb.Enter) })
		require.Equal(t, "keys.pdf", file.name)
		require.Equal(t, f.digest, file.digest(t))

		d.tab(`(node) => node.matches('textarea') && node.getRootNode().host.id === 'customer'`)
		d.press("thanks" + kb.Enter)
		d.agent.hears("thanks")
	})
}

// A file is deleted by keys alone: the sender's by the sender, and where the proxy permits it
// another party's. The focus stays in the chat, and everyone reads who deleted what.
func TestKeyboardAloneDeletes(t *testing.T) {
	t.Parallel()
	d := startServed(t, "--scanner", "off", "--chat-option", "delete-file-of-others=true")
	trash := func(side, file string) string {
		return `(node) => node.matches('button.tile-delete') && node.getRootNode().host.id === '` + side + `' && node.getAttribute('aria-label').replace(/[\u2068\u2069]/g, '') === 'Delete ` + file + `'`
	}
	deletes := func(by side, file string) {
		tell(d.page, `(id) => e2e.until(() => e2e.root(id).querySelector('button.tile-delete'), 'the button')`, by.id)
		// From the transcript on: Tab does not lead from the page's end to its beginning.
		tell(d.page, `(id) => e2e.root(id).querySelector('.transcript').focus()`, by.id)
		d.tab(trash(by.id, file))
		d.press(kb.Enter)
		tell(d.page, `(id) => e2e.until(() => e2e.root(id).querySelector('dialog.question[open]'), 'the question')`, by.id)
		d.press(kb.Escape)
		tell(d.page, `(id, holds) => e2e.until(() => !e2e.root(id).querySelector('dialog') && holds(e2e.focused()), 'the focus to return to the button')`, by.id, raw(trash(by.id, file)))
		require.NotEmpty(t, d.agent.file(file).ID, "nothing is deleted before the answer")
		d.press(kb.Enter)
		tell(d.page, `(id) => e2e.until(() => e2e.root(id).querySelector('dialog.question[open]'), 'the question')`, by.id)
		require.Equal(t, "Cancel", ask[string](d.page, `() => e2e.focused().textContent`), "Enter, pressed twice, deletes nothing")
		d.tab(`(node) => node.matches('dialog[open] button.danger')`)
		d.press(kb.Enter)
		tell(d.page, `(id, name) => e2e.until(() => !e2e.root(id).querySelector('dialog') && !e2e.named(id, name), 'the file to go')`, by.id, file)
		require.True(t, ask[bool](d.page, `(id) => e2e.focused()?.getRootNode().host?.id === id`, by.id), "the focus stays in the chat")
	}
	reads := func(by side, words string) {
		tell(d.page, `(id, words) => e2e.until(() => [...e2e.root(id).querySelectorAll('.line.gone')].some((line) => line.textContent.replace(/[\u2068\u2069]/g, '') === words), words)`, by.id, words)
	}

	d.customer.give(generated(t, "wrong.pdf", pdfFile()).path)
	d.agent.file("wrong.pdf")
	deletes(d.customer, "wrong.pdf")
	reads(d.customer, "You deleted wrong.pdf")
	reads(d.agent, "Bo deleted wrong.pdf")

	d.customer.give(generated(t, "passport.pdf", pdfFile()).path)
	d.agent.file("passport.pdf")
	deletes(d.agent, "passport.pdf")
	reads(d.agent, "You deleted passport.pdf")
	reads(d.customer, "Ada deleted passport.pdf")
}
