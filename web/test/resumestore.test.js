import assert from 'node:assert/strict';
import { test } from 'node:test';

const day = 24 * 3600_000;

/** A browser's storage. */
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
const { Unfinished } = await import('../session/resumestore.js');

const key = 'a'.repeat(32);
const file = (name = 'a.pdf', size = 3, lastModified = 1) => new File([new Uint8Array(size)], name, { lastModified });
function open(owner = ['https://files.example', 'chat-1', 'bo']) {
  return new Unfinished(...owner);
}

test('what another page remembered is recalled, for the same file of the same party alone', () => {
  globalThis.localStorage = new StorageDouble();
  open().remember(file(), key);
  assert.equal(open().recall(file()), key);
  for (const other of [file('b.pdf'), file('a.pdf', 4), file('a.pdf', 3, 2)]) assert.equal(open().recall(other), undefined);
  for (const owner of [['https://other.example', 'chat-1', 'bo'], ['https://files.example', 'chat-2', 'bo'], ['https://files.example', 'chat-1', 'al']]) {
    assert.equal(open(owner).recall(file()), undefined);
  }
});

test('only who has the key forgets it', () => {
  globalThis.localStorage = new StorageDouble();
  open().remember(file(), key);
  open().forget(file(), 'b'.repeat(32));
  assert.equal(open().recall(file()), key);
  open().forget(file(), key);
  assert.deepEqual(Object.keys(localStorage), []);
});

test('nothing is older than a day, and no more than a hundred', (t) => {
  globalThis.localStorage = new StorageDouble();
  localStorage.setItem('of the page', 'stays');
  t.mock.timers.enable({ apis: ['Date'], now: 10 * day });
  open().remember(file('old'), key);
  t.mock.timers.setTime(11 * day + 1);
  assert.equal(open().recall(file('old')), undefined);
  const before = open();
  for (let i = 0; i < 150; i += 1) before.remember(file(`${i}`), key);
  open();
  assert.equal(Object.keys(localStorage).length, 101);
  assert.equal(localStorage.getItem('of the page'), 'stays');
});

test('what a page cannot read or keep is no error', () => {
  globalThis.localStorage = new StorageDouble();
  open().remember(file(), key);
  const [name] = Object.keys(localStorage);
  for (const broken of ['', 'null', '{}', '{"key":"short","at":1}']) {
    localStorage.setItem(name, broken);
    assert.equal(open().recall(file()), undefined, broken);
  }
  localStorage.setItem = () => { throw new Error('full'); };
  open().remember(file('b'), key);
  const kept = open();
  for (const method of ['getItem', 'removeItem']) localStorage[method] = () => { throw new Error('forbidden meanwhile'); };
  assert.equal(kept.recall(file()), undefined);
  kept.forget(file(), key);
  open();
  Object.defineProperty(globalThis, 'localStorage', { get() { throw new Error('forbidden'); }, configurable: true });
  open().remember(file(), key);
  assert.equal(open().recall(file()), undefined);
});

test('a Blob has no name to be known by', () => {
  Object.defineProperty(globalThis, 'localStorage', { value: new StorageDouble(), configurable: true, writable: true });
  open().remember(new Blob(['abc']), key);
  assert.deepEqual(Object.keys(localStorage), []);
});

test('B47 what is unfinished can be listed with what is stored of it, and given up', (t) => {
  Object.defineProperty(globalThis, 'localStorage', { value: new StorageDouble(), configurable: true, writable: true });
  t.mock.timers.enable({ apis: ['Date'], now: 10 * day });
  const mine = open();
  mine.remember(file('a, "b".pdf'), key);
  open(['https://files.example', 'chat-1', 'al']).remember(file(), 'b'.repeat(32));
  localStorage.setItem('attache unfinished nonsense', 'nonsense');
  const known = { key, name: 'a, "b".pdf', size: 3, lastModified: 1 };
  assert.deepEqual(open().list(), [{ ...known, stored: 0 }]);
  mine.note(file('a, "b".pdf'), key, 1);
  mine.note(file('a, "b".pdf'), key, 2); // too soon
  assert.deepEqual(open().list(), [{ ...known, stored: 1 }]);
  t.mock.timers.setTime(10 * day + 1000);
  mine.note(file('a, "b".pdf'), 'c'.repeat(32), 3); // another's
  mine.note(file('a, "b".pdf'), key, 2);
  assert.deepEqual(open().list(), [{ ...known, stored: 2 }]);
  open(['https://files.example', 'chat-1', 'al']).drop(key);
  assert.equal(open().list().length, 1);
  open().drop(key);
  assert.deepEqual(open().list(), []);
  mine.remember(file(), key);
  t.mock.timers.setTime(12 * day);
  assert.deepEqual(mine.list(), []);
});
