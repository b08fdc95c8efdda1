import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

const header = 32;
const most = 256 << 10;

let dir;
before(async () => { dir = await mkdtemp(join(tmpdir(), 'pump-')); });
after(() => rm(dir, { recursive: true }));

/** A browser without BYOB streams of blobs. */
async function importWithoutStreams() {
  const { stream } = Blob.prototype;
  Blob.prototype.stream = () => new ReadableStream();
  try {
    return await import('../pump.js?without-streams');
  } finally {
    Blob.prototype.stream = stream;
  }
}

const variants = {
  'by stream': await import('../pump.js'),
  'by slices': await importWithoutStreams(),
};

function content(length) {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);
}

/** A pump whose reads can be awaited: an answer is a view, or what unread was told. */
function pumpOf(Pump, file) {
  let answer;
  const pump = new Pump(file, (view) => answer(view), (changed) => answer(changed));
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
  return { path, blob: await openAsBlob(path) };
}

for (const [how, { Pump }] of Object.entries(variants)) {
  test(`pieces of a file on disk, ${how}`, async () => {
    const bytes = content(1_000_003);
    const { blob } = await onDisk('pieces', bytes);
    const { read } = pumpOf(Pump, blob);
    for (let at = 0, length; at < bytes.length; at += length) {
      length = Math.min(at === 0 ? most : 70_001, bytes.length - at);
      assert.deepEqual(piece(await read(at, length), length), bytes.subarray(at, at + length));
    }
  });

  test(`one buffer for all pieces, ${how}`, async () => {
    const { read } = pumpOf(Pump, new Blob([content(600_000)]));
    const sizes = new Set();
    for (const at of [0, 100_000, 200_000]) {
      const view = await read(at, 100_000);
      sizes.add(view.buffer.byteLength);
      view.fill(255, 0, header);
      assert.deepEqual(piece(view, 100_000), content(600_000).subarray(at, at + 100_000));
    }
    assert.deepEqual([...sizes], [header + most]);
  });

  test(`another offset, forth and back, ${how}`, async () => {
    const bytes = content(500_000);
    const { read } = pumpOf(Pump, new Blob([bytes]));
    for (const at of [300_000, 0, 499_999, 10, 11]) {
      assert.deepEqual(piece(await read(at, 1), 1), bytes.subarray(at, at + 1));
    }
  });

  test(`a file that was cut short, ${how}`, async () => {
    const { path, blob } = await onDisk('cut', content(1_000_000));
    const { read } = pumpOf(Pump, blob);
    piece(await read(0, 1000), 1000);
    await truncate(path, 2000);
    let answer;
    for (let at = 1000; at < 1_000_000 && answer !== true; at += 111_000) answer = await read(at, 111_000);
    assert.equal(answer, true, 'changed: some of it could be read before');
  });

  test(`a file that vanished before anything was read, ${how}`, async () => {
    const { path, blob } = await onDisk('gone', content(1000));
    await unlink(path);
    assert.equal(await pumpOf(Pump, blob).read(0, 1000), false);
  });

  test(`a file that is shorter than it says, ${how}`, async () => {
    assert.equal(await pumpOf(Pump, new Blob([content(10)])).read(0, 11), true);
  });

  test(`at rest nobody is called, and reading goes on afterwards, ${how}`, async () => {
    const bytes = content(400_000);
    let called = 0;
    const pump = new Pump(new Blob([bytes]), () => { called += 1; }, () => { called += 1; });
    pump.prepare(header, most);
    pump.read(0, 200_000);
    pump.rest();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(called, 0);

    const { pump: other, read } = pumpOf(Pump, new Blob([bytes]));
    other.read(0, 100);
    other.rest();
    assert.deepEqual(piece(await read(5, 100), 100), bytes.subarray(5, 105));
  });

  test(`T36: a file object with methods of its own, ${how}`, async () => {
    const bytes = content(1000);
    class Hostile extends Blob {
      slice() { throw new Error('slice'); }
      stream() { throw new Error('stream'); }
      arrayBuffer() { throw new Error('arrayBuffer'); }
      get size() { throw new Error('size'); }
    }
    const { read } = pumpOf(Pump, new Hostile([bytes]));
    assert.deepEqual(piece(await read(0, 1000), 1000), bytes);
  });
}

for (const [how, { Pump }] of Object.entries(variants)) {
  test(`a file that another page began has to begin alike, ${how}`, async () => {
    const bytes = content(1_500_000);
    const begun = createHash('sha256').update(bytes.subarray(0, 1_200_000)).digest('hex');
    const same = pumpOf(Pump, new Blob([bytes]));
    same.pump.prepare(header, most, begun);
    assert.deepEqual(piece(await same.read(1_200_000, 100_000), 100_000), bytes.subarray(1_200_000, 1_300_000));

    const other = Uint8Array.from(bytes);
    other[700_000] ^= 1;
    const changed = pumpOf(Pump, new Blob([other]));
    changed.pump.prepare(header, most, begun);
    assert.equal(await changed.read(1_200_000, 100_000), true, 'as a file that changed');
  });
}
