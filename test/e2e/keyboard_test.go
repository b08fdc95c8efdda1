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
