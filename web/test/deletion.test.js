import assert from 'node:assert/strict';
import { test } from 'node:test';

import { mayDelete } from '../widget/deletion.js';

const agent = { userId: 'ada', nickname: 'Ada', userType: 'AGENT' };
const customer = { userId: 'bo', nickname: 'Bo', userType: 'CLIENT' };

const cases = [
  ['an own file', { own: true, from: customer }, { deleteFile: 'odd', deleteOthers: '' }, true],
  ['an own file that still counts', { own: true, from: customer }, { deleteFile: 'keep', deleteOthers: '' }, true],
  ['an own file, switched off', { own: true, from: customer }, { deleteFile: 'off', deleteOthers: 'staff' }, false],
  ['an own file, of a proxy that does not say', { own: true, from: customer }, { deleteFile: '', deleteOthers: '' }, false],
  ['another\'s', { own: false, from: agent }, { deleteFile: 'odd', deleteOthers: '' }, false],
  ['another\'s, permitted', { own: false, from: customer }, { deleteFile: 'odd', deleteOthers: 'all' }, true],
  ['another agent\'s, where customers\' files stay', { own: false, from: agent }, { deleteFile: 'odd', deleteOthers: 'staff' }, true],
  ['a customer\'s, where customers\' files stay', { own: false, from: customer }, { deleteFile: 'odd', deleteOthers: 'staff' }, false],
  ['another\'s, by an unknown word', { own: false, from: agent }, { deleteFile: 'odd', deleteOthers: 'some' }, false],
];

for (const [name, file, limits, expected] of cases) {
  test(`mayDelete: ${name}`, () => assert.equal(mayDelete(file, limits), expected));
}
