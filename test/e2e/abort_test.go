package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Every function of the API that takes a signal rejects with the signal's reason, the
// same object, whether it is aborted before the call or during it.
func TestAbortRejectsWithItsReason(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		f := large(t, "aborted.bin", 64<<20)
		d.choose("e2e.input", f.path)
		d.agent.give(generated(t, "there.txt", []byte("to be fetched")).path)
		id := d.customer.file("there.txt").ID

		for _, test := range []struct{ name, call string }{
			{"connect, before", `async (signal, abort) => {
				abort();
				await (await e2e.api()).connect({ url: e2e.chat('agent').url, token: 'any', signal });
			}`},
			{"connect, during the token function", `async (signal, abort) => {
				const { connect } = await e2e.api();
				await connect({ url: e2e.chat('agent').url, token: () => { abort(); return new Promise(() => {}); }, signal });
			}`},
			{"upload, before", `async (signal, abort) => {
				abort();
				await e2e.session('agent').upload(e2e.picked('aborted.bin'), { signal });
			}`},
			{"upload, when it begins", `async (signal, abort) => {
				const sent = e2e.session('agent').upload(e2e.picked('aborted.bin'), { signal });
				abort();
				await sent;
			}`},
			{"upload, in the middle", `async (signal, abort) => {
				await e2e.session('agent').upload(e2e.picked('aborted.bin'), {
					signal, onProgress: ({ stored }) => { if (stored > 0) abort(); },
				});
			}`},
			{"download, before", `async (signal, abort) => {
				abort();
				await e2e.session('customer').download(id, { signal });
			}`},
			{"download, when it begins", `async (signal, abort) => {
				const got = e2e.session('customer').download(id, { signal });
				abort();
				await got;
			}`},
			{"download, while it is read", `async (signal, abort) => {
				const response = await e2e.session('customer').download(id, { signal });
				abort();
				await response.text();
			}`},
			{"link", `async (signal, abort) => {
				const got = e2e.session('customer').link(id, { signal });
				abort();
				await got;
			}`},
			{"send", `async (signal, abort) => {
				abort();
				await e2e.session('customer').send('never said', { signal });
			}`},
		} {
			t.Run(test.name, func(t *testing.T) {
				got := ask[string](d.page, `async (id, call) => {
					const reason = { why: 'the test says so' };
					const controller = new AbortController();
					try {
						await call(controller.signal, () => controller.abort(reason), id);
						return 'resolved';
					} catch (error) {
						return error === reason ? 'its reason' : `+"`${error} ${error?.stack}`"+`;
					}
				}`, id, raw("(signal, abort, id) => ("+test.call+")(signal, abort)"))
				require.Equal(t, "its reason", got)
			})
		}
		d.agent.works(d.customer)
		require.NotContains(t, d.customer.lines(), line{Own: true, Text: "never said"})
		for _, got := range d.customer.tiles() {
			require.NotEqual(t, "aborted.bin", got.Name)
		}
	})
}
