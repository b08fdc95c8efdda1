package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// A double click on a file opens it in the page, costs one of the two download attempts,
// and nothing in the file runs.
func TestT17DoubleClickOpensAFileOnce(t *testing.T) {
	t.Parallel()
	d := places[1].open(t, "--vendor-limits")
	d.agent.give(generated(t, "photo.png", pngFile(t)).path,
		generated(t, "page.png", []byte(`<!doctype html><script>document.title = 'run'</script>`)).path,
		generated(t, "notes.txt", []byte("a <b>not bold</b> word")).path)
	for _, name := range []string{"photo.png", "page.png", "notes.txt"} {
		d.customer.file(name)
	}
	left := func(want string) {
		t.Helper()
		require.Contains(t, d.customer.file("notes.txt").Meta, want)
	}
	left("2 downloads left")

	at := ask[[2]float64](d.page, `() => e2e.middle(e2e.named('customer', 'photo.png').querySelector('button.tile-name'))`)
	require.NoError(t, chromedp.Do(d.ctx, chromedp.MouseClickXY(at[0], at[1], chromedp.ClickCount(1)), chromedp.MouseClickXY(at[0], at[1], chromedp.ClickCount(2))))
	require.Equal(t, []string{"photo.png", "blob:", "true"}, ask[[]string](d.page, `async () => {
		const image = await e2e.until(() => e2e.root('customer').querySelector('dialog[open] img'), 'the viewer');
		await image.decode();
		return [image.alt, image.src.slice(0, 5), String(image.naturalWidth > 0)];
	}`))
	d.press(kb.Escape)
	require.True(t, ask[bool](d.page, `async () => {
		await e2e.until(() => !e2e.root('customer').querySelector('dialog'), 'the viewer to close');
		return e2e.named('customer', 'photo.png').contains(e2e.focused());
	}`), "the focus returns to the file")
	left("1 download left")

	d.press(kb.Enter)
	tell(d.page, `() => e2e.until(() => e2e.root('customer').querySelector('dialog[open] img'), 'the viewer, by the keyboard')`)
	d.press(kb.Escape)
	require.Equal(t, generated(t, "photo.png", pngFile(t)).digest, d.customer.save("photo.png").digest(t))
	left("1 download left")

	file := d.saves(func() { d.click("() => e2e.named('customer', 'page.png').querySelector('button.tile-name')") })
	require.Equal(t, "page.png", file.name)
	require.True(t, ask[bool](d.page, `() => document.title !== 'run' && !e2e.root('customer').querySelector('dialog')`))
	left("0 downloads left")
	require.Contains(t, ask[string](d.page, `() => e2e.root('customer').getElementById(e2e.named('customer', 'notes.txt').querySelector('button.tile-name').getAttribute('aria-describedby')).textContent`), "have been used")

	d.click("() => e2e.named('customer', 'photo.png').querySelector('button.tile-name')")
	tell(d.page, `() => e2e.until(() => e2e.root('customer').querySelector('dialog[open] img'), 'what was opened before, although no download is left')`)
	d.press(kb.Escape)

	d.click("() => e2e.named('agent', 'notes.txt').querySelector('button.tile-name')")
	require.Equal(t, "a <b>not bold</b> word", ask[string](d.page, `async () => (await e2e.until(() => e2e.root('agent').querySelector('dialog pre'), 'the text')).textContent`))
	d.press(kb.Escape)

	seesWhatTheOtherDoes(t, d)
}

// What one side does is seen on the other, by a real proxy: typing, a deleted file, and a
// standard response of the demo's library.
func seesWhatTheOtherDoes(t *testing.T, d *desk) {
	t.Helper()
	tell(d.page, `async () => {
		const field = e2e.root('customer').querySelector('textarea');
		field.value = 'I th';
		field.dispatchEvent(new InputEvent('input', { bubbles: true }));
		await e2e.until(() => e2e.root('agent').querySelector('.typing').textContent.includes('Bo'), 'the agent to see that the customer types');
		field.value = '';
		field.dispatchEvent(new InputEvent('input', { bubbles: true }));
		await e2e.until(() => e2e.root('agent').querySelector('.typing').textContent === '', 'the end of it');
	}`)

	d.customer.give(generated(t, "wrong.pdf", pdfFile()).path)
	d.agent.file("wrong.pdf")
	d.click("() => e2e.named('customer', 'wrong.pdf').querySelector('button.tile-delete')")
	tell(d.page, `() => e2e.until(() => e2e.root('customer').querySelector('dialog[open] button.danger'), 'the question')`)
	require.NotEmpty(t, d.agent.file("wrong.pdf").ID, "nothing is deleted before the answer")
	d.click("() => e2e.root('customer').querySelector('dialog[open] button.danger')")
	require.Contains(t, ask[string](d.page, `async () => (await e2e.until(() => e2e.root('agent').querySelector('.line.gone'), 'the file to go')).textContent`), "wrong.pdf")

	d.click("() => e2e.until(() => e2e.root('agent').querySelector('button.responses-button:not([hidden])'), 'the library')")
	tell(d.page, `() => e2e.until(() => e2e.root('agent').querySelector('[role=option]'), 'the responses')`)
	d.press("hours")
	tell(d.page, `() => e2e.until(() => e2e.root('agent').querySelector('.responses-status').textContent === '1 response', 'what was searched')`)
	d.press(kb.Enter)
	require.Equal(t, "All shops", d.customer.file("Opening hours.txt").Description)
}
