import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AttacheError, connect } from '../attache.js';
import { FakeChat } from '../testing.js';
import { joinChat, nextEvent, proxy, record, task, until } from './visit.js';

test('connect joins the session that the token names', async () => {
  proxy.add({ type: 'message', text: 'earlier' });
  const session = await joinChat();
  assert.equal(proxy.all('/chat').length, 1, 'the module uses the socket that was dialed while it loaded');
  assert.equal(session.id, 'chat-1');
  assert.deepEqual(session.party, { userId: 'ada', nickname: 'Ada', userType: 'AGENT' });
  assert.equal(session.state, 'connected');
  assert.deepEqual(session.rights, ['chat', 'upload:file-system', 'download']);
  assert.deepEqual(session.limits.types, []);
  const said = await nextEvent(session, 'message');
  assert.equal(said.text, 'earlier');
  assert.equal(said.own, true);
  assert.deepEqual(session.transcript, [said]);
  assert.equal(session.transcript, session.transcript, 'the same list until something happens');
  assert.deepEqual(proxy.all('/chat').map(({ url, token }) => [url, token]), [['ws://files.example/base/attache/chat', 'a.token']]);
});

test('connect rejects wrong options', async () => {
  const cases = {
    nothing: undefined,
    'no token': {},
    'a number as token': { token: 5 },
    'no proxy': { token: 'x' },
    'no URL': { token: 'x', url: 'http://' },
    'another scheme': { token: 'x', url: 'ftp://files.example' },
    'a signal that is none': { token: 'x', url: 'ws://x', signal: {} },
    'a secure key that is none': { token: 'x', url: 'ws://x', secureKey: 5 },
    'a secure key that no hello may have': { token: 'x', url: 'ws://x', secureKey: 'ä'.repeat(129) },
    'half a version': { token: 'x', url: 'ws://x', clientVersion: 1.5 },
  };
  for (const [name, options] of Object.entries(cases)) {
    await assert.rejects(connect(options), { name: 'AttacheError', code: 'message-invalid' }, name);
  }
  assert.equal(proxy.sockets.length, 0);
});

test('a secure key is in every hello, and nowhere else', async (t) => {
  const secureKey = 'a "secret" key';
  const logged = ['log', 'info', 'warn', 'error', 'debug'].map((name) => t.mock.method(console, name, () => {}));
  const session = await joinChat({ secureKey });
  assert.equal(session.info.attached, true);
  await session.upload(new File(['hello'], 'a.txt'));
  proxy.last('/chat').cut();
  await until(() => proxy.all('/chat').at(1)?.welcomed);
  assert.deepEqual(['/chat', '/data', '/chat'].map((path, i) => (i < 2 ? proxy.all(path)[0] : proxy.last(path)).secureKey), [secureKey, secureKey, secureKey]);
  assert.ok(proxy.sockets.every(({ url }) => !url.includes('secret')));
  assert.deepEqual(logged.flatMap(({ mock }) => mock.calls), []);
});

test('a hello without a secure key attaches to nothing', async () => {
  assert.equal((await joinChat()).info.attached, false);
  assert.equal(proxy.last('/chat').secureKey, undefined);
});

test('a secure key that is refused rejects, and is not in the error', async () => {
  proxy.answers.hello = (_, socket) => socket.say({ type: 'fail', error: { code: 'secure-key-refused', message: 'no' } });
  await assert.rejects(joinChat({ secureKey: 'a secret' }), (error) => {
    assert.equal(error.code, 'secure-key-refused');
    assert.ok(!error.message.includes('a secret') && !error.hint.includes('a secret'));
    return true;
  });
  assert.equal(proxy.sockets.length, 1, 'it is not tried again');
});

test('a token leaves room for the secure key in the hello', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const token = 'a.'.repeat(1850);
  await joinChat({ token });
  await assert.rejects(joinChat({ token, secureKey: 'k'.repeat(200) }), { code: 'token-invalid' });
});

test('a refused connection rejects with an AttacheError', async () => {
  proxy.answers.hello = (_, socket) => socket.say({ type: 'fail', error: { code: 'token-invalid', message: 'no', hint: 'ask', id: 'e1' } });
  await assert.rejects(joinChat(), (error) => {
    assert.ok(error instanceof AttacheError && error instanceof Error);
    assert.deepEqual({ ...error }, { name: 'AttacheError', code: 'token-invalid', hint: 'ask', retryable: false, id: 'e1' });
    assert.equal(error.message, 'no');
    return true;
  });
});

test('B64 a failed dial reports the cause that the proxy knows', async (t) => {
  const said = t.mock.method(console, 'error', () => {});
  const fine = { protocol: 'attache.v1', time: 1, origin: globalThis.origin ?? '', allowed: true };
  const cases = {
    'origin-refused': { ...fine, allowed: false, refused: 'origin-refused' },
    'upgrade-missing': { ...fine, refused: 'upgrade-missing', missing: ['Connection: Upgrade', 'Upgrade: websocket'] },
    'version-unsupported': { ...fine, protocol: 'attache.v9' },
  };
  proxy.refusing = true;
  for (const [code, why] of Object.entries(cases)) {
    proxy.why = why;
    await assert.rejects(joinChat(), { name: 'AttacheError', code }, code);
  }
  assert.equal(said.mock.callCount(), 3, 'only faults that can be fixed are logged');
  assert.match(said.mock.calls[1].arguments[0], /http:\/\/files\.example\/base .*Upgrade: websocket.*nginx/);
});

test('B64 a proxy that restarts with another origin list does not end a chat', async (t) => {
  const said = t.mock.method(console, 'error', () => {});
  const session = await joinChat();
  proxy.refusing = true;
  proxy.why = { protocol: 'attache.v1', time: 1, origin: globalThis.origin ?? '', allowed: false };
  const states = record(session, 'state', ({ state, error }) => `${state} ${error?.code}`);
  proxy.last('/chat').cut();
  await until(() => states.length >= 3);
  assert.deepEqual(states, ['reconnecting offline', 'reconnecting origin-refused', 'reconnecting origin-refused']);
  assert.equal(said.mock.callCount(), 1, 'once, and not at each try');
  proxy.refusing = false;
  globalThis.dispatchEvent?.(new Event('online'));
  await until(() => session.state === 'connected');
});

test('B42 the proxy\'s reason for refusing a token is logged to the console', async (t) => {
  const said = t.mock.method(console, 'error', () => {});
  const error = { code: 'token-early', message: 'the token is not valid for another 61 s: compare the clocks', hint: 'try again', retry: true, id: 'e1' };
  proxy.answers.hello = (_, socket) => socket.say({ type: 'fail', error });
  const controller = new AbortController();
  const tries = [];
  await assert.rejects(joinChat({ signal: controller.signal, onRetry: (why) => { tries.push(why); controller.abort('enough'); } }), (reason) => reason === 'enough');
  assert.deepEqual(tries.map(({ error: { code, retryable } }) => [code, retryable]), [['token-early', true]]);
  assert.match(said.mock.calls[0].arguments[0], /token-early.*another 61 s.*e1/);
});

/** Returns what is logged to the console meanwhile. */
async function logged(run) {
  const { warn, error } = console;
  const list = [];
  console.warn = (...words) => list.push(words.join(' '));
  console.error = console.warn;
  try {
    await run(list);
  } finally {
    Object.assign(console, { warn, error });
  }
  return list;
}

test('an empty fixed token is refused', async () => {
  await logged(() => assert.rejects(joinChat({ token: '' }), { code: 'token-invalid' }));
  assert.equal(proxy.sockets.length, 0);
});

test('B31 the first connect waits for an application that has no token for a while', async () => {
  const answers = [
    () => { throw new Error('logged out'); },
    () => Promise.reject(new TypeError('Failed to fetch')),
    async () => '<!doctype html><title>502 Bad Gateway</title>',
    async () => ' a.token\n',
  ];
  const tries = [];
  const words = await logged(async () => {
    const session = await joinChat({ token: () => answers.shift()(), onRetry: ({ error, retryIn }) => tries.push([error.code, error.message, error.retryable, retryIn > 0]) });
    assert.equal(session.state, 'connected');
  });
  assert.equal(proxy.last('/chat').token, 'a.token');
  assert.deepEqual(tries.map(([code, , retryable, later]) => [code, retryable, later]), Array(3).fill(['token-invalid', true, true]));
  assert.equal(words.length, 2, words.join('\n'));
  assert.match(words[0], /token function failed.*logged out/);
  assert.match(words[1], /HTML/);
});

test('B31 a reconnect waits for an application that has no token for a while', async () => {
  let up = true;
  const session = await joinChat({ token: async () => (up ? 'a.token' : '<html>') });
  const states = record(session, 'state', ({ state, error }) => [state, error?.code]);
  const words = await logged(async () => {
    up = false;
    proxy.last('/chat').cut();
    const said = session.send('not lost');
    await until(() => states.length === 2);
    up = true;
    await until(() => states.at(-1)[0] === 'connected');
    assert.equal((await said).text, 'not lost');
  });
  assert.deepEqual(states.slice(0, 2), [['reconnecting', 'offline'], ['reconnecting', 'token-invalid']]);
  assert.equal(words.length, 1);
});

test('B31 the first connect waits for a proxy that is down', async () => {
  const { WebSocket } = globalThis;
  globalThis.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      // The first is dialed while the module loads.
      if (proxy.sockets.length <= 3) queueMicrotask(() => this.cut());
    }
  };
  const tries = [];
  await joinChat({ onRetry: ({ error }) => tries.push(error.code) });
  assert.deepEqual(tries, ['offline', 'offline']);
});

test('B34 a page that becomes visible retries at once', async () => {
  const { WebSocket } = globalThis;
  let away = true;
  globalThis.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      if (away) queueMicrotask(() => this.cut());
    }
  };
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
  try {
    const waits = [];
    const connecting = joinChat({ onRetry: ({ retryIn }) => waits.push(retryIn) });
    await until(() => waits.length === 3);
    const dialed = proxy.sockets.length;
    document.dispatchEvent(new Event('visibilitychange'));
    await task();
    assert.equal(proxy.sockets.length, dialed, 'it is hidden');
    away = false;
    document.visibilityState = 'visible';
    document.dispatchEvent(new Event('visibilitychange'));
    await task();
    assert.equal(proxy.sockets.length, dialed + 1, 'long before its time');
    await connecting;
  } finally {
    delete globalThis.document;
  }
});

test('B39 a token of another user or chat session ends the session before anything is sent', async () => {
  const token = (sub, session) => `e30.${btoa(JSON.stringify({ sub, session }))}.c2ln`;
  for (const other of [token('bo', 'chat-1'), token('ada', 'chat-2')]) {
    let next = token('ada', 'chat-1');
    const session = await joinChat({ token: async () => next });
    next = other;
    proxy.last('/chat').cut();
    const said = session.send('for this chat only');
    await assert.rejects(said, { code: 'session-invalid' });
    assert.equal(session.state, 'closed');
    assert.notEqual(proxy.last('/chat').token, other);
    assert.equal(proxy.says.length, 0);
  }
});

test('what the proxy says of the chat session changes', async () => {
  Object.assign(proxy.welcome, { started: 5, idleExpires: 9 });
  const session = await joinChat();
  assert.deepEqual(session.info, { started: 5, saved: 0, idleExpires: 9, monitored: false, attached: false });
  const changed = nextEvent(session, 'info');
  proxy.last('/chat').say({ type: 'session', idleExpires: 12, monitored: true });
  assert.deepEqual(await changed, { started: 5, saved: 0, idleExpires: 12, monitored: true, attached: false });
  assert.equal(session.info, await changed);
  const session2 = new FakeChat().join();
  const faked = nextEvent(session2, 'info');
  session2.setInfo({ monitored: true });
  assert.equal((await faked).monitored, true);
  assert.equal(session2.info.monitored, true);
});

test('connecting can be aborted', async () => {
  const reason = new Error('enough');
  await assert.rejects(joinChat({ signal: AbortSignal.abort(reason) }), reason);
  assert.equal(proxy.sockets.length, 0);

  const controller = new AbortController();
  proxy.answers.hello = () => controller.abort(reason);
  await assert.rejects(joinChat({ signal: controller.signal }), reason);
  await until(() => proxy.last('/chat').readyState === 3);
});

test('B21 another token provider is called at the next reconnect, and does not reconnect', async () => {
  const session = await joinChat({ token: 'the.first' });
  const states = record(session, 'state', ({ state }) => state);
  assert.throws(() => session.setToken(5), { code: 'message-invalid' });
  session.setToken(async () => 'the.second');
  await session.send('still here');
  assert.deepEqual(states, []);
  proxy.last('/chat').cut();
  await until(() => states.includes('connected'));
  assert.deepEqual(proxy.all('/chat').map(({ token }) => token), ['the.first', 'the.second']);
});
