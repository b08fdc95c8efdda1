import assert from 'node:assert/strict';
import test from 'node:test';
import { Conversation } from '../widget/conversation.js';
import { OutgoingFile } from '../widget/outgoingfile.js';
import { FakeChat } from '../testing.js';

/** A tile that records its last call. */
class TileDouble {
  label({ name }) { this.name = name; }
  upload({ state, stored }, cancellable, cut) { this.shows = { state, stored, cancellable, cut }; }
  refuse({ message }) { this.shows = { message }; }
  showUnfinished({ stored }) { this.shows = { left: stored }; }
}

const progress = { key: 'k', state: 'receiving', sent: 2, stored: 1, total: 3 };

test('a second tile, and one that is attached later, show the same', () => {
  const outgoing = new OutgoingFile();
  const [first, second, third] = [new TileDouble(), new TileDouble(), new TileDouble()];
  outgoing.attach(first);
  outgoing.label({ name: 'a.pdf', extension: 'pdf', kind: 'pdf' });
  outgoing.upload(progress, true);
  outgoing.attach(second);
  for (const tile of [first, second]) assert.deepEqual({ ...tile }, { name: 'a.pdf', shows: { state: 'receiving', stored: 1, cancellable: true, cut: false } });
  outgoing.detach(first);
  outgoing.refuse({ message: 'no', hint: '', retryable: true });
  outgoing.attach(third);
  assert.equal(first.shows.state, 'receiving');
  for (const tile of [second, third]) assert.deepEqual(tile.shows, { message: 'no' });
  outgoing.upload(progress, true);
  assert.equal(third.shows.state, 'receiving', 'tried again');
});

test('B47 without a connection every tile says so, also one that is added meanwhile', async () => {
  const session = new FakeChat().join();
  const conversation = Conversation.of(session);
  const tile = new TileDouble();
  conversation.join(new Proxy({ pendingAdded: (one) => one.attach(tile) }, { get: (view, name) => view[name] ?? (() => {}) }));
  let go = () => {};
  session.script({ at: 0.5, hold: new Promise((resolve) => { go = resolve; }) });
  const shown = new Promise((resolve) => {
    session.addEventListener('upload', ({ detail: { stored } }) => { if (stored > 0) resolve(undefined); });
  });
  conversation.add([new File([new Uint8Array(100)], 'a.bin')]);
  await shown;
  await new Promise((resolve) => { setTimeout(resolve, 100); }); // until there is a tile
  assert.equal(tile.shows.cut, false);
  session.setState('reconnecting');
  assert.equal(tile.shows.cut, true);
  const late = new TileDouble();
  conversation.pending[0].attach(late);
  assert.equal(late.shows.cut, true);
  session.setState('connected');
  assert.equal(late.shows.cut, false);
  const announced = new Promise((resolve) => { session.addEventListener('file', resolve); });
  go();
  await announced;
});
