import assert from 'node:assert/strict';
import { test } from 'node:test';

import { departure } from '../widget/departure.js';
import { Locale, addLocale } from '../widget/locale.js';

const english = new Locale('en');
const names = new Map([['ada', 'Ada'], ['bo', 'Bo']]);

/** What a page reads when Bo leaves. */
function said(more, locale = english) {
  const event = { type: 'leave', event: 3, at: 0, from: { userId: 'bo', nickname: 'Bo', userType: 'CLIENT' }, own: false, visibility: 'ALL', ...more };
  return departure(event, locale, (userId) => names.get(userId)).replace(/[\u2068\u2069]/g, '');
}

const raw = 'left with request to close forcedly';
const cases = [
  ['no reason', {}, 'Bo left'],
  ['a departure', { reason: { code: 0, text: 'left' } }, 'Bo left'],
  ['close if no agents', { reason: { code: 1, text: 'left with request to close if no agents' } }, 'Bo left'],
  ['the end of the chat', { reason: { code: 2, text: raw } }, 'Bo ended the chat'],
  ['a lost connection', { reason: { code: 3, text: 'left due to disconnect' } }, 'Bo disconnected'],
  ['a removal', { reason: { code: 4, text: 'removed by other party' }, asker: 'ada' }, 'Bo was removed by Ada'],
  ['a removal by a party that the page never saw', { reason: { code: 4, text: 'removed by other party' }, asker: 'eve' }, 'Bo was removed'],
  ['the party itself as asker', { reason: { code: 2, text: raw }, asker: 'bo' }, 'Bo ended the chat'],
  ['the system', { reason: { code: 5, text: 'removed by system' } }, 'Bo was removed by the system'],
  ['a wrong key', { reason: { code: 6, text: 'removed due to wrong secure key' } }, 'Bo was removed for security reasons'],
  ['an idle chat', { reason: { code: 7, text: 'removed due to inactivity of session' } }, 'Bo was removed, because nobody had written for a while'],
  ['a restored chat', { reason: { code: 8, text: 'removed while restoring session' } }, 'Bo did not come back after an interruption'],
  ['a code of another server', { reason: { code: 99, text: 'moved to voice' } }, 'Bo left: moved to voice'],
  ['a code of another server without a text', { reason: { code: 99, text: '' } }, 'Bo left'],
];

for (const [name, event, expected] of cases) {
  test(`departure: ${name}`, () => assert.equal(said(event), expected));
}

test('departure: a translation says it in its own words', () => {
  addLocale('nl', { leftAndEnded: '{name} heeft de chat beëindigd' });
  assert.equal(said({ reason: { code: 2, text: raw } }, new Locale('nl')), 'Bo heeft de chat beëindigd');
});
