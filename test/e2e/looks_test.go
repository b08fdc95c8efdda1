package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Properties that a line of CSS easily breaks and no other test sees.
func TestLooks(t *testing.T) {
	d := places[0].open(t)
	d.customer.give(generated(t, "photo.png", pngFile(t)).path)
	d.agent.file("photo.png")

	t.Run("a bar has no text while a file waits", func(t *testing.T) {
		require.Equal(t, []float64{0, 0, 0}, ask[[]float64](d.page, `async () => {
			const { Tile } = await import(new URL('web/widget/tile.js', document.baseURI));
			const { Locale } = await import(new URL('web/widget/locale.js', document.baseURI));
			const tile = new Tile(new Locale('en'), {});
			tile.label({ name: 'a.txt', extension: 'txt', kind: 'text' });
			tile.upload({ key: 'k', state: 'offered', sent: 0, stored: 0, total: 10 }, true);
			e2e.root('agent').querySelector('.pending').append(tile.node);
			const widths = () => [...tile.node.querySelectorAll('.bar > *')].map((part) => part.getBoundingClientRect().width);
			const offered = widths();
			tile.node.remove();
			return [...offered, tile.node.querySelector('.bar').getAttribute('aria-valuenow') === null ? 0 : 1];
		}`))
	})
	t.Run("a double click on a tile selects nothing", func(t *testing.T) {
		require.Equal(t, "none", ask[string](d.page, "() => getComputedStyle(e2e.named('agent', 'photo.png').querySelector('.tile-name')).userSelect"))
	})
	t.Run("the header is one row", func(t *testing.T) {
		for _, width := range []int64{1280, 1600} {
			require.NoError(t, chromedp.Do(d.ctx, chromedp.EmulateViewport(width, 860)))
			tell(d.page, "e2e.settled")
			require.LessOrEqual(t, ask[float64](d.page, `() => {
				const middles = [...document.querySelectorAll('header > :not(nav), nav > :not([hidden])')].map((node) => {
					const { top, bottom } = node.getBoundingClientRect();
					return (top + bottom) / 2;
				});
				return Math.max(...middles) - Math.min(...middles);
			}`), 4.0, "at %d pixels", width)
			require.LessOrEqual(t, ask[float64](d.page, `() => document.querySelector('header').offsetHeight`), 48.0)
		}
	})
	t.Run("forced colours", func(t *testing.T) {
		media := func(value string) {
			_, err := chromedp.Call(d.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: value}},
			})
			require.NoError(t, err)
		}
		media("active")
		defer media("")
		d.click("e2e.saver", "agent", "photo.png")
		tell(d.page, "() => e2e.until(() => e2e.named('agent', 'photo.png').querySelector('.glyph-done'), 'the file to be downloaded')")
		require.True(t, ask[bool](d.page, `() => {
			const tile = e2e.named('agent', 'photo.png');
			const color = (node) => getComputedStyle(node).color;
			return color(tile.querySelector('.glyph-done')) === color(tile);
		}`))
	})
	t.Run("a window as large as a stamp", func(t *testing.T) {
		require.NoError(t, chromedp.Do(d.ctx, chromedp.EmulateViewport(320, 256)))
		tell(d.page, "e2e.settled")
		require.True(t, ask[bool](d.page, `() => {
			const boxes = ['header', '#agent', '#customer', '#timeline'].map((part) => document.querySelector(part).getBoundingClientRect());
			return boxes.every((box, i) => box.right <= innerWidth && (i === 0 || box.top >= boxes[i - 1].bottom));
		}`), "the parts of the page are below each other")
		require.Equal(t, 1, ask[int](d.page, `() => Math.max(...[...document.querySelectorAll('nav a')].map((link) => link.getClientRects().length))`))
	})
}
