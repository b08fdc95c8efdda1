package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile are calls that no correct page makes. Each is JavaScript that may use
// api (the module), session (the agent's) and what hostilePrelude declares.
var hostile = []struct{ name, call string }{
	{"connect: nothing", `api.connect()`},
	{"connect: null", `api.connect(null)`},
	{"connect: a string", `api.connect('ws://127.0.0.1')`},
	{"connect: no token", `api.connect({ url })`},
	{"connect: a number for a token", `api.connect({ url, token: 42 })`},
	{"connect: a symbol for a token", `api.connect({ url, token: Symbol('token') })`},
	{"connect: a token function that returns a number", retried(`() => 42`)},
	{"connect: a token function that returns nothing", retried(`() => {}`)},
	{"connect: a token function that throws", retried(`() => { throw new Error('mine'); }`)},
	{"connect: a token function that rejects", retried(`() => Promise.reject(new Error('mine'))`)},
	{"connect: a token function that throws undefined", retried(`() => { throw undefined; }`)},
	{"connect: no URL", `api.connect({ url: 'http://[', token: 'x' })`},
	{"connect: another scheme", `api.connect({ url: 'ftp://127.0.0.1/', token: 'x' })`},
	{"connect: a script for a URL", `api.connect({ url: 'javascript:alert(1)', token: 'x' })`},
	{"connect: a getter that throws", `api.connect({ url, get token() { throw new Error('mine'); } })`},
	{"connect: an object that throws at every access", `api.connect(untouchable)`},
	{"connect: an invalid signal", `api.connect({ url, token: 'x', signal: 'stop' })`},
	{"connect: an invalid version", `api.connect({ url, token: 'x', clientVersion: 'newest' })`},
	{"connect: a negative version", `api.connect({ url, token: 'x', clientVersion: -1 })`},

	{"upload: nothing", `session.upload()`},
	{"upload: null", `session.upload(null)`},
	{"upload: a text", `session.upload('file.txt')`},
	{"upload: something like a file", `session.upload({ name: 'x.txt', size: 5, type: '', stream() { throw new Error('mine'); } })`},
	{"upload: a file whose name throws", `session.upload(Object.defineProperty(new File(['abc'], 'a.txt'), 'name', { get() { throw new Error('mine'); } }))`},
	{"upload: options that throw", `session.upload(file(), untouchable)`},
	{"upload: a name that throws", `session.upload(file(), { get name() { throw new Error('mine'); } })`},
	{"upload: a number for a name", `session.upload(file(), { name: 42 })`},
	{"upload: an empty name", `session.upload(file(), { name: '' })`},
	{"upload: a name of 4 KB", `session.upload(file(), { name: 'n'.repeat(4096) })`},
	{"upload: a description of 4 MB", `session.upload(file(), { description: 'd'.repeat(4 << 20) })`},
	{"upload: custom that is a text", `session.upload(file(), { custom: 'case=4711' })`},
	{"upload: custom that throws", `session.upload(file(), { custom: untouchable })`},
	{"upload: a custom value that is a number", `session.upload(file(), { custom: { number: 4711 } })`},
	{"upload: a custom value that is a symbol", `session.upload(file(), { custom: { symbol: Symbol('s') } })`},
	{"upload: a key of the vendor's in custom", `session.upload(file(), { custom: { 'file-document-id': '1' } })`},
	{"upload: ten thousand custom keys", `session.upload(file(), { custom: Object.fromEntries(Array.from({ length: 10000 }, (_, i) => ['key-' + i, ''])) })`},
	{"upload: an invalid digest", `session.upload(file(), { digest: 'abc' })`},
	{"upload: another file's digest", `session.upload(file(), { digest: '0'.repeat(64) })`},
	{"upload: an invalid visibility", `session.upload(file(), { visibility: 'EVERYBODY' })`},
	{"upload: an invalid key", `session.upload(file(), { key: 'mine' })`},
	{"upload: an invalid way", `session.upload(file(), { uploadType: 'carrier-pigeon' })`},
	{"upload: an invalid signal", `session.upload(file(), { signal: {} })`},
	{"upload: progress that is not a function", `session.upload(file(), { onProgress: 'yes' })`},

	{"download: nothing", `session.download()`},
	{"download: null", `session.download(null)`},
	{"download: a number", `session.download(7)`},
	{"download: an object without an id", `session.download({})`},
	{"download: an id that throws", `session.download({ get id() { throw new Error('mine'); } })`},
	{"download: no such file", `session.download('no-such-file')`},
	{"download: a path", `session.download('../../demo/session.json')`},
	{"download: before the file's beginning", `session.download(present, { offset: -1 })`},
	{"download: an invalid offset", `session.download(present, { offset: 'half' })`},
	{"download: an invalid signal", `session.download(present, { signal: 1 })`},
	{"link: nothing", `session.link()`},
	{"link: no such file", `session.link('no-such-file')`},
	{"link: options that throw", `session.link(present, untouchable)`},

	{"send: nothing", `session.send()`},
	{"send: a number", `session.send(42)`},
	{"send: a symbol", `session.send(Symbol('text'))`},
	{"send: a text that throws", `session.send({ toString() { throw new Error('mine'); } })`},
	{"send: a text of 1 MB", `session.send('t'.repeat(1 << 20))`},
	{"send: an invalid visibility", `session.send('hello', { visibility: 'EVERYBODY' })`},
	{"close: an invalid way", `session.close({ after: 'explosion' })`},
	{"close: options that throw", `session.close(untouchable)`},

	{"check: nothing", `api.check()`},
	{"check: limits that throw", `api.check({ name: 'a.txt', size: 1 }, untouchable)`},
}

// harmless are calls that look hostile but work: a file's size and content come from
// the browser, not from its object's properties.
var harmless = []struct{ name, call string }{
	{"a file whose stream throws", `session.upload(Object.defineProperty(file('1'), 'stream', { value() { throw new Error('mine'); } }))`},
	{"a file with an invalid stream", `session.upload(Object.defineProperty(file('2'), 'stream', { value: () => 42 }))`},
	{"a file with a false size", `session.upload(Object.defineProperty(file('3'), 'size', { value: 1000 }))`},
	{"a file with an invalid size", `session.upload(Object.defineProperty(file('4'), 'size', { value: 'large' }))`},
	{"half a character in a name", `session.upload(file('5'), { name: 'half \ud800.txt' })`},
	{"a Blob without a name", `session.upload(new Blob(['abc']), { name: 'blob.txt' })`},
}

// retried is a connect that is retried until the page is given the cause and aborts.
func retried(token string) string {
	return `new Promise((_, no) => {
		const given = new AbortController();
		api.connect({ url, token: ` + token + `, signal: given.signal, onRetry: ({ error }) => { given.abort(); no(error); } }).catch(() => {});
	})`
}

const hostilePrelude = `
	const api = await e2e.api();
	const session = e2e.session('agent');
	const url = e2e.chat('agent').url || location.origin;
	const file = (which = '') => new File(['abc'], 'hostile' + which + '.txt');
	const throws = () => { throw new Error('mine'); };
	const untouchable = new Proxy({}, { get: throws, has: throws, ownKeys: throws, getPrototypeOf: throws, getOwnPropertyDescriptor: throws });
`

func TestT36HostileArgumentsAreRejectedPromises(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		d.expect("the token function")
		d.agent.give(generated(t, "present.txt", []byte("present")).path)
		id := d.customer.file("present.txt").ID
		for _, test := range hostile {
			t.Run(test.name, func(t *testing.T) {
				got := ask[rejection](d.page, `async (call, present) => {`+hostilePrelude+`
					return e2e.rejection(() => call(api, session, url, file, untouchable, present));
				}`, raw("(api, session, url, file, untouchable, present) => "+test.call), id)
				require.True(t, got.Rejected, "%+v", got)
				require.True(t, got.Ours, "%+v", got)
				require.NotEmpty(t, got.Code)
				require.NotEmpty(t, got.Message)
			})
		}
		for _, test := range harmless {
			t.Run(test.name, func(t *testing.T) {
				sent := ask[string](d.page, `async (call) => {`+hostilePrelude+`
					return (await call(session, file)).id;
				}`, raw("(session, file) => "+test.call))
				require.Equal(t, generated(t, "abc", []byte("abc")).digest, d.customer.digest(sent))
			})
		}
		require.Equal(t, "connected", ask[string](d.page, "() => e2e.session('agent').state"))
		d.agent.works(d.customer)
		for _, got := range d.customer.tiles() {
			require.NotEqual(t, "hostile.txt", got.Name)
		}
	})
}

func TestThrowingCallbacksChangeNothing(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		d.expect("mine")
		f := large(t, "callbacks.bin", 8<<20)
		d.choose("e2e.input", f.path)
		tell(d.page, `async (name) => {
			const session = e2e.session('agent');
			for (const type of ['upload', 'file', 'limits', 'message']) {
				session.addEventListener(type, () => { throw new Error('mine'); });
			}
			await session.upload(e2e.picked(name), { onProgress: () => { throw new Error('mine'); } });
		}`, "callbacks.bin")
		require.Equal(t, f.digest, d.customer.digest(d.customer.file("callbacks.bin").ID))
		d.agent.works(d.customer)
	})
}
