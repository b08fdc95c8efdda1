import assert from 'node:assert/strict';
import { once } from 'node:events';
import { openAsBlob, readFileSync } from 'node:fs';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';

import { AttacheError, check, connect, describe } from '../attache.js';
import { load } from '../loader.js';
import { ProxyDouble } from './proxy.double.js';

/** The newest program's, so that a test can end it. @type {WebAssembly.Instance} */
let instance;
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (module, imports) => {
  const made = await instantiate(module, imports);
  if (imports.gojs) instance = made;
  return made;
};

const wasm = new WebAssembly.Module(readFileSync(new URL('../dist/attache.wasm', import.meta.url)));
await load({ wasm });

/** @type {ProxyDouble} */
let proxy;
const sessions = [];

beforeEach(() => {
  proxy = new ProxyDouble();
  proxy.install();
});

afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close();
  assert.equal((await load()).live(), 0, 'callbacks that were not released');
});

async function enter(options = {}) {
  const session = await connect({ url: 'ws://files.example/base', token: 'a.token', ...options });
  sessions.push(session);
  return session;
}

const heard = (target, type) => new Promise((resolve) => target.addEventListener(type, (event) => resolve(event.detail), { once: true }));

function record(session, type, pick = (detail) => detail) {
  const list = [];
  session.addEventListener(type, (event) => list.push(pick(event.detail)));
  return list;
}

async function until(condition) {
  while (!condition()) await turn();
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

function content(length) {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 9)) & 255);
}

const file = (length, name = 'a.bin') => new File([content(length)], name, { type: 'application/octet-stream' });

test('connect joins the session that the token names', async () => {
  proxy.add({ type: 'message', text: 'earlier' });
  const session = await enter();
  assert.equal(session.id, 'chat-1');
  assert.deepEqual(session.party, { userId: 'ada', nickname: 'Ada', userType: 'AGENT' });
  assert.equal(session.state, 'connected');
  assert.deepEqual(session.rights, ['chat', 'upload:file-system', 'download']);
  assert.deepEqual(session.limits.types, []);
  const said = await heard(session, 'message');
  assert.equal(said.text, 'earlier');
  assert.equal(said.own, true);
  assert.deepEqual(session.transcript, [said]);
  assert.equal(session.transcript, session.transcript, 'the same list until something happens');
  assert.deepEqual(proxy.all('/chat').map(({ url, token }) => [url, token]), [['ws://files.example/base/attache/chat', 'a.token']]);
});

test('what connect refuses', async () => {
  const cases = {
    nothing: undefined,
    'no token': {},
    'a number as token': { token: 5 },
    'no proxy': { token: 'x' },
    'no URL': { token: 'x', url: 'http://' },
    'another scheme': { token: 'x', url: 'ftp://files.example' },
    'a signal that is none': { token: 'x', url: 'ws://x', signal: {} },
    'half a version': { token: 'x', url: 'ws://x', clientVersion: 1.5 },
  };
  for (const [name, options] of Object.entries(cases)) {
    await assert.rejects(connect(options), { name: 'AttacheError', code: 'message-invalid' }, name);
  }
  assert.equal(proxy.sockets.length, 0);
});

test('a refused connection is an error', async () => {
  proxy.answers.hello = (_, socket) => socket.say({ type: 'fail', error: { code: 'token-invalid', message: 'no', hint: 'ask', id: 'e1' } });
  await assert.rejects(enter(), (error) => {
    assert.ok(error instanceof AttacheError && error instanceof Error);
    assert.deepEqual({ ...error }, { name: 'AttacheError', code: 'token-invalid', hint: 'ask', retryable: false, id: 'e1' });
    assert.equal(error.message, 'no');
    return true;
  });
});

test('B64 a dial that fails says why, where the proxy knows', async (t) => {
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
    await assert.rejects(enter(), { name: 'AttacheError', code }, code);
  }
  assert.equal(said.mock.callCount(), 3, 'told is what somebody can mend');
  assert.match(said.mock.calls[1].arguments[0], /http:\/\/files\.example\/base .*Upgrade: websocket.*nginx/);
});

test('B64 a proxy that is started with another list is no end of a chat', async (t) => {
  const said = t.mock.method(console, 'error', () => {});
  const session = await enter();
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

test('B42 what the proxy says of a token is in the console', async (t) => {
  const said = t.mock.method(console, 'error', () => {});
  const error = { code: 'token-early', message: 'the token is not valid for another 61 s: compare the clocks', hint: 'try again', retry: true, id: 'e1' };
  proxy.answers.hello = (_, socket) => socket.say({ type: 'fail', error });
  const controller = new AbortController();
  const tries = [];
  await assert.rejects(enter({ signal: controller.signal, onRetry: (why) => { tries.push(why); controller.abort('enough'); } }), (reason) => reason === 'enough');
  assert.deepEqual(tries.map(({ error: { code, retryable } }) => [code, retryable]), [['token-early', true]]);
  assert.match(said.mock.calls[0].arguments[0], /token-early.*another 61 s.*e1/);
});

/** What the console is told meanwhile. */
async function told(run) {
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

test('a page whose only token is none', async () => {
  await told(() => assert.rejects(enter({ token: '' }), { code: 'token-invalid' }));
  assert.equal(proxy.sockets.length, 0);
});

test('B31 an application without a token for a while, at the first connect', async () => {
  const answers = [
    () => { throw new Error('logged out'); },
    () => Promise.reject(new TypeError('Failed to fetch')),
    async () => '<!doctype html><title>502 Bad Gateway</title>',
    async () => ' a.token\n',
  ];
  const tries = [];
  const words = await told(async () => {
    const session = await enter({ token: () => answers.shift()(), onRetry: ({ error, retryIn }) => tries.push([error.code, error.message, error.retryable, retryIn > 0]) });
    assert.equal(session.state, 'connected');
  });
  assert.equal(proxy.last('/chat').token, 'a.token');
  assert.deepEqual(tries.map(([code, , retryable, later]) => [code, retryable, later]), Array(3).fill(['token-invalid', true, true]));
  assert.equal(words.length, 2, words.join('\n'));
  assert.match(words[0], /token function failed.*logged out/);
  assert.match(words[1], /HTML/);
});

test('B31 an application without a token for a while, later', async () => {
  let up = true;
  const session = await enter({ token: async () => (up ? 'a.token' : '<html>') });
  const states = record(session, 'state', ({ state, error }) => [state, error?.code]);
  const words = await told(async () => {
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

test('B31 a proxy that is away when the page is opened', async () => {
  const { WebSocket } = globalThis;
  globalThis.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      if (proxy.sockets.length < 3) queueMicrotask(() => this.cut());
    }
  };
  const tries = [];
  await enter({ onRetry: ({ error }) => tries.push(error.code) });
  assert.deepEqual(tries, ['offline', 'offline']);
});

test('B34 a page that is seen again tries at once', async () => {
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
    const connecting = enter({ onRetry: ({ retryIn }) => waits.push(retryIn) });
    await until(() => waits.length === 3);
    const dialed = proxy.sockets.length;
    document.dispatchEvent(new Event('visibilitychange'));
    await turn();
    assert.equal(proxy.sockets.length, dialed, 'it is hidden');
    away = false;
    document.visibilityState = 'visible';
    document.dispatchEvent(new Event('visibilitychange'));
    await turn();
    assert.equal(proxy.sockets.length, dialed + 1, 'long before its time');
    await connecting;
  } finally {
    delete globalThis.document;
  }
});

test('B39 a token of another user or chat session ends the session before anything is said', async () => {
  const token = (sub, session) => `e30.${btoa(JSON.stringify({ sub, session }))}.c2ln`;
  for (const other of [token('bo', 'chat-1'), token('ada', 'chat-2')]) {
    let next = token('ada', 'chat-1');
    const session = await enter({ token: async () => next });
    next = other;
    proxy.last('/chat').cut();
    const said = session.send('for this chat only');
    await assert.rejects(said, { code: 'session-invalid' });
    assert.equal(session.state, 'closed');
    assert.notEqual(proxy.last('/chat').token, other);
    assert.equal(proxy.says.length, 0);
  }
});

test('connecting can be given up', async () => {
  const reason = new Error('enough');
  await assert.rejects(enter({ signal: AbortSignal.abort(reason) }), reason);
  assert.equal(proxy.sockets.length, 0);

  const controller = new AbortController();
  proxy.answers.hello = () => controller.abort(reason);
  await assert.rejects(enter({ signal: controller.signal }), reason);
  await until(() => proxy.last('/chat').readyState === 3);
});

test('an upload arrives, whole and announced', async () => {
  const session = await enter();
  const steps = record(session, 'upload', ({ state }) => state);
  const progress = [];
  const sent = await session.upload(file(300_000), {
    description: 'the bytes', custom: { order: '12' }, onProgress: (p) => progress.push(p),
  });
  const [offered] = proxy.files.values();
  assert.deepEqual(offered.stored, content(300_000));
  assert.equal(offered.description, 'the bytes');
  assert.equal(offered.mime, 'application/octet-stream');
  assert.equal(sent.type, 'file');
  assert.equal(sent.key, offered.key);
  assert.equal(sent.size, 300_000);
  assert.deepEqual(sent.custom, { order: '12' });
  assert.deepEqual(steps, ['offered', 'receiving', 'accepted', 'stored', 'announced']);
  const last = progress.at(-1);
  assert.deepEqual(last, { key: offered.key, state: 'announced', sent: 300_000, stored: 300_000, total: 300_000 });
  await turn();
  assert.deepEqual(session.transcript.map(({ type, id }) => [type, id]), [['file', sent.id]]);
});

test('many uploads at once share one data socket', async () => {
  const session = await enter();
  const names = Array.from({ length: 12 }, (_, i) => `${i}.bin`);
  const sent = await Promise.all(names.map((name, i) => session.upload(file(1000 * i, name))));
  assert.deepEqual(sent.map(({ name, size }) => [name, size]), names.map((name, i) => [name, 1000 * i]));
  assert.equal(proxy.all('/data').length, 1);
  for (const { size, stored } of proxy.files.values()) assert.deepEqual(stored, content(size));
});

test('files given in one turn are offered, and arrive, in that order', async () => {
  const session = await enter();
  const offers = [];
  proxy.answers.offer = (message, socket) => {
    offers.push(message);
    delete proxy.answers.offer;
    proxy.take(socket, message);
    proxy.answers.offer = answer;
  };
  const answer = proxy.answers.offer;
  // Whether it is empty takes a moment to find out.
  const sizes = [0, 200_000, 10, 0, 10];
  const arrived = await Promise.all(sizes.map((size, i) => session.upload(file(size, `${i}.bin`))));
  assert.deepEqual(offers.map(({ name }) => name), sizes.map((_, i) => `${i}.bin`));
  for (const [i, { after }] of offers.entries()) assert.ok(after === undefined || after === offers[i - 1].key, 'the one before it, if it is on its way');
  assert.deepEqual(arrived.map(({ event }) => event), [...arrived.map(({ event }) => event)].sort((a, b) => a - b));

  offers.length = 0;
  const first = session.upload(file(200_000));
  await turn();
  await Promise.all([first, session.upload(file(10))]);
  assert.ok(offers.every(({ after }) => after === undefined), 'what is given later is not of them');
});

test('what upload refuses', async () => {
  const session = await enter();
  const cases = {
    'no file': [undefined, {}, 'message-invalid'],
    'a string': ['text', {}, 'message-invalid'],
    'a proxy of a file': [new Proxy(file(5), {}), {}, 'message-invalid'],
    'a number as name': [file(5), { name: 5 }, 'message-invalid'],
    'no name': [new Blob(['x']), { name: '' }, 'name-invalid'],
    'a name of 4 KB': [file(5, 'x'.repeat(4096)), {}, 'name-too-long'],
    'a key that is none': [file(5), { key: 'mine' }, 'message-invalid'],
    "a vendor's key": [file(5), { custom: { 'file-id': '1' } }, 'custom-key-refused'],
    'a number as value': [file(5), { custom: { a: 1 } }, 'message-invalid'],
    'a visibility it may not use': [file(5), { visibility: 'VIP' }, 'forbidden'],
    'a callback that is none': [file(5), { onProgress: 'x' }, 'message-invalid'],
    'a right it has not': [file(5), { uploadType: 'standard-response' }, 'forbidden'],
  };
  for (const [name, [given, options, code]] of Object.entries(cases)) {
    await assert.rejects(session.upload(given, options), { name: 'AttacheError', code }, name);
  }
  await turn();
  assert.equal(proxy.files.size, 0);
});

test('T36: hostile callers', async () => {
  const session = await enter();
  const fail = () => { throw new Error('a getter'); };
  const throwing = new Proxy({}, { get: fail, ownKeys: fail, has: fail, getPrototypeOf: fail });
  const hostile = new File(['x'], 'a.txt');
  for (const key of ['name', 'type']) Object.defineProperty(hostile, key, { get: fail });
  const calls = {
    'connect': () => connect(throwing),
    'connect url': () => connect({ token: 'x', url: { toString: fail } }),
    'upload file': () => session.upload(hostile),
    'upload no file': () => session.upload(throwing),
    'upload options': () => session.upload(file(5), throwing),
    'upload custom': () => session.upload(file(5), { custom: throwing }),
    'upload signal': () => session.upload(file(5), { signal: throwing }),
    'download': () => session.download(throwing),
    'download options': () => session.download('f', throwing),
    'download offset': () => session.download('f', { offset: -1 }),
    'link': () => session.link({ get id() { return fail(); } }),
    'send': () => session.send(throwing),
    'send options': () => session.send('x', throwing),
    'close': () => session.close(throwing),
    'close after': () => session.close({ after: 5 }),
    'check': () => check(throwing, {}),
    'check limits': () => check({ name: 'a', size: 1 }, throwing),
    'check types': () => check({ name: 'a', size: 1 }, { types: { toJSON: fail } }),
    'describe': () => describe({ toString: fail }),
  };
  for (const [name, call] of Object.entries(calls)) {
    await assert.rejects(call, { name: 'AttacheError', code: 'message-invalid' }, name);
  }
  session.addEventListener('file', () => session.send('from a listener'));
  const sent = await session.upload(file(100_000), { name: '\ud800.txt' });
  assert.equal(sent.size, 100_000, 'the module still works');
  assert.deepEqual([sent.name, sent.caution, sent.changed], ['_.txt', '', 'name-characters'], 'half a character is replaced');
});

test('an abort takes the upload back', async () => {
  const session = await enter();
  const steps = record(session, 'upload', ({ state }) => state);
  const reason = new Error('changed my mind');
  await assert.rejects(session.upload(file(5), { signal: AbortSignal.abort(reason) }), reason);
  assert.equal(proxy.files.size, 0);

  const controller = new AbortController();
  proxy.answers.frame = () => controller.abort(reason);
  await assert.rejects(session.upload(file(5_000_000), { signal: controller.signal }), reason);
  await until(() => proxy.cancelled.length === 1);
  assert.deepEqual(steps, ['offered', 'receiving', 'cancelled']);
});

test('a cut in the middle loses nothing', async () => {
  const session = await enter({ token: () => `token.${proxy.all('/chat').length}` });
  const states = record(session, 'state', ({ state, error }) => [state, error?.code]);
  let cut = false;
  proxy.answers.frame = (stored, socket) => {
    if (!cut && stored.stored.length > 150_000) {
      cut = true;
      proxy.last('/chat').cut();
      return;
    }
    socket.say({ type: 'ack', key: stored.key, stored: stored.stored.length });
    if (stored.stored.length === stored.size) {
      delete proxy.answers.frame;
      proxy.take(proxy.last('/chat'), { type: 'offer', key: stored.key });
    }
  };
  const said = [];
  session.addEventListener('state', () => said.push(session.send('while away')), { once: true });
  await session.upload(file(900_000));
  const [stored] = proxy.files.values();
  assert.deepEqual(stored.stored, content(900_000));
  assert.deepEqual(states, [['reconnecting', 'offline'], ['connected', undefined]]);
  assert.equal((await said[0]).text, 'while away');
  assert.deepEqual(proxy.all('/chat').map(({ token }) => token), ['token.0', 'token.1']);
});

test('B47 an unfinished upload is given up, at the latest after a reconnect', async () => {
  const session = await enter();
  const [one, two] = ['a'.repeat(32), 'b'.repeat(32)];
  assert.throws(() => session.discard('short'), { code: 'message-invalid' });
  session.discard(one);
  await until(() => proxy.cancelled.includes(one));
  session.addEventListener('state', () => session.discard(two), { once: true });
  proxy.last('/chat').cut();
  await until(() => proxy.cancelled.includes(two));
  assert.deepEqual(await session.unfinished(), []);
});

test('B21 another token provider is asked at the next reconnect, and connects nothing anew', async () => {
  const session = await enter({ token: 'the.first' });
  const states = record(session, 'state', ({ state }) => state);
  assert.throws(() => session.setToken(5), { code: 'message-invalid' });
  session.setToken(async () => 'the.second');
  await session.send('still here');
  assert.deepEqual(states, []);
  proxy.last('/chat').cut();
  await until(() => states.includes('connected'));
  assert.deepEqual(proxy.all('/chat').map(({ token }) => token), ['the.first', 'the.second']);
});

test('a file that cannot be read fails alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'session-'));
  try {
    const path = join(folder, 'gone.txt');
    await writeFile(path, 'x');
    const gone = await openAsBlob(path);
    await unlink(path);
    const session = await enter();
    const results = await Promise.allSettled([
      session.upload(gone, { name: 'gone.txt' }),
      session.upload(file(10)),
    ]);
    assert.deepEqual(results.map(({ status, reason }) => [status, reason?.code]), [['rejected', 'file-unreadable'], ['fulfilled', undefined]]);
    await until(() => proxy.cancelled.length === 1);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('B21 of two sessions of one party the first to close leaves the party where it is', async () => {
  const left = [];
  proxy.answers.leave = ({ ref }, socket) => {
    left.push(ref);
    socket.say({ type: 'done', ref });
  };
  const [first, second] = [await enter(), await enter()];
  const states = record(first, 'state', ({ state, error }) => [state, error]);
  await first.close();
  assert.deepEqual([first.state, left.length], ['closed', 0]);
  await until(() => states.length > 0);
  assert.deepEqual(states, [['closed', undefined]]);
  await assert.rejects(first.send('x'), { code: 'not-joined' });
  assert.equal((await second.send('still here')).text, 'still here');
  await second.close();
  assert.equal(left.length, 1);
});

test('close leaves, and what is open is refused', async () => {
  const session = await enter();
  proxy.answers.ask = () => {};
  const open = assert.rejects(session.download('f'), { code: 'not-joined' });
  const closed = heard(session, 'state');
  await Promise.all([session.close({ after: 'force-close' }), session.close()]);
  await open;
  assert.deepEqual(await closed, { state: 'closed' });
  assert.equal(session.state, 'closed');
  await assert.rejects(session.send('late'), { code: 'not-joined' });
  await session.close();
  await until(() => proxy.sockets.every(({ readyState }) => readyState === 3));
  assert.equal(proxy.sockets.length, 1);
});

test('the proxy ends the session', async () => {
  const session = await enter();
  const closed = heard(session, 'state');
  proxy.last('/chat').say({ type: 'fail', error: { code: 'session-ended', message: 'over' } });
  assert.equal((await closed).error.code, 'session-ended');
  await assert.rejects(session.upload(file(1)), { code: 'session-ended' });
});

test('a proxy that goes is not noticed where another is there', async () => {
  const session = await enter();
  const states = record(session, 'state', ({ state }) => state);
  const limits = heard(session, 'limits');
  proxy.last('/chat').say({ type: 'bye', after: 20 });
  await limits;
  assert.equal(proxy.all('/chat').length, 2);
  await session.send('still here');
  await turn();
  assert.deepEqual(states, []);
});

test('limits are told anew', async () => {
  const session = await enter();
  const told = heard(session, 'limits');
  proxy.last('/chat').say({ type: 'limits', limits: { maxFiles: 2, usedFiles: 2 } });
  assert.equal((await told).usedFiles, 2);
});

test('check and describe judge as the proxy does', async () => {
  assert.equal(await check({ name: 'a.pdf', size: 5 }, { usedFiles: 0, maxFileSize: 5 }), null);
  const refused = await check({ name: 'a.pdf', size: 6 }, { usedFiles: 0, maxFileSize: 5 });
  assert.ok(refused instanceof AttacheError);
  assert.equal(refused.code, 'file-too-large');
  assert.deepEqual(await describe('/tmp/a.PDF'), { name: 'a.PDF', extension: 'pdf', kind: 'pdf', caution: 'name-path' });
  assert.deepEqual(await describe('CON.txt'), { name: '_CON.txt', extension: 'txt', kind: 'text', caution: '', changed: 'name-reserved' });
});

test('a program that ends is started again, and everything goes on', async () => {
  const session = await enter();
  proxy.add({ type: 'message', text: 'one' });
  await heard(session, 'message');
  const states = record(session, 'state', ({ state, error }) => [state, error?.code]);
  const module = await load();
  let crashed = false;
  proxy.answers.frame = (stored, socket) => {
    if (!crashed && stored.stored.length > 100_000) {
      crashed = true;
      end(module);
      return;
    }
    socket.say({ type: 'ack', key: stored.key, stored: stored.stored.length });
    if (stored.stored.length === stored.size) {
      delete proxy.answers.frame;
      proxy.take(proxy.last('/chat'), { type: 'offer', key: stored.key });
    }
  };
  const messages = record(session, 'message', ({ text }) => text);
  await session.upload(file(500_000));
  assert.ok(crashed);
  assert.notEqual(await load(), module);
  const [stored] = proxy.files.values();
  assert.deepEqual(stored.stored, content(500_000));
  assert.deepEqual(states, [['reconnecting', 'internal'], ['connected', undefined]]);
  assert.deepEqual(messages, [], 'what the page has does not come again');
  assert.deepEqual(session.transcript.map(({ type }) => type), ['message', 'file']);
});

/** Ends the Go program as a fault beyond recovery does: in the middle of a call. */
function end(module) {
  new Uint8Array(instance.exports.mem.buffer).fill(255);
  assert.throws(() => module.wake(1), WebAssembly.RuntimeError);
}
