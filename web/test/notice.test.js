import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FakeChat } from '../testing.js';
import { joinChat, proxy, until } from './visit.js';

const bo = { userId: 'bo', nickname: 'Bo', userType: 'CLIENT' };

test('notify sends what it was given, and resolves with the event', async () => {
  const session = await joinChat();
  const data = { a: '1', list: { n: 2, raw: { $binary: 'AAE=' } } };
  const event = await session.notify('USER_CUSTOM', { text: 'hi', data, visibility: 'INT', receiver: 'bo' });
  assert.deepEqual(event, {
    type: 'notice', event: 1, at: 1, from: { userId: 'ada', nickname: 'Ada', userType: 'AGENT' }, own: true, visibility: 'INT', receiver: 'bo',
    notice: 'USER_CUSTOM', text: 'hi', data,
  });
  assert.ok(Object.isFrozen(event.data.list.raw), 'all listeners share it');
  assert.match(proxy.notices[0].key, /^[0-9a-f]{32}$/);
});

test('each shorthand asks for its notice', async () => {
  proxy.welcome.rights.push('upload:standard-response');
  const session = await joinChat();
  const renamed = await session.rename('Ada L.');
  assert.equal(renamed.nickname, 'Ada L.');
  await until(() => session.party.nickname === 'Ada L.');
  const pushed = await session.notify('PUSH_URL', { text: 'https://example.com/' });
  assert.deepEqual([pushed.type, pushed.url], ['url', 'https://example.com/']);
  assert.equal((await session.remove({ id: 'F1' })).file, 'F1');
  assert.equal((await session.remove('F2')).file, 'F2');
  assert.equal(await session.removeParty('bo', { after: 'force-close' }), undefined);
  await session.attach('D1', { description: 'the form', custom: { case: '4711' }, visibility: 'INT' });
  assert.equal(await session.notify('READ_RECEIPT', { data: { 'transcript-position': 3 } }), undefined);
  assert.deepEqual(proxy.notices.map(({ notice, text, data }) => [notice, text, data]), [
    ['USER_UPDATE_NICK', 'Ada L.', undefined],
    ['PUSH_URL', 'https://example.com/', undefined],
    ['SYS_COMMAND', 'file-deleted', { 'file-id': 'F1' }],
    ['SYS_COMMAND', 'file-deleted', { 'file-id': 'F2' }],
    ['SYS_COMMAND', 'party-remove', { 'user-id': 'bo', 'after-action': 'force-close' }],
    ['SYS_COMMAND', 'file-uploaded', { case: '4711', 'file-document-id': 'D1', 'file-description': 'the form' }],
    ['READ_RECEIPT', undefined, { 'transcript-position': 3 }],
  ]);
});

test('calls with wrong arguments are refused and send nothing', async () => {
  const session = await joinChat();
  const throwing = { get data() { throw new Error('no'); } };
  const calls = {
    'no type': () => session.notify(''), 'a type of a number': () => session.notify(7), 'options that throw': () => session.notify('USER_CUSTOM', throwing),
    'a type without a rule': () => session.notify('X'), 'data of a function': () => session.notify('USER_CUSTOM', { data: { a() {} } }),
    'a number below 0': () => session.notify('USER_CUSTOM', { data: { a: -1 } }), 'half a number': () => session.notify('USER_CUSTOM', { data: { a: 0.5 } }),
    'a URL that runs': () => session.notify('PUSH_URL', { text: 'javascript:0' }), 'no nickname': () => session.rename(' '),
    'no document': () => session.attach(''), 'no file': () => session.remove({}), 'nobody': () => session.removeParty(''),
    'an action': () => session.removeParty('bo', { after: 'explode' }), 'a search of numbers': () => session.find(7), 'a treatment': () => session.send('x', { treatAs: 'LOUD' }),
  };
  for (const [name, call] of Object.entries(calls)) await assert.rejects(call(), { name: 'AttacheError', code: 'message-invalid' }, name);
  await assert.rejects(session.notify('USER_CUSTOM', { data: { list: { 'file-id': 'x' } } }), { code: 'custom-key-refused' });
  assert.throws(() => session.typing(7), { code: 'message-invalid' });
  assert.throws(() => session.typing(true, { visibility: 1 }), { code: 'message-invalid' });
  assert.deepEqual(proxy.notices, []);
});

test('typing sends a beginning, the latest text and an end, and asks for no answer', async () => {
  const session = await joinChat();
  assert.equal(session.typing('he', { visibility: 'INT' }), undefined);
  session.typing('');
  session.typing(true);
  session.typing(false);
  await until(() => proxy.notices.length === 4);
  assert.deepEqual(proxy.notices.map(({ notice, text, key, visibility }) => [notice, text, key, visibility]), [
    ['TYPING_STARTED', 'he', undefined, 'INT'], ['TYPING_STOPPED', undefined, undefined, 'INT'],
    ['TYPING_STARTED', undefined, undefined, 'ALL'], ['TYPING_STOPPED', undefined, undefined, 'ALL'],
  ]);
});

test('others\' notices come as typed events, and those that are kept are in the transcript', async () => {
  const session = await joinChat();
  const seen = [];
  for (const type of ['typing', 'nickname', 'url', 'deletion', 'receipt', 'idle', 'notice']) {
    session.addEventListener(type, ({ detail }) => seen.push([type, detail.on ?? detail.nickname ?? detail.url ?? detail.file ?? detail.position ?? detail.closed ?? detail.notice]));
  }
  const add = (notice, more) => proxy.add({ type: 'notice', notice, from: bo, ...more });
  add('TYPING_STARTED', { id: 0, text: 'h' });
  add('USER_UPDATE_NICK', { text: 'Bo' });
  add('PUSH_URL', { text: 'http://a/' });
  add('PUSH_URL', { text: 'javascript:0' });
  add('SYS_COMMAND', { text: 'file-deleted', data: { 'file-id': 'F1' } });
  add('READ_RECEIPT', { id: 0, data: { 'transcript-position': 2 } });
  add('IDLE_CONTROL_ALERT', { text: 'still there?' });
  await until(() => seen.length === 8);
  assert.deepEqual(seen, [
    ['typing', true], ['typing', false], ['nickname', 'Bo'], ['url', 'http://a/'], ['notice', 'PUSH_URL'], ['deletion', 'F1'], ['receipt', 2], ['idle', false],
  ]);
  assert.deepEqual(session.transcript.map(({ type }) => type), ['nickname', 'url', 'notice', 'deletion', 'idle']);
  assert.equal(session.party.nickname, 'Ada', 'another party was renamed');
});

test('the item of a deleted file says that it is not downloadable any more', async () => {
  const session = await joinChat();
  const files = [];
  session.addEventListener('file', ({ detail }) => files.push(detail));
  for (const id of ['F1', 'F2']) {
    proxy.add({
      type: 'notice', notice: 'SYS_COMMAND', text: 'file-uploaded', from: bo,
      data: {
        'file-id': id, 'file-name': 'a.pdf', 'file-size': '3', 'file-source': 'ucs', 'file-document-id': id, 'file-upload-type': 'file-system',
        'attache-key': id === 'F1' ? '01'.repeat(16) : '02'.repeat(16),
      },
    });
  }
  await until(() => files.length === 2);
  assert.deepEqual(session.transcript.map(({ downloadable }) => downloadable), [true, true]);
  const deleted = new Promise((resolve) => { session.addEventListener('deletion', resolve); });
  proxy.add({ type: 'notice', notice: 'SYS_COMMAND', text: 'file-deleted', from: bo, data: { 'file-id': 'F1' } });
  await deleted;
  assert.deepEqual(session.transcript.map(({ downloadable, reason }) => [downloadable, reason]).slice(0, 2), [[false, 'the file was deleted'], [true, '']]);
  assert.equal(files[0].downloadable, true, 'what the application was given does not change');
  assert.throws(() => { session.transcript[0].downloadable = true; }, TypeError);
});

test('a direct message names its receiver and its members', async () => {
  const session = await joinChat();
  const sent = await session.send('psst', { receiver: 'bo', messageType: 'text', treatAs: 'SYSTEM', visibility: 'INT' });
  assert.deepEqual([sent.receiver, sent.messageType, sent.treatAs, sent.visibility], ['bo', 'text', 'SYSTEM', 'INT']);
  const { receiver, messageType, treatAs } = proxy.says.at(-1);
  assert.deepEqual([receiver, messageType, treatAs], ['bo', 'text', 'SYSTEM']);
});

test('find resolves with the standard responses', async () => {
  proxy.welcome.rights.push('upload:standard-response');
  const session = await joinChat();
  proxy.found = { responses: [{ document: 'D1', name: 'a.pdf', folder: 'de', size: 3 }], more: true };
  assert.deepEqual(await session.find('form'), { responses: [{ documentId: 'D1', name: 'a.pdf', folder: 'de', description: '', size: 3 }], more: true });
  proxy.found = {};
  assert.deepEqual(await session.find(), { responses: [], more: false });
});

test('every hello names the ClientVersion', async () => {
  await joinChat();
  assert.equal(proxy.last('/chat').clientVersion, 106);
});

test('the double of a chat does the same', async () => {
  const chat = new FakeChat();
  const agent = chat.join({ nickname: 'Ada', userType: 'AGENT' });
  const customer = chat.join({ nickname: 'Bo' });
  const heard = [];
  for (const type of ['typing', 'nickname', 'url', 'deletion', 'receipt', 'notice', 'message', 'file']) customer.addEventListener(type, ({ detail }) => heard.push(detail));
  agent.typing('he');
  agent.typing(false);
  await agent.rename('Ada L.');
  await agent.notify('PUSH_URL', { text: 'https://a/' });
  await agent.notify('USER_CUSTOM', { text: 'x', visibility: 'INT' });
  assert.equal(await agent.notify('READ_RECEIPT', { data: { 'transcript-position': 2 } }), undefined);
  await agent.send('for another', { receiver: 'Ada' }).catch(() => {});
  await agent.send('psst', { receiver: 'Bo' });
  await assert.rejects(agent.send('x', { receiver: 'nobody' }), { code: 'party-unknown' });
  chat.library = [{ documentId: 'D1', name: 'a.pdf', folder: 'forms', description: 'the form', size: 3 }];
  assert.deepEqual((await agent.find('FORM a')).responses.map(({ documentId }) => documentId), ['D1']);
  await assert.rejects(agent.attach('D2'), { code: 'document-unknown' });
  await assert.rejects(customer.attach('D1'), { code: 'forbidden' });
  const file = await agent.attach('D1', { description: 'sign it' });
  assert.equal(file.uploadType, 'standard-response');
  await assert.rejects(customer.remove(file), { code: 'forbidden' });
  await agent.remove(file);
  const item = customer.transcript.find(({ id }) => id === file.id);
  assert.deepEqual([item.downloadable, item.reason], [false, 'the file was deleted']);
  assert.equal((await agent.remove(file)).event, agent.transcript.at(-1).event, 'a second time, nothing is added');
  assert.deepEqual(heard.map(({ type, own }) => `${type} ${own}`), [
    'typing false', 'typing false', 'nickname false', 'url false', 'receipt false', 'message false', 'file false', 'deletion false',
  ]);
  await assert.rejects(customer.removeParty('Ada'), { code: 'forbidden' });
  await agent.removeParty('Bo');
  assert.equal(customer.state, 'closed');
  assert.equal(agent.transcript.at(-1).asker, 'Ada');
});

test('the double refuses what the proxy refuses', async () => {
  const chat = new FakeChat();
  const agent = chat.join({ nickname: 'Ada', userType: 'AGENT' });
  const customer = chat.join({ nickname: 'Bo' });
  const count = chat.events.length;
  for (const [code, name, call] of [
    ['message-invalid', 'a blank nickname', () => agent.rename(' ')],
    ['message-invalid', 'no nickname', () => agent.notify('USER_UPDATE_NICK')],
    ['message-invalid', 'a URL that runs', () => agent.notify('PUSH_URL', { text: 'javascript:0' })],
    ['message-invalid', 'a URL with a user name', () => agent.notify('PUSH_URL', { text: 'https://bank.example@evil.example/' })],
    ['message-invalid', 'an unknown type', () => agent.notify('X')],
    ['custom-key-refused', "a file's key", () => agent.notify('USER_CUSTOM', { data: { list: { 'file-id': 'x' } } })],
    ['forbidden', "a customer's search", () => customer.find('')],
    ['forbidden', "a customer's response", () => customer.attach('D1')],
    ['forbidden', "a customer's removal", () => customer.removeParty('Ada')],
    ['forbidden', "a customer's timers", () => customer.notify('IDLE_CONTROL_SET', { data: { a: '1' } })],
  ]) await assert.rejects(call(), { code }, name);
  assert.equal(chat.events.length, count);
  const typing = [];
  agent.addEventListener('typing', ({ detail }) => typing.push(detail.on));
  customer.typing('he');
  await customer.send('hello');
  assert.deepEqual(typing, [true, false], 'a message ends typing');
  await agent.removeParty('Bo');
  for (const call of [() => customer.send('x'), () => customer.rename('B'), () => customer.notify('USER_CUSTOM')]) await assert.rejects(call(), { code: 'not-joined' });
});
