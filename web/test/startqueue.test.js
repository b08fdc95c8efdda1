import assert from 'node:assert/strict';
import { test } from 'node:test';

import { StartQueue } from '../session/startqueue.js';

const task = () => new Promise((resolve) => setTimeout(resolve));

test('files given in one task start in the order in which they were given', async () => {
  const queue = new StartQueue();
  const started = [];
  const joins = [1, 2, 3, 4].map((name) => {
    const join = queue.join();
    join.ready.then(() => started.push(name));
    return join;
  });
  assert.equal(new Set(joins.map(({ group }) => group)).size, 1);
  await task();
  assert.deepEqual(started, [1]);
  joins[2].started();
  joins[1].started(); // it will not start
  await task();
  assert.deepEqual(started, [1], 'none overtakes the first');
  joins[0].started();
  await task();
  assert.deepEqual(started, [1, 2, 3, 4]);
});

test('a file given in a later task waits for none before', async () => {
  const queue = new StartQueue();
  const first = queue.join();
  await task();
  const second = queue.join();
  assert.notEqual(second.group, first.group);
  await second.ready;
});

test('a file that hangs delays the next by the time limit only', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const queue = new StartQueue();
  queue.join();
  const second = queue.join();
  t.mock.timers.tick(5000);
  await second.ready;
});
