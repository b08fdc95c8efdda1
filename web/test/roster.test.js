import assert from 'node:assert/strict';
import test from 'node:test';
import { initials, present } from '../roster.js';

const party = (userId) => ({ userId, nickname: userId.toUpperCase(), userType: 'AGENT' });
const join = (userId) => ({ type: 'join', from: party(userId) });
const leave = (userId) => ({ type: 'leave', from: party(userId) });

for (const [what, events, want] of [
  ['nobody yet', [], []],
  ['in the order of coming', [join('b'), join('a')], ['b', 'a']],
  ['one left', [join('a'), join('b'), leave('a')], ['b']],
  ['back after a lost connection, once', [join('a'), join('b'), join('a')], ['a', 'b']],
  ['back after leaving, at the end', [join('a'), join('b'), leave('a'), join('a')], ['b', 'a']],
  ['messages make nobody present', [{ type: 'message', from: party('a') }], []],
]) {
  test(`present: ${what}`, () => assert.deepEqual(present(events).map(({ userId }) => userId), want));
}

for (const [nickname, want] of [['Ada Lindqvist', 'AL'], ['bo', 'B'], ['Ana María de Souza', 'AS'], ['first.last', 'FL'], ['李 小龍', '李小'], ['  ', ''], ['😀 x', '😀X']]) {
  test(`initials: ${nickname}`, () => assert.equal(initials(nickname), want));
}
