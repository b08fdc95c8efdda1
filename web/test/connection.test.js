import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import test from 'node:test';
import { Connection } from '../widget/connection.js';
import { AttacheError } from '../session/error.js';
import { FakeChat, fakeError } from '../testing.js';
import { Viewer, file, grace, start, token, task, url, write } from './viewer.js';

test('B21 an element that returns within the grace finds the same session; after it the session is closed', async (t) => {
  const { join, own, news, made } = start();
  for (const [what, enter] of [['with a name', join], ['without', own]]) {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const viewer = enter(new Viewer(async () => token(what)));
    await task();
    const { session, connection } = viewer;
    write(viewer, 'half a sentence');
    connection.leave(viewer);
    t.mock.timers.tick(grace - 1);
    connection.join(viewer);
    t.mock.timers.tick(grace);
    assert.equal(viewer.session, session, what);
    assert.equal(viewer.conversation.draft.text, 'half a sentence');
    connection.leave(viewer);
    t.mock.timers.tick(grace);
    await task();
    assert.equal(viewer.session, undefined);
    assert.ok(connection.ended);
    assert.deepEqual(news().filter((one) => one.startsWith(`${what} `)), [`${what} join`, `${what} leave`]);
    t.mock.timers.reset();
  }
  for (const { session } of made) {
    for (const type of ['join', 'leave', 'message', 'file', 'upload', 'limits']) assert.equal(getEventListeners(session, type).length, 0, type);
  }
});

test('an upload keeps a session open that no element shows', async (t) => {
  const { join, made, news } = start();
  const viewer = join(new Viewer(async () => token('ada')));
  await task();
  const [{ session }] = made;
  let arrived = () => {};
  session.upload = () => new Promise((resolve) => { arrived = resolve; });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  viewer.conversation.add([file()]);
  const [{ key }] = [{ key: await new Promise((resolve) => {
    const { upload } = session;
    session.upload = (given, options) => { resolve(options.key); return upload(given, options); };
    viewer.conversation.add([file('b.pdf')]);
  }) }];
  viewer.connection.leave(viewer);
  t.mock.timers.tick(grace);
  assert.deepEqual(news(), ['ada join']);
  assert.ok(key);
  session.setState('reconnecting'); // for an unknown time
  t.mock.timers.tick(grace);
  assert.deepEqual(news(), ['ada join', 'ada leave']);
  arrived();
});

test('B31 a delay of the first connect is shown, and then its end', async () => {
  let joined = () => {};
  const connect = ({ onRetry }) => new Promise((resolve) => {
    onRetry({ error: new AttacheError({ code: 'offline', message: '' }), retryIn: 300 });
    joined = () => resolve(new FakeChat().join({ nickname: 'ada' }));
  });
  const viewer = new Viewer(async () => token('ada'));
  new Connection(url, '', { connect }).join(viewer);
  const { conversation } = viewer;
  assert.deepEqual([conversation.phase, conversation.error?.code, conversation.retryIn], ['connecting', 'offline', 300]);
  joined();
  await task();
  assert.deepEqual([viewer.conversation.phase, viewer.conversation.error], ['connected', undefined]);
});

test('logging out forgets the user\'s drafts, in this conversation and others', async () => {
  const one = start();
  const other = start();
  const viewer = one.join(new Viewer(token('ada')));
  await task();
  write(viewer, 'secret');
  viewer.connection.leave(viewer);
  other.join(viewer);
  await task();
  write(viewer, 'secret');
  viewer.provider = undefined;
  viewer.connection.logOut(viewer);
  await task();
  assert.deepEqual([...one.news(), ...other.news()], ['ada join', 'ada leave', 'ada join', 'ada leave']);
  for (const { join } of [one, other]) {
    const again = join(new Viewer(token('ada')));
    await task();
    assert.equal(again.conversation.draft.text, '');
    again.connection.logOut(again);
  }
});

test('B32 B29 reconnecting keeps draft, chosen files and failed uploads', async () => {
  const { join, made } = start();
  const viewer = join(new Viewer(async () => token('ada')));
  await task();
  const [{ session }] = made;
  session.script({ at: 0.5, hold: new Promise(() => {}) });
  viewer.conversation.add([file('running.pdf')]);
  write(viewer, 'half a sentence');
  session.setState('closed', { error: fakeError('token-invalid') });
  await task();
  const { conversation } = viewer;
  conversation.add([file('later.pdf')]);
  await task();
  conversation.reconnect();
  await task();
  assert.equal(viewer.conversation, conversation);
  assert.equal(conversation.draft.text, 'half a sentence');
  assert.deepEqual(conversation.pending.map(({ name }) => name), ['running.pdf']);
  const arrived = new Promise((resolve) => {
    const seen = [];
    made[1].session.addEventListener('file', ({ detail: { name } }) => { if (seen.push(name) === 2) resolve(seen.sort()); });
  });
  conversation.retry(conversation.pending[0]);
  assert.deepEqual(await arrived, ['later.pdf', 'running.pdf']);
  assert.deepEqual(conversation.pending, []);
});

test('the number of conversations that no element shows is limited', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const all = start();
  for (let i = 0; i < 50; i += 1) {
    const viewer = all.own(new Viewer(token(`user ${i}`)));
    await task();
    viewer.connection.leave(viewer);
  }
  await task();
  const { chats } = all;
  assert.equal(chats.get('chat-1').sessions.size, 16);
  t.mock.timers.tick(grace);
  await task();
  assert.equal(chats.get('chat-1').sessions.size, 0);
});

test('a thousand remounts use one session, and leave none open', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { join, chats, made, news } = start();
  for (let i = 0; i < 1000; i += 1) {
    const viewer = join(new Viewer(async () => token('ada')));
    if (i % 7 === 0) await task();
    viewer.connection.leave(viewer);
  }
  assert.equal(made.length, 1);
  t.mock.timers.tick(grace);
  await task();
  assert.deepEqual(news(), ['ada join', 'ada leave']);
  assert.equal(chats.get('chat-1').sessions.size, 0);
  for (const type of ['join', 'leave', 'message', 'file', 'upload', 'limits']) assert.equal(getEventListeners(made[0].session, type).length, 0, type);
});
