package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/clamd"
	"attache/proxy/clamd/clamdtest"
)

// The sender's tile and timeline while the scanner is busy, and after its verdict.
func TestT30ScannerAsPeopleSeeIt(t *testing.T) {
	t.Parallel()
	scanner := clamdtest.Start(t, clamdtest.Tuned)
	d := startServed(t, "--scanner", "strict", "--clamd", scanner.Socket, "--scan-max-size", fmt.Sprint(clamdtest.MaxSize))
	tell(d.page, `() => {
		globalThis.steps = { agent: [], customer: [] };
		for (const [side, list] of Object.entries(steps)) {
			e2e.chat(side).addEventListener('attache-upload', ({ detail: { name, state } }) => list.push([name, state]));
		}
	}`)

	const after = `^\+[\d,.]+ ms$`
	const contract = "Signed contract.pdf"
	clean := generated(t, contract, pdfFile())
	scanner.Suspend()
	d.customer.give(clean.path)
	require.Equal(t, "Scanning for viruses", d.customer.shows(contract, "scanning").Meta)
	require.Equal(t, "Scanning for viruses", ask[string](d.page, `(name) => e2e.named('customer', name).querySelector('[role=progressbar]').getAttribute('aria-valuetext')`, contract))
	require.Regexp(t, after, d.station("stored.reached"))
	require.Equal(t, "·", d.station("scanned"))
	require.Empty(t, d.agent.tiles(), "no other party sees it yet")
	d.picture("scanning")
	scanner.Resume()
	require.Equal(t, clean.digest, d.agent.digest(d.agent.file(contract).ID))
	require.Regexp(t, after, d.station("drawn.reached"))
	require.Regexp(t, after, d.station("scanned.reached"))
	require.Equal(t, "–", d.station("resumed.skipped"))
	require.Equal(t, []string{"scanning", "announced"}, d.last(contract))

	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"Invoice.com":               {clamd.EICAR(), "The virus scanner found something in the file. Do not send this file."},
		"Pictures of my garden.zip": {nested(t, 30), "The virus scanner cannot look inside the file. Send it without encryption or as another type."},
	} {
		scanner.Suspend() // or its verdict may come before the page shows that it was asked
		d.customer.give(generated(t, name, c.content).path)
		d.customer.shows(name, "scanning")
		scanner.Resume()
		require.Equal(t, c.says, d.customer.refusal(name))
		require.Equal(t, "Not sent", d.customer.shows(name, "failed").Meta)
		require.Equal(t, []string{"Dismiss"}, ask[[]string](d.page, `(name) => [...e2e.named('customer', name).querySelectorAll('button')].map((button) => button.textContent)`, name),
			"it cannot be sent in spite of the verdict")
		require.Equal(t, []string{"scanning", "failed"}, d.last(name))
	}
	d.customer.say("Did you get them?")
	d.agent.hears("Did you get them?")
	require.Equal(t, []line{{File: contract}, {Text: "Did you get them?"}}, d.agent.lines())
	require.Len(t, d.agent.tiles(), 1)
	require.Empty(t, ask[[][2]string](d.page, "() => steps.agent"), "only its sender is sent an upload's states")
	d.picture("scanned")
}

// nested is a text in an archive in an archive …
func nested(t *testing.T, depth int) []byte {
	t.Helper()
	content := []byte("roses")
	for range depth {
		content = archive(t, [][2]string{{"pictures.zip", string(content)}})
	}
	return content
}

// station waits until a step of the newest row in the timeline has these classes,
// and returns its text.
func (d *desk) station(classes string) string {
	d.t.Helper()
	return ask[string](d.page, `(classes) => e2e.until(() => document.querySelector('#timeline li .' + classes + ' dd')?.textContent, classes)`, classes)
}

// last returns the last two states of its upload that the customer was sent.
func (d *desk) last(name string) []string {
	d.t.Helper()
	states := ask[[]string](d.page, "(wanted) => steps.customer.filter(([name]) => name === wanted).map(([, state]) => state)", name)
	states = slices.Compact(states)
	return states[max(len(states)-2, 0):]
}
