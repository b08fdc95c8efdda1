package e2e

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// The demo shows what a site does not see at first: a supervisor whom nobody sees, standard
// responses that are not uploaded, and the e-mail after the end.
func TestDemoShowsSupervisorResponsesAndMail(t *testing.T) {
	t.Parallel()
	d := places[0].open(t)
	d.customer.say("Where is my parcel?")
	d.agent.hears("Where is my parcel?")

	d.click("() => document.querySelector('#supervise')")
	supervisor := side{d.page, "supervisor"}
	supervisor.hears("Where is my parcel?")
	require.Equal(t, "Opening hours.txt", ask[string](d.page, `async () => {
		const session = e2e.session('agent');
		const [response] = (await session.find('opening')).responses;
		await session.attach(response.documentId);
		return response.name;
	}`))
	d.customer.file("Opening hours.txt")
	supervisor.file("Opening hours.txt")
	d.picture("demo-supervisor")

	// Enter before the answer to the last key is here sends nothing.
	d.click("() => e2e.root('agent').querySelector('button.responses-button')")
	tell(d.page, `() => e2e.until(() => e2e.root('agent').querySelector('[role=option]'), 'the responses')`)
	d.press("zzzz" + kb.Enter)
	tell(d.page, `() => e2e.until(() => !e2e.root('agent').querySelector('[role=option]'), 'nothing is found')`)
	d.press(kb.Escape) // empties the field
	d.press(kb.Escape)
	require.Len(t, d.customer.tiles(), 1)
	require.NotRegexp(t, `\bEve\b`, ask[string](d.page, `() => e2e.root("customer").textContent`))

	d.click("() => document.querySelector('#end')")
	mail := ask[string](d.page, `async () => {
		const section = document.querySelector('#mail');
		return e2e.until(() => section.querySelector('pre').textContent && section.innerText, 'the e-mail');
	}`)
	d.picture("demo-mail")
	for _, words := range []string{"customer@demo.example", "Where is my parcel?", "Opening hours.txt"} {
		require.Contains(t, mail, words)
	}
	require.NotRegexp(t, `\bEve\b`, mail)
}
