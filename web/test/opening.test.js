import assert from 'node:assert/strict';
import test from 'node:test';
import { fakeError } from '../testing.js';
import { Downloads } from '../widget/downloads.js';

const png = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x03', 'latin1');
const MiB = 1024 * 1024;

/** A file of a chat, and a session that counts downloads. */
function opening(name, content, size = content.length) {
  const session = {
    downloads: 0,
    async download(_, { signal }) {
      session.downloads += 1;
      if (session.error) throw session.error;
      signal.throwIfAborted();
      await session.hold;
      return new Response(content);
    },
  };
  const states = [];
  const downloads = new Downloads((file, { state, error }) => states.push(error ? error.code : state));
  return { session, downloads, states, file: { id: name, name, extension: name.split('.').pop(), size, caution: '' } };
}

const settled = (states) => states.filter((state) => state !== 'downloading');

test('T17 a double click opens a file once and costs one download', async () => {
  const { session, downloads, states, file } = opening('a.png', png);
  const both = await Promise.all([downloads.open(session, file), downloads.open(session, file)]);
  assert.deepEqual(both.map((content) => content?.kind), ['image', undefined]);
  assert.equal(session.downloads, 1);
  assert.deepEqual(settled(states), ['opened']);
});

test('a file that was opened is opened again without a download', async () => {
  const { session, downloads, file } = opening('a.png', png);
  await downloads.open(session, file);
  const content = await downloads.open(session, file);
  assert.equal(content.blob.type, 'image/png');
  assert.equal(session.downloads, 1);
  downloads.forget(file.id);
  assert.equal(downloads.of(file.id), undefined);
  await downloads.open(session, file);
  assert.equal(session.downloads, 2, 'a file that was forgotten is fetched again');
});

test('of the files that were opened, only 64 MiB stay', async () => {
  const large = new Blob([new Uint8Array(40 * MiB)]);
  const bytes = new Blob([png, large]);
  const { session, downloads, file } = opening('a.png', bytes, bytes.size);
  const other = { ...file, id: 'b' };
  for (const one of [file, other, other, file]) await downloads.open(session, one);
  assert.equal(session.downloads, 3);
});

test('opening that is stopped shows nothing', async () => {
  const { session, downloads, states, file } = opening('a.png', png);
  session.hold = new Promise((resolve) => { session.release = resolve; });
  const opened = downloads.open(session, file);
  downloads.stop(file.id);
  session.release();
  assert.equal(await opened, undefined);
  assert.deepEqual(settled(states), ['stopped']);
});

test('opening that fails says why', async () => {
  const { session, downloads, states, file } = opening('a.png', png);
  session.error = fakeError('downloads-used-up');
  assert.equal(await downloads.open(session, file), undefined);
  assert.deepEqual(settled(states), ['downloads-used-up']);
});
