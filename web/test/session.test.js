import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AttacheError, check, connect, describe } from '../attache.js';
import { load } from '../loader.js';
import { content, joinChat, file, nextEvent, instance, proxy, record, task, until } from './visit.js';

test('T36: hostile arguments are refused', async () => {
  const session = await joinChat();
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

test('B21 closing one of a party\'s two sessions leaves the party in the chat', async () => {
  const left = [];
  proxy.answers.leave = ({ ref }, socket) => {
    left.push(ref);
    socket.say({ type: 'done', ref });
  };
  const [first, second] = [await joinChat(), await joinChat()];
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

test('close leaves, and open calls reject', async () => {
  const session = await joinChat();
  proxy.answers.ask = () => {};
  const open = assert.rejects(session.download('f'), { code: 'not-joined' });
  const closed = nextEvent(session, 'state');
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
  const session = await joinChat();
  const closed = nextEvent(session, 'state');
  proxy.last('/chat').say({ type: 'fail', error: { code: 'session-ended', message: 'over' } });
  assert.equal((await closed).error.code, 'session-ended');
  await assert.rejects(session.upload(file(1)), { code: 'session-ended' });
});

test('a proxy that goes out of service while another is there causes no state change', async () => {
  const session = await joinChat();
  const states = record(session, 'state', ({ state }) => state);
  const limits = nextEvent(session, 'limits');
  proxy.last('/chat').say({ type: 'bye', after: 20 });
  await limits;
  assert.equal(proxy.all('/chat').length, 2);
  await session.send('still here');
  await task();
  assert.deepEqual(states, []);
});

test('changed limits fire an event', async () => {
  const session = await joinChat();
  const changed = nextEvent(session, 'limits');
  proxy.last('/chat').say({ type: 'limits', limits: { maxFiles: 2, usedFiles: 2 } });
  assert.equal((await changed).usedFiles, 2);
});

test('check and describe agree with the proxy', async () => {
  assert.equal(await check({ name: 'a.pdf', size: 5 }, { usedFiles: 0, maxFileSize: 5 }), null);
  const refused = await check({ name: 'a.pdf', size: 6 }, { usedFiles: 0, maxFileSize: 5 });
  assert.ok(refused instanceof AttacheError);
  assert.equal(refused.code, 'file-too-large');
  assert.deepEqual(await describe('/tmp/a.PDF'), { name: 'a.PDF', extension: 'pdf', kind: 'pdf', caution: 'name-path' });
  assert.deepEqual(await describe('CON.txt'), { name: '_CON.txt', extension: 'txt', kind: 'text', caution: '', changed: 'name-reserved' });
});

test('a program that ends is started again, and the upload resumes', async () => {
  const session = await joinChat();
  proxy.add({ type: 'message', text: 'one' });
  await nextEvent(session, 'message');
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
  assert.deepEqual(messages, [], 'events that the page has are not delivered again');
  assert.deepEqual(session.transcript.map(({ type }) => type), ['message', 'file']);
});

test('a file is delivered once however many notices carry its key, also by a module that was started again', async () => {
  const session = await joinChat();
  const files = record(session, 'file', ({ id }) => id);
  const announce = (id, key) => proxy.add({
    type: 'notice', notice: 'SYS_COMMAND', text: 'file-uploaded',
    data: { 'file-name': 'a.txt', 'file-size': 5, 'file-source': 'ucs', 'file-document-id': 'd1', 'file-id': id, ...(key && { 'attache-key': key }) },
  });
  announce('f1', 'a'.repeat(32));
  announce('f2', 'a'.repeat(32));
  await until(() => files.length > 0);
  const back = nextEvent(session, 'state');
  end(await load());
  await back;
  announce('f3', 'a'.repeat(32));
  announce('f4', 'b'.repeat(32));
  announce('f5');
  announce('f6');
  await until(() => files.includes('f6'));
  assert.deepEqual(files, ['f1', 'f4', 'f5', 'f6'], 'files of other clients have no key and are all delivered');
  assert.deepEqual(session.transcript.map(({ id }) => id), files);
});

test('a transient event is dispatched, is not in the transcript, and leaves the position where it is', async () => {
  const session = await joinChat();
  const seen = record(session, 'typing', ({ on, preview }) => `${on} ${preview}`);
  proxy.add({ type: 'message', text: 'hello' });
  for (const text of ['h', 'he']) proxy.add({ id: 0, type: 'notice', notice: 'TYPING_STARTED', text, from: { userId: 'bo', userType: 'AGENT' } });
  await until(() => seen.length === 2);
  assert.deepEqual(seen, ['true h', 'true he']);
  assert.deepEqual(session.transcript.map(({ type }) => type), ['message']);
  const messages = record(session, 'message', ({ text }) => text);
  const back = nextEvent(session, 'state');
  end(await load());
  await back;
  proxy.add({ type: 'message', text: 'again' });
  await until(() => messages.length > 0);
  assert.deepEqual(messages, ['again'], 'the position was that of the message');
});

/** Ends the Go program as a fatal fault does: in the middle of a call. */
function end(module) {
  new Uint8Array(instance.exports.mem.buffer).fill(255);
  assert.throws(() => module.wake(1), WebAssembly.RuntimeError);
}
