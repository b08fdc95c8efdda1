import assert from 'node:assert/strict';
import test from 'node:test';
import { Connection } from '../widget/connection.js';
import { fakeError } from '../testing.js';
import { Viewer, file, start, token, task, url, write } from './viewer.js';

test('B21 a new token function replaces the one before, without reconnecting', async () => {
  const { join, made, news } = start();
  let asked = [];
  const viewer = join(new Viewer(async (request) => { asked.push(['first', request.conversation]); return token('ada'); }));
  await task();
  const { session } = viewer;
  for (let i = 0; i < 3; i += 1) {
    viewer.provider = async () => { asked.push(['new', i]); return token('ada'); };
    viewer.connection.providerChanged(viewer);
    await task();
  }
  assert.equal(viewer.session, session);
  assert.deepEqual(news(), ['ada join']);
  assert.equal(asked.length, 1);
  await made[0].ask(); // as at a reconnect
  assert.deepEqual(asked.at(-1), ['new', 2]);
});

test('a token that is a string is the only one until another is set', async () => {
  const { join, made, news } = start();
  const viewer = join(new Viewer(token('ada')));
  await task();
  assert.equal(made[0].ask, token('ada'));
  const later = `${token('ada')}later`;
  viewer.provider = later;
  viewer.connection.providerChanged(viewer);
  assert.equal(made[0].ask, later);
  viewer.provider = async () => 'asked for';
  viewer.connection.providerChanged(viewer);
  assert.equal(await made[0].ask(), 'asked for');
  assert.deepEqual(news(), ['ada join']);
});

test('the provider is called with the name of the conversation', async () => {
  const asked = [];
  start('ada/4711').join(new Viewer((...given) => { asked.push(...given); return token('ada'); }));
  await task();
  assert.deepEqual(asked, [{ conversation: 'ada/4711' }]);
});

test('another element joins once its token has named the same party, and sees nothing before', async () => {
  const { join, news, made } = start();
  const first = join(new Viewer(async () => token('ada')));
  await task();
  write(first, 'secret');
  let give = () => {};
  const second = join(new Viewer(() => new Promise((resolve) => { give = resolve; })));
  assert.equal(second.session, undefined);
  assert.equal(second.conversation.draft.text, '');
  second.conversation.add([file()]);
  give(token('ada'));
  await task();
  assert.equal(second.session, first.session);
  assert.equal(second.conversation.draft.text, 'secret');
  assert.equal(made.length, 1);
  assert.deepEqual(news(), ['ada join']);
  assert.equal(first.conversation.busy, true, 'what was chosen meanwhile is sent');
});

test('an element that has presented no token yet is not asked for the session\'s', async () => {
  const { join, made } = start();
  const ada = join(new Viewer(async () => token('ada')));
  await task();
  const { conversation } = ada;
  let give = () => {};
  const bo = join(new Viewer(() => new Promise((resolve) => { give = resolve; })));
  bo.provider = async () => token('bo');
  bo.connection.providerChanged(bo);
  assert.equal(await made[0].asked(), token('ada'));
  assert.equal(ada.conversation, conversation);
  give(token('bo'));
  await task();
});

test('an element with the same token function joins at once', async () => {
  const { join } = start();
  let asked = 0;
  const provider = async () => { asked += 1; return token('ada'); };
  const first = join(new Viewer(provider));
  await task();
  first.connection.leave(first);
  const second = join(new Viewer(provider));
  assert.equal(second.session, first.session);
  assert.equal(asked, 1);
});

test('another user who comes within the grace never sees the earlier conversation', async () => {
  const { join, news } = start();
  const ada = join(new Viewer(async () => token('ada')));
  await task();
  const old = ada.conversation;
  write(ada, 'secret');
  ada.connection.leave(ada);
  const bo = join(new Viewer(async () => token('bo')));
  await task();
  await task();
  assert.ok(!bo.shown.includes(old));
  assert.equal(bo.session.party.userId, 'bo');
  assert.equal(bo.conversation.draft.text, '');
  assert.deepEqual(news(), ['ada join', 'ada leave', 'bo join']);
});

test('two parties under one name get separate sessions', async () => {
  const { join, news } = start();
  const ada = join(new Viewer(async () => token('ada')));
  await task();
  const { session } = ada;
  const bo = join(new Viewer(async () => token('bo')));
  await task();
  await task();
  assert.equal(ada.session, session);
  assert.equal(bo.session.party.userId, 'bo');
  assert.notEqual(bo.connection, ada.connection);
  assert.deepEqual(news(), ['ada join', 'bo join']);
});

for (const [what, next] of [['chat session', token('ada', 'chat-2')], ['user', token('bo')]]) {
  /** The ways in which a token of another party comes. */
  const ways = {
    'a new string': (viewer) => { viewer.provider = next; viewer.connection.providerChanged(viewer); },
    'the provider at a reconnect': (viewer, { asked }) => { viewer.provider = () => next; viewer.connection.providerChanged(viewer); return assert.rejects(asked(), { code: 'session-invalid' }); },
    'the module': (viewer, { session }) => { viewer.provider = () => next; session.setState('closed', { error: fakeError('session-invalid') }); },
  };
  for (const [how, change] of Object.entries(ways)) {
    test(`a token that names another ${what} is a switch: ${how}`, async () => {
      const { join, made } = start();
      const viewer = join(new Viewer(token('ada')));
      await task();
      const old = viewer.conversation;
      const [first] = made;
      write(viewer, 'secret');
      const changing = change(viewer, first);
      await Promise.resolve();
      await Promise.resolve();
      assert.notEqual(viewer.conversation, old, 'the old view is gone at once');
      await changing;
      await task();
      assert.equal(first.session.state, 'closed');
      assert.equal(viewer.session, made[1].session);
      assert.equal(viewer.conversation.draft.text, '');
      first.session.fire('message', {});
      viewer.provider = token('ada');
      viewer.connection.providerChanged(viewer);
      await task();
      const back = what === 'user' ? '' : 'secret';
      assert.equal(viewer.conversation.draft.text, back, 'a draft returns with its conversation, not after another user was here');
    });
  }
}

test('an abandoned session gets no more tokens', async () => {
  const { join, made } = start();
  const viewer = join(new Viewer(async () => token('ada')));
  await task();
  const [first] = made;
  viewer.provider = async () => token('bo');
  await assert.rejects(first.ask, { code: 'session-invalid' });
  await task();
  await assert.rejects(first.ask, { code: 'session-invalid' }, 'not even the next one\'s');
  assert.equal(await made[1].ask(), token('bo'));
});

test('before the first join, a token for another chat session of the same user is not a switch', async () => {
  let asks = [];
  const tokens = [token('ada', 'chat-1'), token('ada', 'chat-2'), token('bo', 'chat-2')];
  const connection = new Connection(url, '', { connect: ({ token: ask, signal }) => new Promise((_, reject) => {
    asks.push(ask);
    signal.addEventListener('abort', () => reject(signal.reason));
  }) });
  const viewer = new Viewer(async () => tokens.shift());
  connection.join(viewer);
  viewer.conversation.add([file()]);
  const { conversation } = viewer;
  assert.equal(await asks[0](), token('ada', 'chat-1'));
  assert.equal(await asks[0](), token('ada', 'chat-2'));
  assert.equal(viewer.conversation, conversation);
  assert.ok(conversation.busy);
  await assert.rejects(asks[0], { code: 'session-invalid' });
  assert.notEqual(viewer.conversation, conversation);
  assert.ok(!viewer.conversation.busy, 'what one user chose is not sent by another');
  connection.logOut(viewer);
});

test('an element whose token function hangs sees nothing, and can retry', async (t) => {
  const { join } = start();
  const first = join(new Viewer(async () => token('ada')));
  await task();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const second = join(new Viewer(() => new Promise(() => {})));
  t.mock.timers.tick(15_000);
  await task();
  assert.equal(second.conversation.phase, 'unreachable');
  assert.equal(second.conversation.error.code, 'timeout');
  second.provider = async () => token('ada');
  second.conversation.reconnect();
  await task();
  assert.equal(second.session, first.session);
});
