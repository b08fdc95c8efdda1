import assert from 'node:assert/strict';
import test from 'node:test';
import { EarlyDial } from '../session/earlydial.js';

/** @type {any[]} */
let made = [];

class Socket extends EventTarget {
  readyState = 0;
  constructor(url, protocol) {
    super();
    if (url.startsWith('bad:')) throw new SyntaxError('not a URL');
    made.push(Object.assign(this, { url, protocol }));
  }

  open() {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
  }

  close() {
    this.readyState = 3;
  }
}

test.beforeEach(() => {
  made = [];
  globalThis.WebSocket = /** @type {any} */ (Socket);
});

const tick = () => new Promise((resolve) => setImmediate(resolve));

/** Dials, takes the socket after `before`, and returns what its listeners then heard. */
async function taken(before) {
  const early = new EarlyDial('wss://a/attache/chat', 'p');
  before(made[0]);
  const socket = early.take('wss://a/attache/chat', 'p');
  const heard = [];
  for (const type of ['open', 'close']) socket?.addEventListener(type, () => heard.push(type));
  await tick();
  return { early, socket, heard };
}

test('a socket that is open already tells its new listeners so', async () => {
  assert.deepEqual((await taken((socket) => socket.open())).heard, ['open']);
});

test('a socket that still opens tells them once', async () => {
  const { socket, heard } = await taken(() => {});
  socket.open();
  await tick();
  assert.deepEqual(heard, ['open']);
});

test('a socket that is lost between is not reported as open', async () => {
  const early = new EarlyDial('wss://a/attache/chat', 'p');
  made[0].open();
  const socket = early.take('wss://a/attache/chat', 'p');
  const heard = [];
  socket.addEventListener('open', () => heard.push('open'));
  socket.close();
  await tick();
  assert.deepEqual(heard, []);
});

test('a socket that has failed is not handed out, so that the caller dials and learns why', async () => {
  assert.equal((await taken((socket) => socket.close())).socket, undefined);
});

test('it is handed out once, and only to that address and protocol', () => {
  const early = new EarlyDial('wss://a/attache/chat', 'p');
  assert.equal(early.take('wss://a/attache/data', 'p'), undefined);
  assert.equal(early.take('wss://a/attache/chat', 'q'), undefined);
  assert.equal(early.take('wss://a/attache/chat', 'p'), made[0]);
  assert.equal(early.take('wss://a/attache/chat', 'p'), undefined);
  early.drop();
  assert.equal(made[0].readyState, 0, 'it belongs to the caller now');
});

test('a socket that nobody takes is closed', () => {
  new EarlyDial('wss://a/attache/chat', 'p').drop();
  assert.equal(made[0].readyState, 3);
});

test('an address that the browser refuses is left to the caller', () => {
  const early = new EarlyDial('bad:address', 'p');
  assert.equal(early.take('bad:address', 'p'), undefined);
  early.drop();
});
