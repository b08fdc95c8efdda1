package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// goneQuiet matches the console when the proxy is away: the browser's own lines, and
// the demo page's, which cannot fetch a token when the outage is long.
const goneQuiet = `ERR_CONNECTION_REFUSED|WebSocket connection to|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|502|the token function failed.*TypeError: Failed to fetch`

// window bounds the cost of one cut: all bytes in flight, and the next frame.
const window = bridge.MaxWindow + bridge.MaxFrame

// begin sends a file from the agent's side until some of it is stored, and then slows
// the rest down to almost nothing.
func (d *desk) begin(f sample, name string) {
	d.t.Helper()
	tell(d.page, "e2e.slow", 20)
	d.agent.give(f.path)
	tell(d.page, `async (name) => {
		await e2e.midway('agent', name, 10);
		e2e.slow(400); // in the page itself, because the rest would not wait for us
	}`, name)
}

// arrived waits for the file on the customer's side: with the right content, and once.
func (d *desk) arrived(f sample, name string) {
	d.t.Helper()
	got := d.customer.file(name)
	require.Equal(d.t, f.digest, fetchedDigest(d.t, d.customer.link(got.ID)))
	d.agent.file(name)
	for _, s := range []side{d.agent, d.customer} {
		require.Equal(d.t, []line{{Own: s == d.agent, File: name}}, s.lines(), "the file is shown once")
	}
}

func TestPlugPulledInTheMiddleOfAnUpload(t *testing.T) {
	t.Parallel()
	d := places[0].open(t)
	d.expect(goneQuiet)
	f := large(t, "plugged.bin", 32<<20)
	d.begin(f, "plugged.bin")
	tell(d.page, "() => { globalThis.shown = e2e.until(() => /Reconnecting/.test(document.querySelector('#outage').textContent), 'the outage to be shown'); }")
	d.click("() => document.querySelector('#plug')")
	tell(d.page, "() => shown")
	tell(d.page, "e2e.slow", 0)
	tell(d.page, "() => e2e.until(() => /back after/.test(document.querySelector('#outage').textContent), 'the proxy to be back')")
	d.arrived(f, "plugged.bin")
	require.LessOrEqual(t, ask[int64](d.page, "e2e.sentBytes")-f.size, int64(window), "sent twice")
	tell(d.page, `() => e2e.until(() => /resumed at \d.* MB/.test(document.querySelector('#timeline .resumed.reached')?.textContent), 'the timeline to show where it resumed')`)
	d.customer.works(d.agent)
}

func TestSocketsCutInTheMiddleOfAnUpload(t *testing.T) {
	t.Parallel()
	d := places[1].open(t)
	f := large(t, "cut.bin", 64<<20)
	d.begin(f, "cut.bin")
	const cuts = 3
	for i := range cuts {
		tell(d.page, "e2e.slow", 20)
		tell(d.page, "e2e.midway", "agent", "cut.bin", 12*(i+1))
		tell(d.page, `() => {
			const told = e2e.until(() => e2e.root('agent').querySelector('.state').dataset.state === 'reconnecting'
				&& e2e.root('agent').querySelector('.banner[role=alert]:not([hidden])'), 'the page to tell that it reconnects');
			e2e.cut();
			return told;
		}`)
		d.connected()
	}
	tell(d.page, "e2e.slow", 0)
	d.arrived(f, "cut.bin")
	require.LessOrEqual(t, ask[int64](d.page, "e2e.sentBytes")-f.size, int64(cuts*window), "sent twice")
}

func TestReloadInTheMiddleOfAnUpload(t *testing.T) {
	t.Parallel()
	d := places[0].open(t)
	f := large(t, "reloaded.bin", 32<<20)
	d.begin(f, "reloaded.bin")
	for _, item := range ask[[][2]string](d.page, "e2e.kept") {
		require.NotRegexp(t, signedToken, item[0]+item[1])
		require.Less(t, len(item[0])+len(item[1]), 400)
	}
	before := ask[int64](d.page, `() => Number(e2e.named('agent', 'reloaded.bin').querySelector('.bar').getAttribute('aria-valuenow'))`)
	d.reload()
	d.connected()
	d.agent.give(f.path)
	d.arrived(f, "reloaded.bin")
	require.LessOrEqual(t, ask[int64](d.page, "e2e.sentBytes"), f.size-f.size*before/100, "what was stored is not sent again")
	tell(d.page, "() => e2e.until(() => e2e.kept().length === 0, 'nothing to be left to remember')")

	d.agent.give(f.path)
	require.Len(t, ask[[]tile](d.page, `() => e2e.until(() => e2e.lines('customer').length === 2 && e2e.tiles('customer'), 'the second one')`), 2,
		"sent again on purpose")
}

func TestReloadWithOtherContent(t *testing.T) {
	t.Parallel()
	d := places[0].open(t)
	f := large(t, "twin.bin", 32<<20)
	d.begin(f, "twin.bin")
	d.reload()
	d.connected()
	other := twin(t, f)
	d.agent.give(other.path)
	d.arrived(other, "twin.bin")
}

// twin writes a file of the name, size and date of f with other content.
func twin(t *testing.T, f sample) sample {
	t.Helper()
	info, err := os.Stat(f.path)
	require.NoError(t, err)
	other := generated(t, info.Name(), []byte(strings.Repeat("other", int(f.size)/5+1))[:f.size])
	require.NoError(t, os.Chtimes(other.path, info.ModTime(), info.ModTime()))
	return other
}

// both waits for exactly two files of one name on the customer's side.
func (d *desk) both(f, other sample) {
	d.t.Helper()
	ids := ask[[]string](d.page, `() => e2e.until(() => {
		const ids = e2e.tiles('customer').map(({ id }) => id).filter((id) => id !== '');
		return ids.length === 2 && ids;
	}, 'both files')`)
	digests := []string{fetchedDigest(d.t, d.customer.link(ids[0])), fetchedDigest(d.t, d.customer.link(ids[1]))}
	require.ElementsMatch(d.t, []string{f.digest, other.digest}, digests)
}

func TestB43TwinChosenWhileTheFirstIsSent(t *testing.T) {
	t.Parallel()
	d := places[0].open(t)
	f := large(t, "scan.bmp", 32<<20)
	d.begin(f, "scan.bmp")
	other := twin(t, f)
	d.agent.give(other.path)
	tell(d.page, `() => e2e.until(() => e2e.tiles('agent').length === 2, 'a tile for each')`)
	tell(d.page, "e2e.slow", 0)
	d.both(f, other)
}

func TestB43TwinChosenInASecondTab(t *testing.T) {
	t.Parallel()
	second := places[0].open(t)
	f := large(t, "scan.bmp", 32<<20)
	first, _ := second.anotherTab(t)
	first.begin(f, "scan.bmp")
	other := twin(t, f)
	second.agent.give(other.path)
	second.arrived(other, "scan.bmp")
	require.Equal(t, f.size, ask[int64](second.page, "e2e.sentBytes"), "under a key of its own")
	tell(first.page, "e2e.slow", 0)
	second.both(f, other)
}

func TestSecondTabResumesAfterTheFirstCloses(t *testing.T) {
	t.Parallel()
	second := places[0].open(t)
	f := large(t, "shared.bin", 32<<20)
	first, closeFirst := second.anotherTab(t)
	first.begin(f, "shared.bin")
	closeFirst()
	tell(second.page, `() => e2e.until(async () => (await navigator.locks.query()).held.every(({ name }) => !name.startsWith('attache upload')), 'the first tab to be gone')`)
	second.agent.give(f.path)
	second.arrived(f, "shared.bin")
	require.Less(t, ask[int64](second.page, "e2e.sentBytes"), f.size, "what was stored is not sent again")
}

// anotherTab opens the same chat as the same parties in another tab.
func (d *desk) anotherTab(t *testing.T) (tab *desk, closeTab func()) {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(d.ctx)
	p := &page{t: t, ctx: ctx}
	p.prepare(closeTab)
	tab = &desk{page: p, command: d.command, address: ask[string](d.page, "() => location.href")}
	tab.agent, tab.customer = side{p, "agent"}, side{p, "customer"}
	p.open(tab.address)
	tab.connected()
	return tab, closeTab
}
