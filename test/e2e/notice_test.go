package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Two pages' worth of sessions, the module and the command: what one asks for by a notice, the
// other gets, typed; and a nickname that was chosen in the chat outlasts the connection.
func TestNoticesFromPageToPage(t *testing.T) {
	t.Parallel()
	p, c := serving(t)
	type exchange struct {
		Heard, Kept, Refused []string
		Own, Data, Nickname  string
	}
	got := ask[exchange](p, `async (agent, customer, url) => {
		const { connect } = await e2e.api();
		const from = await connect({ url, token: agent });
		const to = await connect({ url, token: customer });
		await e2e.until(() => from.transcript.length === 2, 'both to be there');
		const heard = [];
		const words = {
			typing: ({ on, preview }) => on + ' ' + preview, nickname: ({ nickname }) => nickname, url: ({ url }) => url,
			message: ({ text, receiver }) => text + (receiver ? ' to ' + receiver : ''), receipt: ({ position }) => String(position > 0),
			notice: ({ notice, text }) => notice + ' ' + text,
		};
		for (const [type, of] of Object.entries(words)) to.addEventListener(type, ({ detail }) => heard.push(type + ': ' + of(detail)));
		const until = (count) => e2e.until(() => heard.length === count, count + ' events: ' + heard);
		from.typing('hel');
		await until(1);
		await from.send('hello', { receiver: 'carol' });
		await until(3);
		await from.rename('Kim L.');
		await from.notify('PUSH_URL', { text: 'https://example.com/form' });
		await from.notify('USER_CUSTOM', { text: 'for agents', visibility: 'INT' });
		const custom = await from.notify('USER_CUSTOM', { text: 'data', data: { list: { n: 1, raw: { $binary: 'AAE=' } } } });
		await from.notify('READ_RECEIPT', { data: { 'transcript-position': 2 } });
		await until(7);
		const refused = [];
		for (const call of [
			() => to.notify('PUSH_URL', { text: 'javascript:alert(1)' }), () => to.removeParty('agent-7'), () => to.send('x', { treatAs: 'SYSTEM' }),
			() => from.send('x', { receiver: 'nobody' }), () => from.notify('USER_CUSTOM', { data: { 'file-id': '1' } }),
		]) refused.push(await call().then(() => 'no', ({ code }) => code));
		e2e.cut();
		await e2e.until(() => from.state === 'reconnecting', 'the page to notice');
		await e2e.until(() => from.state === 'connected', 'the page to come back');
		const nickname = (await from.send('back')).from.nickname;
		await e2e.until(() => from.transcript.length === 8, 'the message');
		const kept = from.transcript.map(({ type }) => type);
		const got = { heard: heard.slice(0, 7), kept, refused, own: from.party.nickname, data: JSON.stringify(custom.data), nickname };
		await Promise.all([from.close(), to.close()]);
		return got;
	}`, mint(t, "--session", "notices-1"), mint(t, "--session", "notices-1", "--user", "carol", "--type", "CLIENT"), c.origin())
	require.ElementsMatch(t, []string{
		"typing: true hel", "typing: false ", "message: hello to carol", "nickname: Kim L.", "url: https://example.com/form",
		"notice: USER_CUSTOM data", "receipt: true",
	}, got.Heard)
	require.Equal(t, []string{"message-invalid", "forbidden", "forbidden", "party-unknown", "custom-key-refused"}, got.Refused)
	require.Equal(t, []string{"join", "join", "message", "nickname", "url", "notice", "notice", "message"}, got.Kept)
	require.Equal(t, `{"list":{"n":1,"raw":{"$binary":"AAE="}}}`, got.Data)
	require.Equal(t, "Kim L.", got.Own)
	require.Equal(t, "Kim L.", got.Nickname)
}
