import assert from 'node:assert/strict';
import { test } from 'node:test';

import { codes } from '../codes.js';
import { Dialer } from '../session/dialer.js';
import { askProxy, blockedFromLocalNetwork, failMessage, blockedByBrowser, explain, probe } from '../session/diagnosis.js';

const base = 'https://files.example';
const fine = { protocol: 'attache.v1', time: 1, origin: 'https://desk.example', allowed: true };
const explained = (more, origin = 'https://desk.example') => explain(base, { ...fine, ...more }, 'attache.v1', origin);

test('B64 the proxy\'s answer becomes a code and a remedy', () => {
  const cases = [
    [{ allowed: false }, 'https://desk.example', 'origin-refused', /--origin https:\/\/desk\.example/],
    [{ allowed: false, origin: '' }, 'https://desk.example', 'origin-refused', /removes the Origin header/],
    [{ allowed: false, origin: 'http://inner' }, 'https://desk.example', 'origin-refused', /changes the Origin header to "http:\/\/inner"/],
    [{ allowed: false, origin: 'null' }, 'null', 'origin-refused', /sandboxed/],
    [{ allowed: false, missing: ['Upgrade: websocket'] }, 'https://desk.example', 'origin-refused', /--origin/],
    [{ missing: ['HTTP/1.1'] }, 'https://desk.example', 'upgrade-missing', /without HTTP\/1\.1.*proxy_http_version/],
    [{ protocol: 'attache.v2' }, 'https://desk.example', 'version-unsupported', /attache\.v2/],
    [{ refused: 'busy' }, 'https://desk.example', 'busy', /^$/],
    [{ draining: true }, 'https://desk.example', 'busy', /^$/],
    [{ prefix: '/inner', allowed: undefined }, 'https://desk.example', 'upgrade-missing', /with "\/inner" before \/attache\/.*Configure the reverse proxy .*location \/inner\/ \{ proxy_pass/],
  ];
  for (const [more, origin, code, remedy] of cases) {
    const cause = explained(more, origin);
    assert.equal(cause.code, code);
    assert.match(cause.remedy, remedy);
    assert.deepEqual(JSON.parse(failMessage(code)).error, { code, message: codes[code].message, hint: codes[code].hint, retry: codes[code].retry });
  }
  assert.equal(explained({}), undefined);
  assert.equal(explained({ refused: 'message-invalid' }), undefined);
});

test('B64 a dial that the browser itself blocks', () => {
  const secure = { protocol: 'https:', hostname: 'desk.example' };
  const cases = [
    ['ws://files.example/attache/chat', secure, {}, /url="https/],
    ['ws://127.0.0.1:8371/attache/chat', secure, { thrown: new Error('insecure') }, /url="https/],
    ['ws://127.0.0.1:8371/attache/chat', secure, {}, undefined],
    ['wss://files.example/attache/chat', secure, {}, undefined],
    ['wss://files.example:6000/attache/chat', secure, { thrown: new Error('the port is not allowed') }, /not allowed/],
    ['wss://files.example/attache/chat', secure, { violation: { effectiveDirective: 'connect-src' } }, /wss:\/\/files\.example and https:\/\/files\.example to connect-src/],
    ['ws://files.example/attache/chat', { protocol: 'http:' }, {}, undefined],
  ];
  for (const [url, page, found, remedy] of cases) {
    const cause = blockedByBrowser(url, page, found);
    if (!remedy) {
      assert.equal(cause, undefined, url);
      continue;
    }
    assert.equal(cause.code, 'connection-blocked');
    assert.match(cause.remedy, remedy);
  }
});

test('a page that the browser keeps out of the local network', async () => {
  const state = (state) => ({ query: async () => ({ state }) });
  const page = { hostname: 'desk.example' };
  for (const host of ['10.0.0.7', '192.168.1.2', '172.20.0.1', '127.0.0.1', 'localhost', 'files.local', '[fd00::1]', '[::1]']) {
    assert.equal((await blockedFromLocalNetwork(`wss://${host}:8371/`, page, state('denied')))?.code, 'connection-blocked', host);
  }
  assert.equal(await blockedFromLocalNetwork('wss://10.0.0.7/', page, state('prompt')), undefined);
  assert.equal(await blockedFromLocalNetwork('wss://10.0.0.7/', { hostname: '10.0.0.8' }, state('denied')), undefined);
  assert.equal(await blockedFromLocalNetwork('wss://files.example/', page, state('denied')), undefined);
  assert.equal(await blockedFromLocalNetwork('wss://172.32.0.1/', page, state('denied')), undefined);
  assert.equal(await blockedFromLocalNetwork('wss://10.0.0.7/', page, undefined), undefined);
  assert.equal(await blockedFromLocalNetwork('wss://10.0.0.7/', page, { query: async () => { throw new TypeError('unknown'); } }), undefined);
});

test('B64 another server in the proxy\'s place is described', async (t) => {
  const { fetch } = globalThis;
  t.after(() => Object.assign(globalThis, { fetch }));
  const cases = [
    [async () => ({ status: 404 }), /status 404 .*not Attaché's proxy.*url is right/],
    [async () => ({ status: 0 }), /the server that answers at https:\/\/files\.example is not/],
    [async () => { throw new TypeError('failed'); }, /nothing answers.*certificate/],
  ];
  for (const [answer, remedy] of cases) {
    globalThis.fetch = answer;
    assert.match(await probe(base), remedy);
  }
});

/** A socket that fails on demand. */
class FailingSocket extends EventTarget {
  static all = [];
  constructor() {
    super();
    FailingSocket.all.push(this);
  }
}

test('a failed dial is not logged if no session waits for it, else once, and again after a connection', async (t) => {
  const said = t.mock.method(console, 'error', () => {});
  const { WebSocket, fetch } = globalThis;
  t.after(() => Object.assign(globalThis, { WebSocket, fetch }));
  globalThis.WebSocket = FailingSocket;
  let asked = 0;
  globalThis.fetch = async () => {
    asked += 1;
    return Response.json({ ...fine, origin: '', allowed: false });
  };
  const dialer = new Dialer(base);
  const dial = async (wanted) => {
    const socket = dialer.open('wss://files.example/attache/chat', 'attache.v1', () => wanted);
    const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
    socket.dispatchEvent(new Event('close'));
    return closed;
  };
  assert.equal((await dial(false)).fail, undefined);
  assert.equal(asked, 0, 'nobody waits for it');
  assert.match((await dial(true)).fail, /origin-refused/);
  await dial(true);
  assert.equal(said.mock.callCount(), 1);
  dialer.connected();
  await dial(true);
  assert.equal(said.mock.callCount(), 2);

  // For a socket that had opened, the proxy is not asked.
  const socket = dialer.open('wss://files.example/attache/chat', 'attache.v1', () => true);
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
  socket.dispatchEvent(new Event('open'));
  socket.dispatchEvent(new Event('close'));
  assert.equal((await closed).fail, undefined);
  assert.equal(asked, 3);

  // An answer that is not the proxy's, or none, is not logged until the third in a row.
  const failed = async () => { throw new TypeError('failed'); };
  for (const answer of [async () => Response.json({}), async () => new Response('<html>'), failed]) {
    assert.equal(said.mock.callCount(), 2);
    globalThis.fetch = answer;
    assert.equal((await dial(true)).fail, '');
  }
  assert.match(said.mock.calls[2].arguments[0], /nothing answers at https:\/\/files\.example/);

  // The proxy answers, but dials do not reach it.
  globalThis.fetch = async () => Response.json({ ...fine, origin: '' });
  for (let i = 0; i < 5; i++) await dial(true);
  assert.equal(said.mock.callCount(), 4);
  assert.match(said.mock.calls[3].arguments[0], /firewall/);

  globalThis.WebSocket = class { constructor() { throw new Error('refused'); } };
  const dead = dialer.open('wss://files.example/attache/chat', 'attache.v1', () => true);
  const ended = await new Promise((resolve) => dead.addEventListener('close', resolve));
  assert.match(ended.fail, /connection-blocked/);
});

test('B64 a url that leads to the proxy with a prefix before its paths', async (t) => {
  const { fetch } = globalThis;
  t.after(() => Object.assign(globalThis, { fetch }));
  const asked = [];
  globalThis.fetch = async (url) => {
    asked.push(url);
    return Response.json({ protocol: 'attache.v1', prefix: '/web' }, { status: 404 });
  };
  const answer = await askProxy(`${base}/web`);
  assert.deepEqual(asked, [`${base}/web/attache/why`]);
  const { code, remedy } = explain(`${base}/web`, answer, 'attache.v1', 'https://desk.example');
  assert.equal(code, 'upgrade-missing');
  assert.match(remedy, /write url="https:\/\/files\.example"\. /);
  globalThis.fetch = async () => new Response('<h1>Not Found</h1>', { status: 404 });
  assert.equal(await askProxy(base), undefined);
});
