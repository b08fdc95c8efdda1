import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import test from 'node:test';
import { Connection } from '../connection.js';
import { AttacheError } from '../error.js';
import { FakeChat, fakeError } from '../testing.js';

const grace = 30_000;
const url = 'https://files.example';
const turn = () => new Promise((resolve) => { setImmediate(resolve); });
const file = (name = 'a.pdf') => new File(['abc'], name);

/** A token as the proxy takes them; only whom it names counts here. */
const token = (sub, session = 'chat-1') => `e30.${Buffer.from(JSON.stringify({ sub, session })).toString('base64url')}.c2ln`;

/** An element, as a connection sees it. */
class Viewer {
  connection;
  shown = [];
  constructor(provider) {
    this.provider = provider;
  }
  show(conversation) {
    this.shown.push(conversation);
  }
  get conversation() {
    return this.shown.at(-1);
  }
  get session() {
    return this.conversation?.session;
  }
}

let names = 0;

/** Proxies that know every party of every token. */
function start(name = `name ${names += 1}`) {
  const chats = new Map();
  const made = [];
  const connect = async ({ token: ask, signal }) => {
    const given = typeof ask === 'function' ? await ask() : ask;
    signal.throwIfAborted();
    const { sub: userId, session: id } = JSON.parse(atob(given.split('.')[1]));
    const chat = chats.get(id) ?? new FakeChat();
    chats.set(id, chat);
    const session = chat.join({ nickname: userId, userId });
    session.id = id;
    const one = { session, ask, asked: async () => one.ask() };
    session.setToken = (given) => { one.ask = given; };
    made.push(one);
    return session;
  };
  return {
    chats, made,
    join(viewer) {
      Connection.named(url, name, connect).join(viewer);
      return viewer;
    },
    own(viewer) {
      new Connection(url, '', { connect }).join(viewer);
      return viewer;
    },
    /** Who has joined and left, as the others in the chat read it. */
    news: (id = 'chat-1') => chats.get(id).events.flatMap(({ type, from }) => (type === 'join' || type === 'leave' ? `${from.userId} ${type}` : [])),
  };
}

const write = (viewer, text) => viewer.conversation.write({ text, start: 1, end: 2 });

test('B21 a new token function replaces the one before and connects nothing anew', async () => {
  const { join, made, news } = start();
  let asked = [];
  const viewer = join(new Viewer(async (request) => { asked.push(['first', request.conversation]); return token('ada'); }));
  await turn();
  const { session } = viewer;
  for (let i = 0; i < 3; i += 1) {
    viewer.provider = async () => { asked.push(['new', i]); return token('ada'); };
    viewer.connection.renew(viewer);
    await turn();
  }
  assert.equal(viewer.session, session);
  assert.deepEqual(news(), ['ada join']);
  assert.equal(asked.length, 1);
  await made[0].ask(); // as at a reconnect
  assert.deepEqual(asked.at(-1), ['new', 2]);
});

test('a token that is a string is the only one, until another comes', async () => {
  const { join, made, news } = start();
  const viewer = join(new Viewer(token('ada')));
  await turn();
  assert.equal(made[0].ask, token('ada'));
  const later = `${token('ada')}later`;
  viewer.provider = later;
  viewer.connection.renew(viewer);
  assert.equal(made[0].ask, later);
  viewer.provider = async () => 'asked for';
  viewer.connection.renew(viewer);
  assert.equal(await made[0].ask(), 'asked for');
  assert.deepEqual(news(), ['ada join']);
});

test('the provider is told the name of the conversation', async () => {
  const asked = [];
  start('ada/4711').join(new Viewer((...given) => { asked.push(...given); return token('ada'); }));
  await turn();
  assert.deepEqual(asked, [{ conversation: 'ada/4711' }]);
});

test('B21 who returns within the grace finds the same session, and it ends after it', async (t) => {
  const { join, own, news, made } = start();
  for (const [what, enter] of [['with a name', join], ['without', own]]) {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const viewer = enter(new Viewer(async () => token(what)));
    await turn();
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
    await turn();
    assert.equal(viewer.session, undefined);
    assert.ok(connection.ended);
    assert.deepEqual(news().filter((one) => one.startsWith(`${what} `)), [`${what} join`, `${what} leave`]);
    t.mock.timers.reset();
  }
  for (const { session } of made) {
    for (const type of ['join', 'leave', 'message', 'file', 'upload', 'limits']) assert.equal(getEventListeners(session, type).length, 0, type);
  }
});

test('an upload on its way keeps a session that nobody shows', async (t) => {
  const { join, made, news } = start();
  const viewer = join(new Viewer(async () => token('ada')));
  await turn();
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
  session.enter('reconnecting'); // and no end of it in sight
  t.mock.timers.tick(grace);
  assert.deepEqual(news(), ['ada join', 'ada leave']);
  arrived();
});

test('another element joins after its token has named the same party, and before that sees nothing', async () => {
  const { join, news, made } = start();
  const first = join(new Viewer(async () => token('ada')));
  await turn();
  write(first, 'secret');
  let give = () => {};
  const second = join(new Viewer(() => new Promise((resolve) => { give = resolve; })));
  assert.equal(second.session, undefined);
  assert.equal(second.conversation.draft.text, '');
  second.conversation.add([file()]);
  give(token('ada'));
  await turn();
  assert.equal(second.session, first.session);
  assert.equal(second.conversation.draft.text, 'secret');
  assert.equal(made.length, 1);
  assert.deepEqual(news(), ['ada join']);
  assert.equal(first.conversation.busy, true, 'what was chosen meanwhile is sent');
});

test('B31 what delays the first connect is shown, and its end as well', async () => {
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
  await turn();
  assert.deepEqual([viewer.conversation.phase, viewer.conversation.error], ['connected', undefined]);
});

test('who has not shown a token yet is not asked for the session\'s', async () => {
  const { join, made } = start();
  const ada = join(new Viewer(async () => token('ada')));
  await turn();
  const { conversation } = ada;
  let give = () => {};
  const bo = join(new Viewer(() => new Promise((resolve) => { give = resolve; })));
  bo.provider = async () => token('bo');
  bo.connection.renew(bo);
  assert.equal(await made[0].asked(), token('ada'));
  assert.equal(ada.conversation, conversation);
  give(token('bo'));
  await turn();
});

test('the same token function needs no asking', async () => {
  const { join } = start();
  let asked = 0;
  const provider = async () => { asked += 1; return token('ada'); };
  const first = join(new Viewer(provider));
  await turn();
  first.connection.leave(first);
  const second = join(new Viewer(provider));
  assert.equal(second.session, first.session);
  assert.equal(asked, 1);
});

test('another user who comes within the grace is never shown what was there', async () => {
  const { join, news } = start();
  const ada = join(new Viewer(async () => token('ada')));
  await turn();
  const old = ada.conversation;
  write(ada, 'secret');
  ada.connection.leave(ada);
  const bo = join(new Viewer(async () => token('bo')));
  await turn();
  await turn();
  assert.ok(!bo.shown.includes(old));
  assert.equal(bo.session.party.userId, 'bo');
  assert.equal(bo.conversation.draft.text, '');
  assert.deepEqual(news(), ['ada join', 'ada leave', 'bo join']);
});

test('two parties under one name are kept apart', async () => {
  const { join, news } = start();
  const ada = join(new Viewer(async () => token('ada')));
  await turn();
  const { session } = ada;
  const bo = join(new Viewer(async () => token('bo')));
  await turn();
  await turn();
  assert.equal(ada.session, session);
  assert.equal(bo.session.party.userId, 'bo');
  assert.notEqual(bo.connection, ada.connection);
  assert.deepEqual(news(), ['ada join', 'bo join']);
});

for (const [what, next] of [['chat session', token('ada', 'chat-2')], ['user', token('bo')]]) {
  /** Each way in which a token comes that names somebody else. */
  const ways = {
    'a new string': (viewer) => { viewer.provider = next; viewer.connection.renew(viewer); },
    'what the provider gives at a reconnect': (viewer, { asked }) => { viewer.provider = () => next; viewer.connection.renew(viewer); return assert.rejects(asked(), { code: 'session-invalid' }); },
    'the word of the module': (viewer, { session }) => { viewer.provider = () => next; session.enter('closed', { error: fakeError('session-invalid') }); },
  };
  for (const [how, change] of Object.entries(ways)) {
    test(`a token that names another ${what} is a switch: ${how}`, async () => {
      const { join, made } = start();
      const viewer = join(new Viewer(token('ada')));
      await turn();
      const old = viewer.conversation;
      const [first] = made;
      write(viewer, 'secret');
      const changing = change(viewer, first);
      await Promise.resolve();
      await Promise.resolve();
      assert.notEqual(viewer.conversation, old, 'the old view is gone at once');
      await changing;
      await turn();
      assert.equal(first.session.state, 'closed');
      assert.equal(viewer.session, made[1].session);
      assert.equal(viewer.conversation.draft.text, '');
      first.session.tell('message', {});
      viewer.provider = token('ada');
      viewer.connection.renew(viewer);
      await turn();
      const back = what === 'user' ? '' : 'secret';
      assert.equal(viewer.conversation.draft.text, back, 'a draft returns with its conversation, not after another user was here');
    });
  }
}

test('a session that was given up gets no token any more', async () => {
  const { join, made } = start();
  const viewer = join(new Viewer(async () => token('ada')));
  await turn();
  const [first] = made;
  viewer.provider = async () => token('bo');
  await assert.rejects(first.ask, { code: 'session-invalid' });
  await turn();
  await assert.rejects(first.ask, { code: 'session-invalid' }, 'not even the next one\'s');
  assert.equal(await made[1].ask(), token('bo'));
});

test('until somebody was in it, another chat session of the same user is the same place', async () => {
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

test('a token function that hangs leaves who joins without a view, and lets him try again', async (t) => {
  const { join } = start();
  const first = join(new Viewer(async () => token('ada')));
  await turn();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const second = join(new Viewer(() => new Promise(() => {})));
  t.mock.timers.tick(15_000);
  await turn();
  assert.equal(second.conversation.phase, 'unreachable');
  assert.equal(second.conversation.error.code, 'timeout');
  second.provider = async () => token('ada');
  second.conversation.again();
  await turn();
  assert.equal(second.session, first.session);
});

test('who logs out leaves nothing, in this conversation or another', async () => {
  const one = start();
  const other = start();
  const viewer = one.join(new Viewer(token('ada')));
  await turn();
  write(viewer, 'secret');
  viewer.connection.leave(viewer);
  other.join(viewer);
  await turn();
  write(viewer, 'secret');
  viewer.provider = undefined;
  viewer.connection.logOut(viewer);
  await turn();
  assert.deepEqual([...one.news(), ...other.news()], ['ada join', 'ada leave', 'ada join', 'ada leave']);
  for (const { join } of [one, other]) {
    const again = join(new Viewer(token('ada')));
    await turn();
    assert.equal(again.conversation.draft.text, '');
    again.connection.logOut(again);
  }
});

test('B32 B29 trying again keeps what was written, chosen and failed', async () => {
  const { join, made } = start();
  const viewer = join(new Viewer(async () => token('ada')));
  await turn();
  const [{ session }] = made;
  session.script({ at: 0.5, hold: new Promise(() => {}) });
  viewer.conversation.add([file('running.pdf')]);
  write(viewer, 'half a sentence');
  session.enter('closed', { error: fakeError('token-invalid') });
  await turn();
  const { conversation } = viewer;
  conversation.add([file('later.pdf')]);
  await turn();
  conversation.again();
  await turn();
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

test('conversations that nobody shows are bounded', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const all = start();
  for (let i = 0; i < 50; i += 1) {
    const viewer = all.own(new Viewer(token(`user ${i}`)));
    await turn();
    viewer.connection.leave(viewer);
  }
  await turn();
  const { chats } = all;
  assert.equal(chats.get('chat-1').sessions.size, 16);
  t.mock.timers.tick(grace);
  await turn();
  assert.equal(chats.get('chat-1').sessions.size, 0);
});

test('a thousand remounts are one session, and leave none', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { join, chats, made, news } = start();
  for (let i = 0; i < 1000; i += 1) {
    const viewer = join(new Viewer(async () => token('ada')));
    if (i % 7 === 0) await turn();
    viewer.connection.leave(viewer);
  }
  assert.equal(made.length, 1);
  t.mock.timers.tick(grace);
  await turn();
  assert.deepEqual(news(), ['ada join', 'ada leave']);
  assert.equal(chats.get('chat-1').sessions.size, 0);
  for (const type of ['join', 'leave', 'message', 'file', 'upload', 'limits']) assert.equal(getEventListeners(made[0].session, type).length, 0, type);
});
