import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Line } from '../session/startqueue.js';

const turn = () => new Promise((resolve) => setTimeout(resolve));

test('what is given in one turn begins in that order', async () => {
  const line = new Line();
  const begun = [];
  const places = [1, 2, 3, 4].map((name) => {
    const place = line.join();
    place.turn.then(() => begun.push(name));
    return place;
  });
  assert.equal(new Set(places.map(({ group }) => group)).size, 1);
  await turn();
  assert.deepEqual(begun, [1]);
  places[2].begun();
  places[1].begun(); // came to nothing, before its turn
  await turn();
  assert.deepEqual(begun, [1], 'nobody overtakes the first');
  places[0].begun();
  await turn();
  assert.deepEqual(begun, [1, 2, 3, 4]);
});

test('what is given later waits for nobody', async () => {
  const line = new Line();
  const first = line.join();
  await turn();
  const second = line.join();
  assert.notEqual(second.group, first.group);
  await second.turn;
});

test('one that hangs is waited for so long', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const line = new Line();
  line.join();
  const second = line.join();
  t.mock.timers.tick(5000);
  await second.turn;
});
