package e2e

import (
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

func TestB47ReloadAsksAndShowsWhatIsUnfinished(t *testing.T) {
	t.Parallel()
	d := places[1].open(t)
	asked := d.dialogs()
	f := large(t, "video.mp4", 24<<20)

	d.click(`() => e2e.root('agent').querySelector('textarea')`) // browsers ask only after a user's action
	d.reload()
	d.connected()
	require.Empty(t, asked(), "nothing would be lost, so nothing is asked")

	d.begin(f, "video.mp4")
	d.click(`() => e2e.root('agent').querySelector('textarea')`)
	tell(d.page, "() => e2e.until(() => JSON.parse(e2e.kept()[0][1]).stored > 0, 'the stored bytes to be saved')")
	d.reload()
	require.Equal(t, []string{"beforeunload"}, asked())
	d.connected()
	left := d.agent.shows("video.mp4", "unfinished")
	require.Regexp(t, `^Not finished, \d\d?% uploaded\. Choose the file again to resume\.$`, left.Meta)
	require.Empty(t, ask[[]tile](d.page, "e2e.tiles", "customer"))
	require.Zero(t, ask[int](d.page, "() => e2e.kept().length - 1"))
	d.picture("unfinished")

	// A file that was chosen by mistake is not sent.
	_, err := chromedp.Call(d.ctx, cdppage.SetInterceptFileChooserDialog, cdppage.SetInterceptFileChooserDialogParams{Enabled: true})
	require.NoError(t, err)
	again := func(path string) {
		d.click(`() => e2e.named('agent', 'video.mp4').querySelector('button.choose')`)
		d.agent.give(path)
	}
	again(generated(t, "salaries.txt", []byte("x")).path)
	require.Contains(t, ask[string](d.page, `() => e2e.until(() => e2e.root('agent').querySelector('.composer .refusal').textContent, 'a word on the wrong file')`), "Nothing was sent")
	require.Len(t, d.agent.tiles(), 1)

	again(f.path)
	require.Empty(t, ask[string](d.page, `() => e2e.root('agent').querySelector('.composer .refusal').textContent`))
	got := d.customer.file("video.mp4")
	require.Equal(t, f.digest, fetchedDigest(t, d.customer.link(got.ID)))
	tell(d.page, "() => e2e.until(() => e2e.tiles('agent').length === 1 && e2e.kept().length === 0, 'the tile to have become the file')")

	other := large(t, "other.mp4", 24<<20)
	d.begin(other, "other.mp4")
	d.click(`() => e2e.root('agent').querySelector('textarea')`)
	d.reload()
	d.connected()
	d.agent.shows("other.mp4", "unfinished")
	tell(d.page, `() => {
		globalThis.cancelled = [];
		const { send } = WebSocket.prototype;
		WebSocket.prototype.send = function (data) {
			const { type, key } = typeof data === 'string' ? JSON.parse(data) : {};
			if (type === 'cancel') cancelled.push(key);
			return send.call(this, data);
		};
	}`)
	key := ask[string](d.page, "() => e2e.named('agent', 'other.mp4').dataset.key")
	d.click(`() => e2e.named('agent', 'other.mp4').querySelector('button.dismiss')`)
	tell(d.page, "() => e2e.until(() => !e2e.named('agent', 'other.mp4') && e2e.kept().length === 0, 'it to be given up')")
	require.Equal(t, []string{key}, ask[[]string](d.page, "() => e2e.until(() => cancelled.length > 0 && cancelled, 'the proxy to be sent it')"))
	d.reload()
	d.connected()
	require.Len(t, d.agent.tiles(), 1)
}

// A page that is left for another site ends later than a reloaded one: the browser may hold its
// locks when the next page asks for what is unfinished.
func TestB47PageThatWasLeftAndEnteredAgainShowsWhatIsUnfinished(t *testing.T) {
	t.Parallel()
	d := places[1].open(t)
	asked := d.dialogs()
	f := large(t, "video.mp4", 24<<20)
	d.begin(f, "video.mp4")
	d.click(`() => e2e.root('agent').querySelector('textarea')`)
	tell(d.page, "() => e2e.until(() => JSON.parse(e2e.kept()[0][1]).stored > 0, 'the stored bytes to be saved')")
	d.page.open("about:blank")
	require.Equal(t, []string{"beforeunload"}, asked())
	d.page.open(d.address)
	d.connected()
	d.agent.shows("video.mp4", "unfinished")
	d.click(`() => e2e.named('agent', 'video.mp4').querySelector('button.dismiss')`)
	tell(d.page, "() => e2e.until(() => !e2e.named('agent', 'video.mp4') && e2e.kept().length === 0, 'it to be given up')")
}

// dialogs answers every question of the browser with yes. The returned function lists
// the questions since its last call.
func (p *page) dialogs() func() []string {
	p.t.Helper()
	var kinds []string
	require.NoError(p.t, chromedp.Listen(p.ctx, func(event any) {
		opening, ok := event.(*cdppage.EventJavascriptDialogOpening)
		if !ok {
			return
		}
		p.mu.Lock()
		kinds = append(kinds, string(opening.Type))
		p.mu.Unlock()
		go func() {
			_, _ = chromedp.Call(p.ctx, cdppage.HandleJavaScriptDialog, cdppage.HandleJavaScriptDialogParams{Accept: true})
		}()
	}))
	return func() []string {
		p.mu.Lock()
		defer p.mu.Unlock()
		said := kinds
		kinds = nil
		return said
	}
}
