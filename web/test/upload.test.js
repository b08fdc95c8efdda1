import assert from 'node:assert/strict';
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { content, joinChat, file, proxy, record, task, until } from './visit.js';

test('an upload is stored and announced', async () => {
  const session = await joinChat();
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
  await task();
  assert.deepEqual(session.transcript.map(({ type, id }) => [type, id]), [['file', sent.id]]);
});

test('many uploads at once share one data socket', async () => {
  const session = await joinChat();
  const names = Array.from({ length: 12 }, (_, i) => `${i}.bin`);
  const sent = await Promise.all(names.map((name, i) => session.upload(file(1000 * i, name))));
  assert.deepEqual(sent.map(({ name, size }) => [name, size]), names.map((name, i) => [name, 1000 * i]));
  assert.equal(proxy.all('/data').length, 1);
  for (const { size, stored } of proxy.files.values()) assert.deepEqual(stored, content(size));
});

test('files given in one task are offered and announced in that order', async () => {
  const session = await joinChat();
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
  await task();
  await Promise.all([first, session.upload(file(10))]);
  assert.ok(offers.every(({ after }) => after === undefined), 'what is given later is not of them');
});

test('upload rejects wrong arguments', async () => {
  const session = await joinChat();
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
  await task();
  assert.equal(proxy.files.size, 0);
});

test('an abort cancels the upload', async () => {
  const session = await joinChat();
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

test('an interruption loses nothing', async () => {
  const session = await joinChat({ token: () => `token.${proxy.all('/chat').length}` });
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

test('B47 an unfinished upload can be discarded, at the latest after a reconnect', async () => {
  const session = await joinChat();
  const [one, two] = ['a'.repeat(32), 'b'.repeat(32)];
  assert.throws(() => session.discardUpload('short'), { code: 'message-invalid' });
  session.discardUpload(one);
  await until(() => proxy.cancelled.includes(one));
  session.addEventListener('state', () => session.discardUpload(two), { once: true });
  proxy.last('/chat').cut();
  await until(() => proxy.cancelled.includes(two));
  assert.deepEqual(await session.unfinishedUploads(), []);
});

test('a file that cannot be read fails without the others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'session-'));
  try {
    const path = join(folder, 'gone.txt');
    await writeFile(path, 'x');
    const gone = await openAsBlob(path);
    await unlink(path);
    const session = await joinChat();
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
