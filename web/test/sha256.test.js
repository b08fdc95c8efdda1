import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Sha256 } from '../session/sha256.js';

const bytes = Uint8Array.from({ length: 100_003 }, (_, i) => (i * 31 + (i >> 8)) & 255);

for (const [name, length, piece] of [
  ['nothing', 0, 1], ['one byte', 1, 1], ['one short of the padding', 55, 55], ['the padding\'s border', 56, 7],
  ['one block', 64, 64], ['one more', 65, 64], ['two blocks less one', 119, 3], ['pieces across blocks', 100_003, 1000], ['in one', 100_003, 100_003],
]) {
  test(`SHA-256 of ${name}`, () => {
    const sum = new Sha256();
    for (let at = 0; at < length; at += piece) sum.write(bytes.subarray(at, Math.min(at + piece, length)));
    assert.equal(sum.hex(), createHash('sha256').update(bytes.subarray(0, length)).digest('hex'));
  });
}
