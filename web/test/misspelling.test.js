import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nearest } from '../session/misspelling.js';
import { joinChat, proxy } from './visit.js';

/** Runs a call and returns what it logs. */
async function warned(call) {
  const { warn } = console;
  const words = [];
  console.warn = (...said) => words.push(said.join(' '));
  try {
    await call();
  } finally {
    console.warn = warn;
  }
  return words;
}

const known = ['url', 'token', 'secureKey', 'signal', 'onRetry', 'uploads-enabled', 'readonly'];
const cases = [
  ['onretry', 'onRetry'], ['on-retry', 'onRetry'], ['secure_key', 'secureKey'], ['securekey', 'secureKey'], ['singal', 'signal'],
  ['uri', 'url'], ['tokens', 'token'], ['uploadsEnabled', 'uploads-enabled'], ['upload-enabled', 'uploads-enabled'], ['read-only', 'readonly'],
  ['class', undefined], ['id', undefined], ['style', undefined], ['title', undefined], ['data-v-7ba5bd90', undefined], ['', undefined], ['_reactProps$x', undefined],
  [`${'x'.repeat(1e6)}`, undefined],
];

for (const [name, meant] of cases) {
  test(`nearest: ${name.slice(0, 20)}`, () => assert.equal(nearest(name, known), meant));
}

test('a misspelt option is reported once, with the name that was meant, and has no effect', async () => {
  let session;
  const first = await warned(async () => { session = await joinChat({ onretry() {} }); });
  assert.deepEqual(first.filter((words) => words.includes('onretry')), ['attache: connect has no option "onretry"; did you mean "onRetry"?']);
  assert.deepEqual(await warned(() => session.send('a', { visiblity: 'INT' })), ['attache: send has no option "visiblity"; did you mean "visibility"?']);
  assert.deepEqual(await warned(() => session.send('b', { visiblity: 'INT' })), [], 'it is reported once');
  assert.deepEqual(await warned(() => session.rename('Ada L.', { colour: 1 })), ['attache: rename has no option "colour"; it has signal.']);
  assert.deepEqual(await warned(() => session.attach('D1', { visibility: 'INT', custom: { a: '1' }, description: 'x' }).catch(() => {})), [], 'what it passes on is known');
  assert.equal(proxy.notices.at(0)?.text, 'Ada L.');
});
