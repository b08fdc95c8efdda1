import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { isLocked, keyReleased, lock, lockIfAvailable, locksSupported } from '../session/tablock.js';

/** A double of an origin's locks, with those of another page. */
class LocksDouble {
  query = async () => ({ held: [...this.taken].map((name) => ({ name })) });
  taken = new Set();
  waiting = new Map();
  async request(name, options, use = options) {
    if (this.taken.has(name)) {
      if (options.ifAvailable) return use(null);
      await new Promise((resolve, reject) => {
        this.waiting.set(name, resolve);
        options.signal?.addEventListener('abort', () => reject(options.signal.reason));
      });
    }
    this.taken.add(name);
    try {
      return await use({ name });
    } finally {
      this.taken.delete(name);
    }
  }
}

/** Has another page release the key. @param {LocksDouble} locks @param {string} key */
function leave(locks, key) {
  locks.taken.delete(`attache upload ${key}`);
  locks.waiting.get(`attache upload ${key}`)?.();
}

const key = 'a'.repeat(32);
const turn = () => new Promise((resolve) => setImmediate(resolve));

function browser(locks) {
  globalThis.document = {};
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });
  return locks;
}

afterEach(() => {
  delete globalThis.document;
  delete globalThis.navigator;
});

test('B43: a key that another open page has locked is not used', async () => {
  const locks = browser(new LocksDouble());
  locks.taken.add(`attache upload ${key}`);
  assert.equal(locksSupported(), true);
  await assert.rejects(lockIfAvailable(key), { code: 'upload-conflict', retryable: false });
  assert.equal(isLocked(key), false);
  locks.taken.clear();
  const release = await lockIfAvailable(key);
  assert.equal(isLocked(key), true);
  assert.deepEqual([...locks.taken], [`attache upload ${key}`]);
  release();
  await turn();
  assert.deepEqual([isLocked(key), locks.taken.size], [false, 0]);
});

test('B43: a key that this page has locked is not locked again', async () => {
  const locks = browser(new LocksDouble());
  const release = lock(key);
  assert.deepEqual([...locks.taken], [`attache upload ${key}`], 'and no other page may use it');
  assert.throws(() => lock(key), { code: 'upload-conflict' });
  await assert.rejects(lockIfAvailable(key), { code: 'upload-conflict' });
  release();
  await turn();
  (await lockIfAvailable(key))();
});

test('B43: without locks, no key is used again', async () => {
  for (const locks of [undefined, { request: () => Promise.reject(new DOMException('', 'SecurityError')) }]) {
    browser(locks);
    await assert.rejects(lockIfAvailable(key), { code: 'upload-conflict' });
    lock(key)();
  }
  browser(undefined);
  assert.equal(locksSupported(), false);
});

test('B47: a key that another page still has is waited for', async () => {
  const locks = browser(new LocksDouble());
  assert.equal(await keyReleased(new AbortController().signal), false, 'there is none');
  const release = lock(key);
  await turn();
  assert.equal(await keyReleased(new AbortController().signal), false, 'this page has it');
  release();
  await turn();
  const others = ['b'.repeat(32), 'c'.repeat(32)];
  for (const other of others) locks.taken.add(`attache upload ${other}`);
  const released = keyReleased(new AbortController().signal);
  await turn();
  leave(locks, others[1]);
  assert.equal(await released, true);
  const detached = new AbortController();
  const given = keyReleased(detached.signal);
  await turn();
  detached.abort();
  assert.equal(await given, false, 'nobody waits any more');
});
