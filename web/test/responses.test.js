import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeChat, fakeError } from '../testing.js';
import { Conversation } from '../widget/conversation.js';
import { Responses } from '../widget/responses.js';

const library = [{ documentId: 'D1', name: 'a.pdf', folder: '', description: 'for you', size: 7 }];

/** A party of that type in a chat with a library. */
function party(options, responses = library) {
  const chat = new FakeChat();
  chat.library = responses;
  return chat.join({ nickname: 'Ada', userType: 'AGENT', ...options });
}

for (const [what, session, want] of [
  ['an agent', party({}), true],
  ['a supervisor', party({ userType: 'SUPERVISOR' }), true],
  ['a customer', party({ userType: 'CLIENT' }), false],
  ['a party without the right', party({ rights: ['chat', 'upload:file-system'] }), false],
  ['an empty library', party({}, []), false],
  ['a proxy without a library', Object.assign(party({}), { find: () => Promise.reject(fakeError('document-unknown')) }), false],
  ['a session of an earlier release', Object.assign(party({}), { find: undefined }), false],
  ['no session', undefined, false],
]) {
  test(`standard responses are offered to ${what}: ${want}`, async () => assert.equal(await new Responses(session, () => 'ALL').available, want));
}

test('the library is asked once whether it has anything', async () => {
  let asked = 0;
  const session = Object.assign(party({}), { find: async () => { asked += 1; return { responses: library, more: false }; } });
  const responses = new Responses(session, () => 'ALL');
  await Promise.all([responses.available, responses.available]);
  assert.equal(asked, 1);
});

test('a response is attached with its description, for the parties that see what is sent', async () => {
  const session = party({});
  const conversation = new Conversation();
  conversation.attach(session);
  conversation.setVisibility('INT');
  await conversation.responses.attach(library[0]);
  const { name, description, visibility, uploadType } = session.transcript.at(-1);
  assert.deepEqual({ name, description, visibility, uploadType }, { name: 'a.pdf', description: 'for you', visibility: 'INT', uploadType: 'standard-response' });
});

test('typing is shown to the parties that see what is sent, without the text', () => {
  const session = party({});
  const typed = [];
  session.typing = (...values) => typed.push(values);
  const conversation = new Conversation();
  conversation.attach(session);
  conversation.typed(true);
  conversation.setVisibility('INT');
  conversation.typed(true);
  conversation.typed(false);
  assert.deepEqual(typed, [[true, { visibility: 'ALL' }], [false, { visibility: 'ALL' }], [true, { visibility: 'INT' }], [false, { visibility: 'INT' }]]);
});

test('a deleted file is forgotten: it can be neither opened nor saved from memory', async () => {
  const session = party({});
  const conversation = new Conversation();
  conversation.attach(session);
  const file = await session.upload(new File(['a text'], 'a.txt'));
  assert.equal((await conversation.open(file)).text, 'a text');
  await conversation.delete(file);
  assert.equal(conversation.downloads.of(file.id), undefined);
  assert.equal(await conversation.open(file), undefined);
});
