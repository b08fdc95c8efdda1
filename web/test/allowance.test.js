import assert from 'node:assert/strict';
import test from 'node:test';
import { allowance } from '../widget/allowance.js';
import { Locale } from '../widget/locale.js';

const locale = new Locale('en');
const none = { usedFiles: 0, usedTotalSize: 0, types: [], needAgent: false, agentHere: false, usedDownloads: 0, deleteFile: '', deleteOthers: '' };

for (const [what, limits, text, open] of [
  ['no limits, no words', {}, '', true],
  ['the vendor\'s', { maxFiles: 3, maxFileSize: 2097152, maxTotalSize: 5242880 }, 'Up to 3 files, 2 MB each, 5 MB in total', true],
  ['what is used of them', { maxFiles: 3, maxFileSize: 2097152, usedFiles: 1 }, 'Up to 3 files, 2 MB each; 1 sent', true],
  ['what is left of the size', { maxTotalSize: 5242880, usedFiles: 2, usedTotalSize: 4194304 }, '5 MB in total; 2 sent, 1 MB left', true],
  ['downloads left', { maxFiles: 3, maxDownloads: 2, usedDownloads: 1 }, 'Up to 3 files; 1 download left', true],
  ['no download left', { maxFiles: 3, usedFiles: 1, maxDownloads: 2, usedDownloads: 3 }, 'Up to 3 files; 1 sent; 0 downloads left', true],
  ['one file', { maxFiles: 1 }, 'Up to 1 file', true],
  ['a size alone', { maxFileSize: 26214400 }, 'Files up to 25 MB', true],
  ['some types', { types: ['pdf', 'png', 'jpg'] }, 'Only pdf, png, and jpg', true],
  ['many types', { types: 'a b c d e f g h'.split(' ') }, 'Only a, b, c, d, e, f, and 2 more types', true],
  ['all used', { maxFiles: 3, usedFiles: 3 }, 'The 3 files this chat allows have been sent', true],
  ['a number of 0', { maxFiles: 0 }, 'Files cannot be sent in this chat', false],
  ['a size of 0', { maxFileSize: 0 }, 'Files cannot be sent in this chat', false],
  ['a total of 0', { maxTotalSize: 0 }, 'Files cannot be sent in this chat', false],
]) {
  test(`allowance: ${what}`, () => assert.deepEqual(allowance({ ...none, ...limits }, locale), { text, open }));
}

test('allowance: an agent is needed until one is there', () => {
  const limits = { ...none, needAgent: true };
  assert.deepEqual(allowance(limits, locale), { text: 'Files can be sent once an agent has joined', open: false });
  assert.equal(allowance({ ...limits, agentHere: true }, locale).open, true);
});
