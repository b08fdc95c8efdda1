import assert from 'node:assert/strict';
import { test } from 'node:test';

const day = 24 * 3600_000;

/** A double of the browser's storage. */
class StorageDouble {
  getItem(name) {
    return Object.hasOwn(this, name) ? this[name] : null;
  }
  setItem(name, value) {
    this[name] = String(value);
  }
  removeItem(name) {
    delete this[name];
  }
}

globalThis.document = {};
Object.defineProperty(globalThis, 'localStorage', { value: new StorageDouble(), configurable: true, writable: true });
const { ResumeStore } = await import('../session/resumestore.js');

const key = 'a'.repeat(32);
const file = (name = 'a.pdf', size = 3, lastModified = 1) => new File([new Uint8Array(size)], name, { lastModified });
function open(owner = ['https://files.example', 'chat-1', 'bo']) {
  return new ResumeStore(...owner);
}

test('a key that another page saved is found, for the same file of the same party only', () => {
  globalThis.localStorage = new StorageDouble();
  open().save(file(), key);
  assert.equal(open().keyOf(file()), key);
  for (const other of [file('b.pdf'), file('a.pdf', 4), file('a.pdf', 3, 2)]) assert.equal(open().keyOf(other), undefined);
  for (const owner of [['https://other.example', 'chat-1', 'bo'], ['https://files.example', 'chat-2', 'bo'], ['https://files.example', 'chat-1', 'al']]) {
    assert.equal(open(owner).keyOf(file()), undefined);
  }
});

test('an item is removed only with its key', () => {
  globalThis.localStorage = new StorageDouble();
  open().save(file(), key);
  open().remove(file(), 'b'.repeat(32));
  assert.equal(open().keyOf(file()), key);
  open().remove(file(), key);
  assert.deepEqual(Object.keys(localStorage), []);
});

test('items expire after a day, and a hundred remain at most', (t) => {
  globalThis.localStorage = new StorageDouble();
  localStorage.setItem('of the page', 'stays');
  t.mock.timers.enable({ apis: ['Date'], now: 10 * day });
  open().save(file('old'), key);
  t.mock.timers.setTime(11 * day + 1);
  assert.equal(open().keyOf(file('old')), undefined);
  const before = open();
  for (let i = 0; i < 150; i += 1) before.save(file(`${i}`), key);
  open();
  assert.equal(Object.keys(localStorage).length, 101);
  assert.equal(localStorage.getItem('of the page'), 'stays');
});

test('a storage that fails or holds foreign data causes no error', () => {
  globalThis.localStorage = new StorageDouble();
  open().save(file(), key);
  const [name] = Object.keys(localStorage);
  for (const broken of ['', 'null', '{}', '{"key":"short","at":1}']) {
    localStorage.setItem(name, broken);
    assert.equal(open().keyOf(file()), undefined, broken);
  }
  localStorage.setItem = () => { throw new Error('full'); };
  open().save(file('b'), key);
  const kept = open();
  for (const method of ['getItem', 'removeItem']) localStorage[method] = () => { throw new Error('forbidden meanwhile'); };
  assert.equal(kept.keyOf(file()), undefined);
  kept.remove(file(), key);
  open();
  Object.defineProperty(globalThis, 'localStorage', { get() { throw new Error('forbidden'); }, configurable: true });
  open().save(file(), key);
  assert.equal(open().keyOf(file()), undefined);
});

test('a Blob without a name is not saved', () => {
  Object.defineProperty(globalThis, 'localStorage', { value: new StorageDouble(), configurable: true, writable: true });
  open().save(new Blob(['abc']), key);
  assert.deepEqual(Object.keys(localStorage), []);
});

test('B47 unfinished uploads are listed with their stored bytes, and can be removed', (t) => {
  Object.defineProperty(globalThis, 'localStorage', { value: new StorageDouble(), configurable: true, writable: true });
  t.mock.timers.enable({ apis: ['Date'], now: 10 * day });
  const mine = open();
  mine.save(file('a, "b".pdf'), key);
  open(['https://files.example', 'chat-1', 'al']).save(file(), 'b'.repeat(32));
  localStorage.setItem('attache unfinished nonsense', 'nonsense');
  const known = { key, name: 'a, "b".pdf', size: 3, lastModified: 1 };
  assert.deepEqual(open().list(), [{ ...known, stored: 0 }]);
  mine.saveProgress(file('a, "b".pdf'), key, 1);
  mine.saveProgress(file('a, "b".pdf'), key, 2); // too soon
  assert.deepEqual(open().list(), [{ ...known, stored: 1 }]);
  t.mock.timers.setTime(10 * day + 1000);
  mine.saveProgress(file('a, "b".pdf'), 'c'.repeat(32), 3); // of another upload
  mine.saveProgress(file('a, "b".pdf'), key, 2);
  assert.deepEqual(open().list(), [{ ...known, stored: 2 }]);
  open(['https://files.example', 'chat-1', 'al']).removeKey(key);
  assert.equal(open().list().length, 1);
  open().removeKey(key);
  assert.deepEqual(open().list(), []);
  mine.save(file(), key);
  t.mock.timers.setTime(12 * day);
  assert.deepEqual(mine.list(), []);
});
