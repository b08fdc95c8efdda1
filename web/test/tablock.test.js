import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { isLocked, lock, lockIfAvailable, locksSupported } from '../session/tablock.js';

/** A double of an origin's locks, with those of another page. */
class LocksDouble {
  taken = new Set();
  async request(name, options, use = options) {
    if (this.taken.has(name)) {
      if (options.ifAvailable) return use(null);
      return new Promise(() => {});
    }
    this.taken.add(name);
    try {
      return await use({ name });
    } finally {
      this.taken.delete(name);
    }
  }
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
