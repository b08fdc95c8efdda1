package e2e

import (
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Old libraries (Prototype, MooTools, Magento's) change the language like this before
// the element loads.
const bent = `
	Array.from = (list) => Array.prototype.slice.call(list);
	Array.prototype.toJSON = function () { return '[' + this.join() + ']'; };
	String.prototype.toJSON = function () { return '"' + this + '"'; };
	Array.prototype.entries = Array.prototype.toArray = function () { return [].concat(this); };
	Array.prototype.contains = Array.prototype.each = function () { return this; };
	Function.prototype.bind = function (that, args) {
		const self = this;
		return function () { return self.apply(that, args != null ? [].concat(args) : arguments); };
	};
	Object.prototype.extend = function (more) { return Object.assign(this, more); };
	HTMLElement.prototype.scrollTo = function () { window.scrollTo(0, 0); return this; };
	Element.prototype.remove = function (selector) { if (!selector) throw new Error('what?'); };
	Element.prototype.show = Element.prototype.hide = Element.prototype.toggle = Element.prototype.update = function () { return this; };
	delete NodeList.prototype[Symbol.iterator];
	window.name = 'session';
`

func TestB72AnOldPageBendsTheLanguage(t *testing.T) {
	d := places[0].start(t)
	_, err := chromedp.Call(d.ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: bent})
	require.NoError(t, err)
	d.page.open(d.address)
	d.connected()
	require.False(t, ask[bool](d.page, "() => Array.from([1], (n) => n + 1)[0] === 2"), "the page is bent")
	d.agent.works(d.customer)
	d.customer.say("and you?")
	d.agent.hears("and you?")
}
