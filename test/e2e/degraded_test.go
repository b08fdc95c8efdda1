package e2e

import (
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Browsers that lack a feature, and the simulated browsers (such as jsdom) in which
// host pages are tested.
var lacking = map[string]string{
	"B74 custom states": `delete ElementInternals.prototype.states`,
	"B74 custom states without dashes": `CustomStateSet.prototype.add = (state) => {
		if (!state.startsWith('--')) throw new DOMException('not allowed', 'SyntaxError');
	}`,
	"B79 all that a simulated browser lacks": `
		delete HTMLElement.prototype.attachInternals;
		delete globalThis.ResizeObserver;
		delete globalThis.CSS;
		delete globalThis.matchMedia;
		delete CSSStyleSheet.prototype.replaceSync;
		delete Element.prototype.scrollTo;
		delete Element.prototype.part;
		delete Navigator.prototype.locks;
		delete Navigator.prototype.userActivation;
		delete globalThis.BroadcastChannel`,
}

func TestElementWorksWithoutSomeBrowserFeatures(t *testing.T) {
	at := places[0].start(t)
	for name, lack := range lacking {
		t.Run(name, func(t *testing.T) {
			d := &desk{page: newPage(t), command: at.command}
			d.agent, d.customer = side{d.page, "agent"}, side{d.page, "customer"}
			_, err := chromedp.Call(d.ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: lack})
			require.NoError(t, err)
			d.page.open(at.address)
			d.connected()
			d.customer.works(d.agent)
			tell(d.page, `() => {
				e2e.chat('agent').lang = 'en-GB';
				e2e.chat('agent').readOnly = true;
			}`)
			d.agent.file("afterwards.txt")
		})
	}
}
