import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { appendFile, mkdtemp, open, readFile, rm, truncate, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

const header = 32;
const most = 256 << 10;

let dir;
before(async () => { dir = await mkdtemp(join(tmpdir(), 'pump-')); });
after(() => rm(dir, { recursive: true }));

const { Pump } = await import('../session/pump.js');

/** A browser without BYOB streams of blobs. */
async function importWithoutStreams() {
  const { stream } = Blob.prototype;
  Blob.prototype.stream = () => new ReadableStream();
  try {
    return await import('../session/reader.js?without-streams');
  } finally {
    Blob.prototype.stream = stream;
  }
}

/** Node's own Reader, and one without streams; neither browser compares a file's date. */
const variants = {
  'by stream': { ...await import('../session/reader.js'), checksDates: false },
  'by slices': { ...await importWithoutStreams(), checksDates: false },
};

function content(length) {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);
}

/** A pump whose reads can be awaited: the answer is a view, or the argument of unread. */
function pumpOf(how, file, size = file.size) {
  let answer;
  const pump = new Pump(file, size, (view) => answer(view), (changed) => answer(changed), undefined, how);
  pump.prepare(header, most);
  return { pump, read: (offset, length) => new Promise((resolve) => { answer = resolve; pump.read(offset, length); }) };
}

function piece(view, length) {
  assert.ok(view instanceof Uint8Array, `the file could not be read: ${view}`);
  assert.equal(view.byteOffset, 0);
  assert.equal(view.byteLength, header + length);
  return view.subarray(header);
}

async function onDisk(name, bytes) {
  const path = join(dir, name);
  await writeFile(path, bytes);
  await utimes(path, 1e9, 1e9); // a date that can be set again exactly
  return { path, blob: await openAsBlob(path) };
}

for (const [how, variant] of Object.entries(variants)) {
  test(`pieces of a file on disk, ${how}`, async () => {
    const bytes = content(1_000_003);
    const { blob } = await onDisk('pieces', bytes);
    const { read } = pumpOf(variant, blob);
    for (let at = 0, length; at < bytes.length; at += length) {
      length = Math.min(at === 0 ? most : 70_001, bytes.length - at);
      assert.deepEqual(piece(await read(at, length), length), bytes.subarray(at, at + length));
    }
  });

  test(`two buffers for all pieces, so that one is read while the other is sent, ${how}`, async () => {
    const { read } = pumpOf(variant, new Blob([content(600_000)]));
    const sizes = new Set();
    let before;
    for (const at of [0, 100_000, 200_000, 300_000, 400_000]) {
      const view = await read(at, 100_000);
      sizes.add(view.buffer.byteLength);
      view.fill(255, 0, header);
      assert.deepEqual(piece(view, 100_000), content(600_000).subarray(at, at + 100_000));
      if (before) assert.deepEqual(piece(before, 100_000), content(600_000).subarray(at - 100_000, at), 'the last piece is as it was');
      before = view;
    }
    assert.deepEqual([...sizes], [header + most]);
  });

  test(`a file that is sent whole is told apart before it is read, ${how}`, () => {
    for (const [whole, calls] of [[true, 0], [false, 1]]) {
      let long = 0;
      const pump = new Pump(new Blob([content(10)]), 10, () => {}, () => {}, () => { long += 1; }, variant);
      pump.prepare(header + 50, 10, '', whole);
      assert.equal(long, calls);
    }
  });

  test(`other offsets, forwards and back, ${how}`, async () => {
    const bytes = content(500_000);
    const { pump, read } = pumpOf(variant, new Blob([bytes]));
    for (const at of [300_000, 0, 499_999, 10, 11]) {
      pump.prepare(header, most);
      assert.deepEqual(piece(await read(at, 1), 1), bytes.subarray(at, at + 1));
    }
  });

  test(`a file that was truncated, ${how}`, async () => {
    const { path, blob } = await onDisk('cut', content(1_000_000));
    const { read } = pumpOf(variant, blob);
    piece(await read(0, 1000), 1000);
    await truncate(path, 2000);
    let answer;
    for (let at = 1000; at < 1_000_000 && answer !== true; at += 111_000) answer = await read(at, 111_000);
    assert.equal(answer, true, 'changed: some of it could be read before');
  });

  test(`a file that vanished before anything was read, ${how}`, async () => {
    const { path, blob } = await onDisk('gone', content(1000));
    await unlink(path);
    assert.equal(await pumpOf(variant, blob).read(0, 1000), false);
  });

  test(`a file that is shorter than its size, ${how}`, async () => {
    assert.equal(await pumpOf(variant, new Blob([content(10)])).read(0, 11), true);
  });

  test(`after release there are no callbacks, and reading can continue, ${how}`, async () => {
    const bytes = content(400_000);
    let called = 0;
    const pump = new Pump(new Blob([bytes]), bytes.length, () => { called += 1; }, () => { called += 1; }, undefined, variant);
    pump.prepare(header, most);
    pump.read(0, 200_000);
    pump.release();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(called, 0);

    const { pump: other, read } = pumpOf(variant, new Blob([bytes]));
    other.read(0, 100);
    other.release();
    assert.deepEqual(piece(await read(5, 100), 100), bytes.subarray(5, 105));
  });

  test(`T36: a file object with its own methods, ${how}`, async () => {
    const bytes = content(1000);
    class Hostile extends Blob {
      slice() { throw new Error('slice'); }
      stream() { throw new Error('stream'); }
      arrayBuffer() { throw new Error('arrayBuffer'); }
      get size() { throw new Error('size'); }
    }
    const { read } = pumpOf(variant, new Hostile([bytes]), bytes.length);
    assert.deepEqual(piece(await read(0, 1000), 1000), bytes);
  });
}

for (const [how, variant] of Object.entries(variants)) {
  test(`a file that another page started to send must begin with the same bytes, ${how}`, async () => {
    const bytes = content(1_500_000);
    const begun = createHash('sha256').update(bytes.subarray(0, 1_200_000)).digest('hex');
    const same = pumpOf(variant, new Blob([bytes]));
    same.pump.prepare(header, most, begun);
    assert.deepEqual(piece(await same.read(1_200_000, 100_000), 100_000), bytes.subarray(1_200_000, 1_300_000));

    const other = Uint8Array.from(bytes);
    other[700_000] ^= 1;
    const changed = pumpOf(variant, new Blob([other]));
    changed.pump.prepare(header, most, begun);
    assert.equal(await changed.read(1_200_000, 100_000), true, 'as a file that changed');

    const whole = createHash('sha256').update(bytes).digest('hex');
    for (const [content, answer] of [[bytes, 'the same'], [other, true]]) {
      const { pump, read } = pumpOf(variant, new Blob([content]));
      pump.prepare(header, 0, whole);
      const found = await read(bytes.length, 0);
      assert.equal(found instanceof Uint8Array ? 'the same' : found, answer, 'B43: compared as a whole');
    }
  });
}

/** Reads a file as it is sent, in pieces; `change` is called before the last one. Resolves with the bytes, or the argument of unread. */
async function sent({ read }, size, change) {
  const bytes = new Uint8Array(size);
  for (let at = 0, length; at < size; at += length) {
    length = Math.min(70_001, size - at);
    if (at + length === size) await change();
    const answer = await read(at, length);
    if (!(answer instanceof Uint8Array)) return answer;
    bytes.set(piece(answer, length), at);
  }
  return bytes;
}

// Node's streams refuse a file whose date has changed, so the file must keep it to
// be read at all: what Firefox does with every file.
const kept = async (path, change) => {
  await change();
  await utimes(path, 1e9, 1e9);
};

const changes = {
  'not at all': () => {},
  'the first byte': (path) => rewrite(path, 0),
  'a byte in the middle': (path) => rewrite(path, 333_333),
  'the last byte': (path, size) => rewrite(path, size - 1),
};

async function rewrite(path, at) {
  const file = await open(path, 'r+');
  await file.write(Uint8Array.of(200), 0, 1, at);
  await file.close();
}

for (const [how, variant] of Object.entries(variants)) {
  for (const [what, change] of Object.entries(changes)) {
    test(`B45: a file that is rewritten while it is sent, ${what}, ${how}`, async () => {
      const bytes = content(500_000);
      const { path, blob } = await onDisk('rewritten', bytes);
      const answer = await sent(pumpOf(variant, blob), bytes.length, () => kept(path, () => change(path, bytes.length)));
      // Slices that are read so late return the new version completely.
      if (what === 'not at all' || answer instanceof Uint8Array) assert.deepEqual(answer, new Uint8Array(await readFile(path)), 'no mixture');
      else assert.equal(answer, true, 'as a file that changed');
    });
  }

  test(`B45: a file that changes after its only piece was read and before the check, ${how}`, async () => {
    const { path, blob } = await onDisk('single', content(1000));
    class Late extends variant.Reader {
      async read(buffer, place, offset, length) {
        const read = await super.read(buffer, place, offset, length);
        if (place > 0) await kept(path, () => rewrite(path, 10));
        return read;
      }
    }
    assert.equal(await pumpOf({ Reader: Late, checksDates: false }, blob).read(0, 1000), true);
  });

  test(`B45: the bytes before an interruption are compared too, ${how}`, async () => {
    const bytes = content(300_000);
    const { path, blob } = await onDisk('cut', bytes);
    const { pump, read } = pumpOf(variant, blob);
    piece(await read(0, 200_000), 200_000);
    const digest = createHash('sha256').update(bytes.subarray(0, 150_000)).digest('hex');
    for (const [changed, expected] of [[false, 'a piece'], [true, true]]) {
      if (changed) await kept(path, () => rewrite(path, 5));
      pump.prepare(header, most, digest);
      const answer = await read(150_000, 150_000);
      assert.equal(answer instanceof Uint8Array ? 'a piece' : answer, expected);
    }
  });
}

test('B45: in a browser that compares dates the file is read once', async () => {
  const reads = [];
  class Counting extends variants['by stream'].Reader {
    read(buffer, place, offset, length) {
      reads.push([offset, length]);
      return super.read(buffer, place, offset, length);
    }
  }
  const { read } = pumpOf({ Reader: Counting, checksDates: true }, new Blob([content(1000)]));
  piece(await read(0, 600), 600);
  piece(await read(600, 400), 400);
  assert.deepEqual(reads, [[0, 600], [600, 400]]);
});

test('B45: a file that the browser refuses to read at the end has changed', async () => {
  const { path, blob } = await onDisk('touched', content(1000));
  const { read } = pumpOf({ ...variants['by stream'], checksDates: true }, blob);
  piece(await read(0, 600), 600);
  await appendFile(path, 'more');
  assert.equal(await read(600, 400), true);
});

test('an empty file that was not empty, or is gone, cannot be read', async () => {
  const { sizeOf } = variants['by stream'];
  const { path, blob } = await onDisk('empty', new Uint8Array());
  assert.equal(await sizeOf(blob), 0);
  await kept(path, () => writeFile(path, 'words'));
  await assert.rejects(sizeOf(blob));
  await unlink(path);
  await assert.rejects(sizeOf(blob));
});
