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
