import assert from 'node:assert/strict';
import test from 'node:test';
import { Thread, groupPause, isContribution } from '../widget/thread.js';

const noon = new Date(2026, 4, 1, 12).getTime();
const ada = { userId: 'ada', nickname: 'Ada', userType: 'AGENT' };
const bo = { userId: 'bo', nickname: 'Bo', userType: 'CLIENT' };

/** An event with the members that a thread looks at. */
function event(number, type, from = ada, more = {}) {
  return { event: number, at: noon + number, type, from, own: false, visibility: 'ALL', ...more };
}

function numbers(thread) {
  return Array.from({ length: thread.length }, (_, index) => thread.at(index).event);
}

test('events are in the order of their ids, however they come', () => {
  const thread = new Thread();
  assert.equal(thread.insert(event(4, 'message')), 0);
  assert.equal(thread.insert(event(9, 'message')), 1);
  assert.equal(thread.insert(event(7, 'message')), 1);
  assert.equal(thread.insert(event(1, 'join')), 0);
  assert.deepEqual(numbers(thread), [1, 4, 7, 9]);
});

test('an event that comes twice is shown once', () => {
  const thread = new Thread();
  thread.insert(event(4, 'message'));
  thread.insert(event(5, 'message'));
  assert.equal(thread.insert(event(4, 'message')), -1);
  assert.deepEqual(numbers(thread), [4, 5]);
});

for (const [type, want] of [['nickname', 0], ['url', 0], ['idle', 0], ['deletion', -1], ['notice', -1]]) {
  test(`an event ${type} ${want < 0 ? 'has no line' : 'has a line'}`, () => assert.equal(new Thread().insert(event(4, type)), want));
}

for (const [what, first, second, want] of /** @type {const} */ ([
  ['the same party', event(1, 'message'), event(2, 'file', ada, { key: 'a' }), true],
  ['another party', event(1, 'message'), event(2, 'message', bo), false],
  ['news between', event(1, 'join'), event(2, 'message'), false],
  ['after a pause', event(1, 'message'), event(2, 'message', ada, { at: noon + 1 + groupPause }), false],
  ['just before the pause', event(1, 'message'), event(2, 'message', ada, { at: noon + groupPause }), true],
  ['another visibility', event(1, 'message'), event(2, 'message', ada, { visibility: 'INT' }), false],
  ['to one party', event(1, 'message'), event(2, 'message', ada, { receiver: 'bo' }), false],
  ['to the same party', event(1, 'message', ada, { receiver: 'bo' }), event(2, 'message', ada, { receiver: 'bo' }), true],
  ['as the system', event(1, 'message'), event(2, 'message', ada, { treatAs: 'SYSTEM' }), false],
  ['across midnight', event(1, 'message', ada, { at: new Date(2026, 4, 1, 23, 59).getTime() }), event(2, 'message', ada, { at: new Date(2026, 4, 2, 0, 1).getTime() }), false],
])) {
  test(`grouping: ${what}`, () => {
    const thread = new Thread();
    thread.insert(first);
    thread.insert(second);
    assert.equal(thread.follows(1), want);
    assert.equal(thread.follows(0), false);
  });
}

test('days: the first event opens its day', () => {
  const thread = new Thread();
  thread.insert(event(1, 'message'));
  thread.insert(event(2, 'message'));
  thread.insert(event(3, 'message', ada, { at: new Date(2026, 4, 2, 1).getTime() }));
  assert.deepEqual([0, 1, 2].map((index) => thread.opensDay(index)), [true, false, true]);
});

test('a message of the system is not a contribution', () => {
  assert.equal(isContribution(event(1, 'message', { userId: 's', nickname: '', userType: 'SYSTEM' })), false);
  assert.equal(isContribution(event(1, 'message', bo)), true);
});
