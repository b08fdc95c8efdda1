import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeChat, fakeError } from '../testing.js';
import { Uploads } from '../widget/uploads.js';

/** An outgoing file that records its calls. */
class OutgoingDouble {
  name = '';
  words = [];
  label({ name }) {
    this.name = name;
  }
  upload({ state }, cancellable) {
    this.words.push(cancellable ? state : `${state}, not to be cancelled`);
  }
  refuse({ message, retryable }) {
    this.words.push(`refused: ${message}${retryable ? ' (retry)' : ''}`);
  }
}

/** The uploads of a customer, connected to the session's events as in a conversation. */
function start(limits = {}, describe = async (name) => ({ name, extension: '', kind: 'unknown', caution: '' })) {
  const chat = new FakeChat();
  const session = chat.join({ nickname: 'Bo', limits });
  const shown = [];
  const reports = [];
  const uploads = new Uploads(session, {
    make: () => new OutgoingDouble(),
    show: (outgoing) => shown.push(outgoing),
    remove: (outgoing) => shown.splice(shown.indexOf(outgoing), 1),
    describe,
    failed: (outgoing, { message }) => reports.push(`${outgoing.name} refused: ${message}`),
    announce: (word, outgoing) => reports.push(`${outgoing.name} ${word}`),
  }, 0);
  const released = [];
  session.addEventListener('upload', ({ detail }) => uploads.step(detail));
  session.addEventListener('file', ({ detail }) => released.push(uploads.release(detail.key)));
  return { chat, session, uploads, shown, reports, released };
}

const file = (name, size = 10) => new File([new Uint8Array(size)], name);
const turn = () => new Promise((resolve) => setImmediate(resolve));
const happened = (session, type, test = () => true) => new Promise((resolve) => {
  session.addEventListener(type, ({ detail }) => test(detail) && resolve(detail));
});

test('an upload has one tile, which then shows the announced file', async () => {
  const { session, uploads, shown, reports, released } = start();
  const announced = happened(session, 'file');
  uploads.add([file('a.pdf')]);
  assert.equal(shown.length, 1, 'the tile is there at once');
  const { key } = await announced;
  assert.deepEqual(released, [shown[0]]);
  assert.equal(uploads.release(key), undefined, 'once');
  assert.deepEqual([...new Set(shown[0].words)], ['offered', 'receiving', 'accepted', 'scanning', 'stored']);
  assert.deepEqual(reports, ['a.pdf saidSending']);
});

test('late events of an announced upload add no second tile', async () => {
  const { session, uploads, shown } = start();
  const late = { name: 'a.pdf', extension: 'pdf', kind: 'pdf', sent: 1, stored: 1, total: 1 };
  const announced = happened(session, 'file');
  uploads.add([file('a.pdf')]);
  const { key } = await announced;
  uploads.step({ ...late, key, state: 'stored' });
  uploads.step({ ...late, key, state: 'announced' });
  uploads.step({ ...late, key: 'of another page', state: 'announced' });
  assert.equal(shown.length, 1);
});

test('a refused file is shown at once with its message and delays no other', async () => {
  const { session, uploads, shown, reports } = start({ maxFileSize: 100 });
  const announced = happened(session, 'file');
  uploads.add([file('big.zip', 101), file('small.zip', 100)]);
  assert.deepEqual(shown.map(({ name }) => name), ['big.zip', 'small.zip']);
  assert.deepEqual(shown[0].words, ['refused: the file has 101 bytes, 100 are allowed']);
  assert.equal((await announced).name, 'small.zip');
  assert.deepEqual(reports.filter((words) => words.includes('refused')), ['big.zip refused: the file has 101 bytes, 100 are allowed']);
});

test('a retry resumes under the same key in the same tile', async () => {
  const { session, uploads, shown, released } = start();
  session.script({ at: 0.5, fail: fakeError('storage-unavailable') });
  const failed = happened(session, 'upload', ({ state }) => state === 'failed');
  uploads.add([file('a.pdf')]);
  const { key } = await failed;
  assert.match(shown[0].words.at(-1), /cannot be reached \(retry\)$/);

  const announced = happened(session, 'file');
  uploads.retry(shown[0]);
  assert.equal((await announced).key, key);
  assert.equal(shown.length, 1);
  assert.deepEqual(released, [shown[0]]);
});

/** A session with an earlier attempt, whose uploads end on demand. */
function startAgain(...ends) {
  const begun = start();
  const { session } = begun;
  const keys = [];
  const old = 'f'.repeat(32);
  session.resumeKey = () => (keys.length === 0 ? old : undefined);
  const { upload } = session;
  session.upload = (blob, options) => {
    keys.push(options.key);
    const end = ends.shift();
    if (!end) return upload.call(session, blob, options);
    const progress = { key: options.key, sent: 0, stored: 0, total: blob.size, name: blob.name, extension: '', kind: 'unknown', at: 1 };
    begun.uploads.step({ ...progress, ...end });
    return Promise.reject(end.error);
  };
  return { ...begun, keys, old };
}

test('a file whose earlier upload has ended gets a new key', async () => {
  for (const end of [
    { state: 'failed', ended: true, error: fakeError('scanner-unavailable') },
    { state: 'cancelled', ended: true, error: fakeError('cancelled') },
    { state: 'failed', error: fakeError('file-changed') },
    { state: 'offered', error: fakeError('upload-conflict') },
  ]) {
    const { session, uploads, keys, old, shown } = startAgain(end);
    const announced = happened(session, 'file');
    uploads.add([file('a.pdf')]);
    const { key } = await announced;
    assert.equal(keys[0], old);
    assert.equal(keys[1], key);
    assert.notEqual(key, old);
    assert.deepEqual(shown[0]?.words.filter((words) => words.startsWith('refused')) ?? [], []);
  }
});

test('a retry after the proxy has ended the upload gets a new key', async () => {
  const { session, uploads, shown, keys } = startAgain(
    { state: 'failed', ended: true, error: fakeError('scanner-unavailable') },
    { state: 'failed', ended: true, error: fakeError('scanner-unavailable') },
  );
  uploads.add([file('a.pdf')]);
  await turn();
  assert.equal(keys.length, 2, 'the second one is refused for good');
  assert.match(shown[0].words.at(-1), /\(retry\)$/);
  const announced = happened(session, 'file');
  uploads.retry(shown[0]);
  assert.equal((await announced).key, keys[2]);
  assert.equal(new Set(keys).size, 3);
});

test('a cancelled upload leaves nothing', async () => {
  const { chat, session, uploads, shown, reports } = start();
  session.script({ at: 0.5, hold: new Promise(() => {}) });
  const cancelled = happened(session, 'upload', ({ state }) => state === 'cancelled');
  uploads.add([file('a.pdf')]);
  uploads.cancel(shown[0]);
  await cancelled;
  await Promise.resolve();
  assert.deepEqual(shown, []);
  assert.equal(reports.at(-1), 'a.pdf saidCancelled');
  assert.equal(uploads.busy, false);
  assert.ok(!chat.events.some(({ type }) => type === 'file'));
});

test('B43: files with the same name, size and date are separate files', async () => {
  for (const failed of [false, true]) {
    const { session, uploads, shown } = start();
    const twin = (content) => new File([content], 'scan.bmp', { lastModified: 1 });
    const keys = new Map();
    session.resumeKey = ({ name }) => keys.get(name);
    const { upload } = session;
    session.upload = (given, options) => {
      keys.set(given.name, options.key);
      return upload.call(session, given, options);
    };
    if (failed) session.script({ fail: fakeError('storage-unavailable') });
    const failing = failed && happened(session, 'upload', ({ state }) => state === 'failed');
    uploads.add([twin('january')]);
    await failing;
    const both = [];
    session.addEventListener('file', ({ detail }) => both.push(detail.key));
    const one = twin('february');
    uploads.add([one, one]);
    assert.equal(shown.length, 3, 'each has a tile');
    while (both.length < (failed ? 2 : 3)) await turn();
    assert.equal(new Set(both).size, both.length);
  }
});

test('B43: the file that an earlier page sent does not get the tile of another one', async () => {
  for (const same of [true, false]) {
    const { session, uploads, shown, released, keys, old } = startAgain();
    const { upload } = session;
    let compared = () => {};
    session.upload = (given, options) => {
      if (options.key !== old) return upload.call(session, given, options);
      keys.push(options.key);
      return new Promise((resolve, reject) => { compared = same ? resolve : () => reject(fakeError('file-changed')); });
    };
    uploads.add([file('a.pdf')]);
    uploads.step({ key: old, state: 'offered', sent: 0, stored: 0, total: 10, name: 'a.pdf', extension: 'pdf', kind: 'pdf', at: 1 });
    assert.equal(shown.length, 1);
    assert.equal(uploads.release(old), undefined, 'nobody knows yet');
    const announced = happened(session, 'file');
    compared({});
    await turn();
    if (same) {
      assert.deepEqual(shown, [], 'it stands in the transcript');
      continue;
    }
    assert.notEqual((await announced).key, old);
    assert.deepEqual(released.filter(Boolean), shown);
  }
});

test('B43: a file that was cancelled and is chosen again is sent under a new key', async () => {
  const { session, uploads, shown } = start();
  const keys = [];
  session.resumeKey = () => keys.at(-1);
  const { upload } = session;
  session.upload = (given, options) => {
    keys.push(options.key);
    return upload.call(session, given, options);
  };
  session.script({ at: 0.5, hold: new Promise(() => {}) });
  const chosen = file('a.pdf');
  uploads.add([chosen]);
  uploads.cancel(shown[0]);
  uploads.add([chosen]);
  const { key } = await happened(session, 'file');
  assert.equal(keys.length, 2);
  assert.notEqual(keys[0], key);
});

test('a refused file can be dismissed', () => {
  const { uploads, shown } = start({ maxFiles: 0 });
  uploads.add([file('a.pdf')]);
  uploads.dismiss(shown[0]);
  assert.deepEqual(shown, []);
});

test('a name that is found late does not reset an upload', async () => {
  let find = () => {};
  const found = new Promise((resolve) => { find = resolve; });
  const { session, uploads, shown } = start({}, () => found);
  uploads.end(fakeError('offline'), true);
  uploads.add([file('a.pdf')]); // waits for a session, and for its name
  session.script({ at: 0.5, hold: new Promise(() => {}) });
  const receiving = happened(session, 'upload', ({ state }) => state === 'receiving');
  uploads.attach(session);
  await receiving;
  find({ name: 'a.pdf', extension: 'pdf', kind: 'pdf' });
  await turn();
  assert.equal(shown[0].words.at(-1), 'receiving');
});

test('an upload that the page itself started is shown without a cancel button', async () => {
  const { session, shown, released } = start();
  await session.upload(file('a.pdf'));
  assert.equal(shown.length, 1);
  assert.ok(shown[0].words.every((words) => words.endsWith('not to be cancelled')));
  assert.deepEqual(released, [shown[0]]);
});

test('a folder is refused without an attempt', async () => {
  const { session, uploads, shown } = start();
  session.upload = () => assert.fail('nothing may be sent');
  await uploads.reject('photos', fakeError('file-unreadable', 'A folder cannot be sent.'));
  assert.deepEqual(shown[0].words, ['refused: A folder cannot be sent.']);
});
