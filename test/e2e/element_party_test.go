package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Subtests of TestElementIsAView: several elements, chats and users.

// twoElements show one session, which ends with the second of them.
func twoElements(t *testing.T, p *page, session string) {
	tell(p, `async (token, session) => {
		views.mount('one', async () => token, 'ada/two');
		views.mount('two', async () => token, 'ada/two');
		await e2e.connected('one');
		await e2e.connected('two');
		if (e2e.session('one') !== e2e.session('two')) throw new Error('two sessions');
		e2e.chat('one').add([new File(['x'], 'both.txt')]);
		await e2e.file('one', 'both.txt');
		await e2e.file('two', 'both.txt');
		views.write('one', 'half');
		if (views.draft('two') !== 'half') throw new Error('two drafts');
		e2e.say('two', 'whole');
		await e2e.line('one', 'whole');
		e2e.chat('one').remove();
		await undefined;
		views.expire();
		e2e.say('two', 'still here');
		await e2e.until(() => views.texts(session).includes('still here'), 'the text');
		e2e.chat('two').remove();
		await undefined;
		views.expire();
		await e2e.until(() => views.news(session).length === 2, 'the end');
	}`, party(t, session, "ada"), session)
	require.Equal(t, []string{"ada join", "ada leave"}, news(p, session))
}

// switched shows one conversation after another in one element.
func switched(t *testing.T, p *page, session string) {
	other := session + "-other"
	watched(t, p, other)
	tell(p, `async (tokens, a, b) => {
		const element = views.mount('one', ({ conversation }) => tokens[conversation], a);
		await e2e.connected('one');
		e2e.say('one', 'only in the first');
		await e2e.line('one', 'only in the first');
		views.write('one', 'for the first');
		element.add([new File(['x'], 'first.txt')]);
		element.conversation = b;
		await undefined;
		const seen = element.shadowRoot.textContent;
		if (/first/.test(seen) || views.draft('one') !== '') throw new Error('the old view is not gone: ' + seen);
		await e2e.connected('one');
		e2e.say('one', 'only in the second');
		await e2e.line('one', 'only in the second');
		views.write('one', 'for the second');
		element.conversation = a;
		await e2e.connected('one');
		if (views.draft('one') !== 'for the first') throw new Error('the draft: ' + views.draft('one'));
		await e2e.file('one', 'first.txt');
		await e2e.until(() => [a, b].every((name) => views.texts(name).length > 0), 'the observer to read both');
	}`, map[string]string{session: party(t, session, "ada"), other: party(t, other, "ada")}, session, other)
	require.Equal(t, []string{"only in the first"}, ask[[]string](p, "views.texts", session))
	require.Equal(t, []string{"only in the second"}, ask[[]string](p, "views.texts", other))
	require.Equal(t, []string{"ada join"}, news(p, session), "a party that returns in time was never away")
	tell(p, `async (token, session) => {
		const element = e2e.chat('one');
		const old = element.session;
		element.token = token; // names another user
		if (/first/.test(element.shadowRoot.textContent) || views.draft('one') !== '') throw new Error('the old view is not gone');
		await e2e.until(() => element.session?.party.userId === 'bo' && element.session.state === 'connected', 'bo to be there');
		if (old.state !== 'closed' || views.draft('one') !== '') throw new Error('something of the old party is there');
		await e2e.until(() => views.news(session).includes('ada leave'), 'ada to have left');
	}`, party(t, session, "bo"), session)
}

// loggedOut removes the token, and another user logs in.
func loggedOut(t *testing.T, p *page, session string) {
	tokens := map[string]string{"ada": party(t, session, "ada"), "bo": party(t, session+"-bo", "bo")}
	tell(p, `async (tokens, session) => {
		const element = views.mount('one', async () => tokens.ada, 'support');
		await e2e.connected('one');
		e2e.say('one', 'a secret');
		await e2e.line('one', 'a secret');
		element.session.upload = () => Promise.reject(new Error('broken'));
		element.add([new File(['x'], 'secret.txt')]);
		await e2e.refusal('one', 'secret.txt');
		views.write('one', 'a secret draft');
		element.token = null;
		const bare = () => !/secret/.test(element.shadowRoot.textContent) && views.draft('one') === '' && element.session?.party.userId !== 'ada';
		if (!bare()) throw new Error('the old view is not gone');
		await e2e.until(() => views.news(session).includes('ada leave'), 'ada to have left');
		element.token = async () => tokens.bo;
		while (element.session?.state !== 'connected') {
			if (!bare()) throw new Error('bo was shown what was ada\'s');
			await new Promise((done) => { setTimeout(done); });
		}
		if (!bare()) throw new Error('bo is shown what was ada\'s');
		element.token = null;
		element.token = async () => tokens.ada;
		await e2e.connected('one');
		await e2e.line('one', 'a secret');
		if (views.draft('one') !== '' || e2e.named('one', 'secret.txt')) throw new Error('the log-out did not forget');
	}`, tokens, session)
}

// anotherUser gives another user's token to a session that reconnects.
func anotherUser(t *testing.T, p *page, session string) {
	tell(p, `async (tokens) => {
		let now = 'ada';
		const element = views.mount('one', async () => tokens[now]);
		await e2e.connected('one');
		e2e.say('one', 'a secret');
		await e2e.line('one', 'a secret');
		views.write('one', 'a secret draft');
		now = 'bo';
		e2e.cut();
		await e2e.until(() => element.session?.party.userId === 'bo' && element.session.state === 'connected', 'bo to be there');
		if (views.draft('one') !== '' || /secret/.test(element.shadowRoot.textContent)) throw new Error('bo is shown what was ada\'s');
		element.errors.splice(0);
	}`, map[string]string{"ada": party(t, session, "ada"), "bo": party(t, session+"-bo", "bo")})
}

// triedAgain ends a session for good in the middle of an upload.
func triedAgain(t *testing.T, p *page, session string) {
	tell(p, `async (token) => {
		let good = true;
		let asked = 1000;
		// Only another token is a reason to try again.
		const element = views.mount('one', async () => (good ? token : token.slice(0, -4) + (asked += 1)));
		await e2e.connected('one');
		e2e.slow(300);
		element.add([new File([new Uint8Array(4 << 20)], 'running.bin')]);
		await e2e.until(() => e2e.named('one', 'running.bin')?.dataset.state === 'receiving', 'the upload to run');
		views.write('one', 'half a sentence');
		good = false;
		e2e.cut();
		await e2e.until(() => element.session.state === 'closed', 'the proxy to refuse the token');
		if (!e2e.named('one', 'running.bin').querySelector('button.retry')) throw new Error('nothing to retry');
		element.add([new File(['x'], 'later.txt')]);
		await e2e.until(() => e2e.named('one', 'later.txt')?.dataset.state === 'offered', 'a tile that waits');
		e2e.slow(0);
		good = true;
		e2e.root('one').querySelector('[part~=reconnect]').click();
		await e2e.connected('one');
		await e2e.file('one', 'later.txt');
		if (views.draft('one') !== 'half a sentence') throw new Error('the draft: ' + views.draft('one'));
		e2e.named('one', 'running.bin').querySelector('button.retry').click();
		await e2e.file('one', 'running.bin');
	}`, party(t, session, "ada"))
}

// ownSessions shows two sessions that the page has made, one after the other.
func ownSessions(t *testing.T, p *page, session string) {
	tell(p, `async (tokens) => {
		const { connect } = await e2e.api();
		const element = views.mount('one');
		const url = element.url;
		element.removeAttribute('url');
		const [one, two] = await Promise.all(tokens.map((token) => connect({ url, token })));
		element.session = one;
		one.upload = () => Promise.reject(new Error('broken'));
		element.add([new File(['x'], 'failed.txt')]);
		await e2e.refusal('one', 'failed.txt');
		views.write('one', 'for the first');
		element.session = two;
		if (views.draft('one') !== '' || e2e.named('one', 'failed.txt')) throw new Error('the first one is there');
		views.write('one', 'for the second');
		element.session = one;
		if (views.draft('one') !== 'for the first' || !e2e.named('one', 'failed.txt')?.querySelector('button.retry')) throw new Error('the first one is lost');
		element.session = null;
		if (views.draft('one') !== '' || one.state !== 'connected') throw new Error('it is not the page\'s own');
		element.session = two;
		if (views.draft('one') !== 'for the second') throw new Error('the second one is lost');
		element.session = null;
		await Promise.all([one.close(), two.close()]);
	}`, []string{party(t, session, "ada"), party(t, session+"-b", "ada")})
}
