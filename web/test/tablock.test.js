import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { isLocked, lockIfAvailable, locksSupported, released, take } from '../session/tablock.js';

/** A double of an origin's locks, with those of another page. */
class LocksDouble {
  taken = new Set();
  /** Called when another page has let go of its locks. @type {(() => void)[]} */
  waiting = [];
  async request(name, options, use = options) {
    options.signal?.throwIfAborted();
    if (this.taken.has(name)) {
      if (options.ifAvailable) return use(null);
      await new Promise((resolve, reject) => {
        this.waiting.push(resolve);
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
  const { lock, release } = take(key);
  assert.equal(locks.taken.size, 0, 'no other page can know the key');
  assert.throws(() => take(key), { code: 'upload-conflict' });
  lock();
  assert.deepEqual([...locks.taken], [`attache upload ${key}`], 'and no other page may use it');
  await assert.rejects(lockIfAvailable(key), { code: 'upload-conflict' });
  release();
  await turn();
  (await lockIfAvailable(key))();
});

test('B43: without locks, no key is used again', async () => {
  for (const locks of [undefined, { request: () => Promise.reject(new DOMException('', 'SecurityError')) }]) {
    browser(locks);
    await assert.rejects(lockIfAvailable(key), { code: 'upload-conflict' });
    const { lock, release } = take(key);
    lock();
    release();
  }
  browser(undefined);
  assert.equal(locksSupported(), false);
});

test('B47: a key is waited for until the page that holds it has ended, or the wait is given up', async () => {
  const locks = browser(new LocksDouble());
  const name = `attache upload ${key}`;
  for (const ends of [true, false]) {
    locks.taken.add(name);
    const waiting = new AbortController();
    let free;
    released(key, waiting.signal).then((is) => { free = is; });
    await turn();
    assert.equal(free, undefined, 'the other page lives');
    if (ends) {
      locks.taken.delete(name);
      for (const go of locks.waiting.splice(0)) go();
    } else {
      waiting.abort();
    }
    await turn();
    assert.equal(free, ends);
    assert.equal(isLocked(key), false);
  }
  assert.equal(await released(key, AbortSignal.abort()), false);
});
