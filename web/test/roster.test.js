import assert from 'node:assert/strict';
import test from 'node:test';
import { initials, present } from '../widget/roster.js';
import { FakeChat } from '../testing.js';

const party = (userId) => ({ userId, nickname: userId.toUpperCase(), userType: 'AGENT' });
const join = (userId) => ({ type: 'join', from: party(userId) });
const leave = (userId) => ({ type: 'leave', from: party(userId) });

for (const [what, events, want] of [
  ['nobody yet', [], []],
  ['in the order of joining', [join('b'), join('a')], ['b', 'a']],
  ['one left', [join('a'), join('b'), leave('a')], ['b']],
  ['back after a lost connection, once', [join('a'), join('b'), join('a')], ['a', 'b']],
  ['back after leaving, at the end', [join('a'), join('b'), leave('a'), join('a')], ['b', 'a']],
  ['a rename does not add a party', [join('a'), leave('a'), { type: 'nickname', nickname: 'A', from: party('a') }], []],
  ['messages do not add a party', [{ type: 'message', from: party('a') }], []],
]) {
  test(`present: ${what}`, () => assert.deepEqual(present(events).map(({ userId }) => userId), want));
}

test('B39 present: a renamed party has its new name, in the same position', () => {
  const renamed = { type: 'nickname', nickname: 'Ada L.', from: { ...party('a'), nickname: 'Ada L.' } };
  assert.deepEqual(present([join('a'), join('b'), renamed]).map(({ nickname }) => nickname), ['Ada L.', 'B']);
});

test('B39 the double can be renamed', () => {
  const chat = new FakeChat();
  const ada = chat.join({ nickname: 'Ada' });
  const bo = chat.join({ nickname: 'Bo' });
  ada.rename('Ada L.');
  assert.deepEqual(present(bo.transcript).map(({ nickname }) => nickname), ['Ada L.', 'Bo']);
  assert.equal(ada.party.nickname, 'Ada L.');
});

test('the double reports agentHere as the proxy does', async () => {
  const chat = new FakeChat();
  const bo = chat.join({ nickname: 'Bo' });
  const seen = [];
  bo.addEventListener('limits', ({ detail }) => seen.push(detail.agentHere));
  const agents = [chat.join({ nickname: 'Ada', userType: 'AGENT' }), chat.join({ nickname: 'Eve', userType: 'SUPERVISOR' })];
  assert.equal(agents[1].limits.agentHere, true);
  for (const agent of agents) await agent.close();
  assert.deepEqual(seen, [true, false]);
});

for (const [nickname, want] of [['Ada Lindqvist', 'AL'], ['bo', 'B'], ['Ana María de Souza', 'AS'], ['first.last', 'FL'], ['李 小龍', '李小'], ['  ', ''], ['😀 x', '😀X']]) {
  test(`initials: ${nickname}`, () => assert.equal(initials(nickname), want));
}
