import assert from 'node:assert/strict';
import test from 'node:test';
import { isBlob, fileName, inThisRealm } from '../session/blob.js';

test('a Blob is named after its type, a File keeps its own name', () => {
  /** @type {[string, string][]} */
  const names = [
    ['image/png', 'image.png'], ['image/jpeg', 'image.jpg'], ['image/svg+xml', 'image.svg'],
    ['audio/webm;codecs=opus', 'audio.webm'], ['video/mp4', 'video.mp4'], ['TEXT/PLAIN; charset=utf-8', 'text.txt'],
    ['application/pdf', 'file.pdf'], ['application/octet-stream', 'file'], ['', 'file'], ['constructor/__proto__', 'file'],
  ];
  for (const [type, want] of names) assert.equal(fileName(new Blob(['x'], { type })), want, type);
  assert.equal(fileName(new File(['x'], '', { type: 'image/png' })), 'image.png');
  assert.equal(fileName(new File(['x'], 'a.txt', { type: 'image/png' })), 'a.txt');
  assert.equal(fileName(new File(['x'], ' ')), ' ', 'left to be refused');
});

test('only Blobs and Files are recognized as such', () => {
  for (const other of [null, undefined, 'a.txt', 42, {}, { size: 1, type: '', name: 'a' }, Object.create(Blob.prototype)]) {
    assert.equal(isBlob(other), false, String(other?.constructor?.name));
  }
  for (const file of [new Blob(), new File([], 'a')]) {
    assert.ok(isBlob(file));
    assert.equal(inThisRealm(file), file);
  }
});
