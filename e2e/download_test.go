package e2e

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// saved is a file that the browser put among its downloads.
type saved struct {
	name string // that it suggested
	path string
}

func (s saved) digest(t *testing.T) string {
	t.Helper()
	file, err := os.Open(s.path)
	require.NoError(t, err)
	defer file.Close()
	return digestOf(t, file)
}

// saves does something and waits for the download that it leads to.
func (p *page) saves(do func()) saved {
	p.t.Helper()
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

// save clicks on a file's name and waits until the tile tells that it is saved.
func (s side) save(name string) saved {
	s.t.Helper()
	file := s.saves(func() {
		s.click("(side, name) => e2e.named(side, name).querySelector('button.tile-name')", s.id, name)
	})
	tell(s.page, "(side, name) => e2e.until(() => e2e.named(side, name).dataset.state === 'downloaded', `${name} to be saved`)", s.id, name)
	return file
}

// TestB57WhateverAnswersThePageStays saves a file too large for a Blob in each of
// the ways, and follows a link that turns out to be refused.
func TestB57WhateverAnswersThePageStays(t *testing.T) {
	d := places[1].open(t)
	d.expect(`status of 403`)
	f := large(t, "large.bin", 64<<20+1)
	d.agent.give(f.path)
	d.customer.file("large.bin")
	tell(d.page, `() => {
		window.stays = true;
		delete window.showSaveFilePicker;
	}`)
	click := "(side, name) => e2e.named(side, name).querySelector('button.tile-name')"
	state := "(state) => e2e.until(() => e2e.named('customer', 'large.bin').dataset.state === state, state)"

	got := d.saves(func() { d.click(click, "customer", "large.bin") })
	require.Equal(t, f.digest, got.digest(t), "by a link in a frame")
	require.Equal(t, "large.bin", got.name)
	tell(d.page, state, "handed")

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
	require.Contains(t, d.customer.file("large.bin").Refusal, "Something else answered")

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
