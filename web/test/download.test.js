import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { connect } from '../attache.js';
import { load } from '../loader.js';
import { ProxyDouble } from './proxy.double.js';

const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 9)) & 255));
const digest = createHash('sha256').update(content).digest('hex');
const tag = `"${digest}"`;
const page = '<!doctype html><title>Sign in</title>'.padEnd(content.length);

await load({ wasm: new WebAssembly.Module(readFileSync(new URL('../dist/attache.wasm', import.meta.url))) });

/** @type {ProxyDouble} */
let proxy;
/** @type {import('../attache.js').Session} */
let session;
let server;
let base;
/** What came, in order. @type {{ path: string, method: string, range?: string, condition?: string, cookie?: string }[]} */
let requests;
/** How the next requests are answered; the last one is kept. @type {((request: any, response: any) => void)[]} */
let answers;
let file = 0;
/** A file that was not downloaded yet. */
let id;

before(async () => {
  server = createServer((request, response) => {
    const { url: path, method, headers } = request;
    requests.push({ path, method, range: headers.range, condition: headers['if-range'], cookie: headers.cookie });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${server.address().port}/base`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(async () => {
  proxy = new ProxyDouble();
  proxy.install();
  proxy.ticket = { size: content.length, digest };
  requests = [];
  answers = [whole()];
  file += 1;
  id = `f${file}`;
  session = await connect({ url: base, token: 'a.token' });
});

afterEach(async () => {
  await session.close();
  assert.equal((await load()).live(), 0, 'callbacks that were not released');
});

/** Answers as the proxy does, with what is asked for. @param {object} [other] what is different */
function whole({ bytes = content, status, headers = {}, cut = Infinity, clean = false, ranges = true } = {}) {
  return (request, response) => {
    const [, from] = ranges ? /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [] : [];
    const rest = bytes.subarray(Number(from ?? 0));
    response.writeHead(status ?? (from === undefined ? 200 : 206), {
      'Content-Type': 'application/octet-stream', ETag: tag,
      ...(!clean && { 'Content-Length': rest.length }),
      ...(from !== undefined && { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
      ...headers,
    });
    if (cut >= rest.length) return response.end(rest);
    response.write(rest.subarray(0, cut), () => (clean ? response.end() : setImmediate(() => response.destroy())));
  };
}

const refused = (status, error, headers = {}) => (_, response) => {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify({ error }));
};

const html = (status, headers = {}) => (_, response) => {
  response.writeHead(status, { 'Content-Type': 'text/html', ...headers });
  response.end(page);
};

const gone = (request) => request.socket.destroy();

async function bytes(options) {
  return Buffer.from(await (await session.download(id, options)).arrayBuffer());
}

test('an offset behind a reverse proxy without ranges', async () => {
  answers = [whole({ ranges: false })];
  const response = await session.download(id, { offset: 1000 });
  assert.equal(response.status, 206);
  assert.equal(response.headers.get('Content-Length'), String(content.length - 1000));
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), content.subarray(1000));
});

test('a download resolves with the file and its headers', async () => {
  const response = await session.download(id);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('Content-Type'), 'application/octet-stream');
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), content);
  assert.deepEqual(await bytes({ offset: 1000 }), content.subarray(1000));
  assert.equal((await bytes({ offset: content.length })).length, 0);
  const link = new URL(await session.link(id));
  assert.match(link.pathname, /^\/base\/attache\/file\/[0-9a-f]{32}\/a\.txt$/);
  const [{ path }] = requests;
  assert.deepEqual(requests.map(({ path, range, condition }) => [path, range, condition]), [
    [path, undefined, undefined], [path, 'bytes=1000-', tag],
  ], 'the same attempt, which the second continues');
  assert.notEqual(link.pathname, path, 'another attempt');
});

test('downloading a file again is another attempt', async () => {
  for (let n = 0; n < 2; n++) await bytes();
  const paths = new Set(requests.map(({ path }) => path));
  assert.equal(paths.size, 2);
});

test('an empty file is downloaded, with a digest and without', async () => {
  for (const size of [{ size: 0, digest: createHash('sha256').digest('hex') }, {}]) {
    proxy.ticket = size;
    answers = [whole({ bytes: Buffer.alloc(0) })];
    assert.equal((await bytes()).length, 0);
  }
});

test('a file that is scanned first says so, and then has the outcome', async () => {
  for (const [error, want] of [[undefined, ['scanning', 'downloading']], ['infected', ['scanning']], ['unscannable', ['scanning']]]) {
    const states = [];
    proxy.answers.ask = ({ ref, attempt }, socket) => {
      socket.say({ type: 'scanning', ref });
      if (error) return socket.say({ type: 'fail', ref, error: { code: error, message: 'not clean', hint: 'ask the sender' } });
      return socket.say({ type: 'ticket', ref, path: `/attache/file/${attempt}/a.txt`, expires: 1, ...proxy.ticket });
    };
    const options = { onState: (state) => states.push(state) };
    if (error) await assert.rejects(session.download(id, options), { code: error, retryable: false, message: 'not clean' });
    else assert.deepEqual(await bytes(options), content);
    assert.deepEqual(states, want);
    states.length = 0;
    if (error) await assert.rejects(session.link(id, options), { code: error });
    else await session.link(id, options);
    assert.deepEqual(states, want, 'a link');
  }
  delete proxy.answers.ask;
  await assert.rejects(session.download(id, { onState: 'scanning' }), /onState is not a function/);
  await bytes({ onState: () => assert.fail('it was not scanned') });
});

test('a file without a digest is resumed without a condition', async () => {
  proxy.ticket = { size: content.length };
  answers = [whole({ cut: 1000, headers: { ETag: '' } }), whole({ headers: { ETag: '' } })];
  assert.deepEqual(await bytes(), content);
  assert.deepEqual(requests.map(({ range, condition }) => [range, condition]), [[undefined, undefined], ['bytes=1000-', undefined]]);
});

test('a document that changed at the proxy is an error at once', async () => {
  answers = [refused(409, { code: 'document-changed', message: 'it changed', retry: true })];
  await assert.rejects(bytes(), { code: 'document-changed' });
  assert.equal(requests.length, 1);
});

const foreign = {
  'B56 a login page in its place': [html(200), 'download-intercepted'],
  'B56 a login page of the same length and name': [html(200, { ETag: tag, 'Content-Disposition': 'attachment' }), 'download-intercepted'],
  'B56 who asks for a password': [html(401), 'download-intercepted'],
  'B56 who forbids it': [html(403), 'download-intercepted'],
  'B56 nobody by that name': [html(404), 'download-intercepted'],
  'B56 a network that wants to be signed in to': [html(511), 'download-intercepted'],
  'B56 a redirect to a login page here': [(request, response) => {
    if (request.url === '/login') return html(200)(request, response);
    response.writeHead(302, { Location: '/login' }).end();
  }, 'download-intercepted'],
  'B56 a redirect that leads nowhere': [(request, response) => {
    response.writeHead(302, { Location: 'http://127.0.0.1:1/login' }).end();
  }, 'download-intercepted'],
  'B56 other bytes of the same length': [whole({ bytes: Buffer.alloc(content.length) }), 'download-mismatch'],
  'B56 one byte too many': [whole({ bytes: Buffer.concat([content, Buffer.alloc(1)]) }), 'download-mismatch'],
  'B56 another part of it': [whole({ status: 206, headers: { 'Content-Range': 'bytes 5-300004/300005' } }), 'document-changed'],
  'a refusal of the proxy': [refused(403, { code: 'session-ended', message: 'over', id: 'e9' }), 'session-ended'],
};
for (const [name, [answer, code]] of Object.entries(foreign)) {
  test(name, async () => {
    answers = [answer];
    await assert.rejects(bytes(), (error) => {
      assert.equal(error.name, 'AttacheError');
      assert.equal(error.code, code);
      assert.ok(!/fetch/i.test(error.message), error.message);
      return true;
    });
  });
}

test('B56 the reader gets the last bytes only once the digest is verified', async () => {
  answers = [whole({ bytes: Buffer.alloc(content.length) })];
  let got = 0;
  await assert.rejects(async () => {
    for await (const piece of (await session.download(id)).body) got += piece.length;
  }, { code: 'download-mismatch' });
  assert.ok(got < content.length);
});

test('B56 a document whose size is not the announced one is not fetched', async () => {
  await assert.rejects(session.download({ id, size: 5 }), { code: 'download-mismatch' });
  assert.deepEqual(requests, []);
});

test('B58 an interrupted download resumes where it stopped, however it was interrupted', async () => {
  const cuts = {
    reset: whole({ cut: 100_000 }),
    'an end that looks like one': whole({ cut: 100_000, clean: true }),
  };
  for (const [name, cut] of Object.entries(cuts)) {
    requests = [];
    answers = [cut, gone, gone, gone, html(502), refused(503, { code: 'busy', message: 'no', retry: true }), whole({ cut: 100_000 }), whole()];
    assert.deepEqual(await bytes(), content, name);
    const asked = requests.filter(({ method }) => method === 'GET');
    const ranges = asked.map(({ range }) => Number(/\d+/.exec(range ?? '0')));
    assert.ok(ranges.every((from, i) => i === 0 || from >= ranges[i - 1]), `${name}: ${ranges}`);
    assert.ok(ranges.at(-1) > ranges[0], `${name}: ${ranges}`);
    assert.ok(asked.every(({ range, condition }) => (range === undefined) === (condition === undefined)), name);
  }
});

test('B58 what a reverse proxy without ranges sends again is skipped', async () => {
  answers = [whole({ cut: 100_000 }), whole({ ranges: false })];
  assert.deepEqual(await bytes(), content);
});

test('B56 a body that is always too short is not a file', async () => {
  for (const ranges of [true, false]) {
    answers = [whole({ bytes: content.subarray(0, 100_000), ranges, clean: true })];
    await assert.rejects(bytes(), { name: 'AttacheError' });
  }
  answers = [whole({ ranges: false, cut: 100_000 })];
  await assert.rejects(bytes({ idleTimeout: 1 }), { code: 'offline' });
});

test('B58 a refused link is requested again, as the same attempt', async () => {
  const asked = [];
  proxy.answers.ask = (message, socket) => {
    asked.push(message.attempt);
    socket.say({ type: 'ticket', ref: message.ref, path: `/attache/file/${asked.length}/a.txt`, expires: 1, ...proxy.ticket });
  };
  answers = [whole({ cut: 100_000 }), refused(410, { code: 'ticket-expired', message: 'late', retry: true }), whole()];
  assert.deepEqual(await bytes(), content);
  assert.deepEqual(requests.map(({ path }) => path.split('/').at(-2)), ['1', '1', '2']);
  assert.equal(new Set(asked).size, 1);
  answers = [refused(410, { code: 'ticket-expired', message: 'late', retry: true })];
  await assert.rejects(bytes(), { code: 'ticket-expired' });
});

test('B58 a reverse proxy that compresses may change the ETag', async () => {
  for (const bent of [`W/${tag}`, tag.replace(/"$/, '-gzip"'), `W/${tag.replace(/"$/, '--gzip"')}`, tag.replace(/"$/, '-br"')]) {
    requests.length = 0;
    answers = [whole({ cut: 100_000, headers: { ETag: bent } }), whole()];
    assert.deepEqual(await bytes(), content, bent);
    assert.equal(requests[1].condition, tag);
  }
});

test('B58 a changed document fails the download', async () => {
  const other = Buffer.alloc(content.length);
  const changes = {
    'by its tag': whole({ ranges: false, bytes: other, headers: { ETag: '"other"' } }),
    'by its length': whole({ headers: { 'Content-Range': 'bytes 100000-400000/400001' } }),
    'by having less': (_, response) => response.writeHead(416).end(),
    'by its digest': whole({ bytes: other }),
  };
  for (const [name, change] of Object.entries(changes)) {
    answers = [whole({ cut: 100_000 }), change];
    const code = name === 'by its digest' ? 'download-mismatch' : 'document-changed';
    await assert.rejects(bytes(), { code }, name);
  }
  answers = [whole({ cut: 100_000 }), (request, response) => {
    proxy.ticket = { size: content.length, digest: '0'.repeat(64) };
    refused(410, { code: 'ticket-expired', message: 'late', retry: true })(request, response);
  }, whole()];
  await assert.rejects(bytes(), { code: 'document-changed' }, 'by its next ticket');
});

test('B58 a download fails after the idle timeout, with a message of the catalogue', async () => {
  answers = [whole({ cut: 100_000 }), gone];
  await assert.rejects(bytes({ idleTimeout: 0 }), { code: 'offline', message: 'the connection to the file service is down' });
  answers = [whole({ cut: 100_000 }), html(502)];
  await assert.rejects(bytes({ idleTimeout: 1 }), { code: 'busy', message: 'a server in front of the file service answered 502' });
  answers = [whole({ cut: 100_000 }), refused(403, { code: 'not-joined', message: 'gone', retry: false })];
  await assert.rejects(bytes(), { code: 'not-joined' });
});

test('B58 a download retries at once when the browser is online again', async () => {
  const waiting = new Set();
  globalThis.addEventListener = (type, listener) => type === 'online' && waiting.add(listener);
  globalThis.removeEventListener = (_, listener) => waiting.delete(listener);
  try {
    answers = [whole({ cut: 100_000 }), refused(503, { code: 'busy', message: 'no', retry: true }, { 'Retry-After': '60' }), whole()];
    const got = bytes();
    const wake = setInterval(() => requests.length === 2 && waiting.forEach((listener) => listener()), 1);
    assert.deepEqual(await got, content);
    clearInterval(wake);
    assert.equal(waiting.size, 0);
  } finally {
    delete globalThis.addEventListener;
    delete globalThis.removeEventListener;
  }
});

test('a download can be aborted before it starts, while it waits and while it is read', async () => {
  const reason = new Error('enough');
  await assert.rejects(bytes({ signal: AbortSignal.abort(reason) }), reason);
  const waits = new AbortController();
  answers = [(request) => {
    waits.abort(reason);
    gone(request);
  }];
  await assert.rejects(bytes({ signal: waits.signal }), reason);
  const reads = new AbortController();
  answers = [whole({ cut: 100_000 }), () => reads.abort(reason)];
  await assert.rejects(bytes({ signal: reads.signal }), reason);
  answers = [whole()];
  await (await session.download(id)).body.cancel();
});

test('a refused ticket rejects download and link', async () => {
  proxy.answers.ask = ({ ref }, socket) => socket.say({ type: 'fail', ref, error: { code: 'downloads-used-up', message: 'no more' } });
  await assert.rejects(session.link(id), { code: 'downloads-used-up', message: 'no more' });
  await assert.rejects(session.download(id), { code: 'downloads-used-up' });
});

test('B57 a link is checked before it is opened', async () => {
  assert.match(await session.link(id, { check: true }), /a\.txt$/);
  assert.deepEqual(requests.map(({ method }) => method), ['HEAD']);
  answers = [whole({ bytes: content.subarray(1) })];
  await assert.rejects(session.link(id, { check: true }), { code: 'download-mismatch' });
  answers = [html(200)];
  await assert.rejects(session.link(id, { check: true }), { code: 'download-intercepted' });
});

test('B56 downloads send cookies only if the application says so', async () => {
  const asked = [];
  const { fetch } = globalThis;
  globalThis.fetch = (url, init) => {
    asked.push(init.credentials);
    return fetch(url, init);
  };
  try {
    await bytes();
    const other = await connect({ url: base, token: 'a.token', credentials: 'include' });
    await (await other.download(id)).arrayBuffer();
    await other.close();
    assert.deepEqual(asked, ['omit', 'include']);
    await assert.rejects(connect({ url: base, token: 'a.token', credentials: 'always' }), { code: 'message-invalid' });
  } finally {
    globalThis.fetch = fetch;
  }
});
