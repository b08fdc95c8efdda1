import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeChat } from '../testing.js';
import { Conversation } from '../widget/conversation.js';
import { visibilities } from '../widget/visibility.js';

for (const [userType, want] of [
  [undefined, ['ALL']],
  ['CLIENT', ['ALL']],
  ['AGENT', ['ALL', 'INT']],
  ['SUPERVISOR', ['ALL', 'INT', 'VIP']],
  ['EXTERNAL', ['ALL', 'INT', 'VIP']],
  ['SYSTEM', ['ALL', 'INT', 'VIP']],
]) {
  test(`a party of type ${userType} is offered ${want}`, () => assert.deepEqual(visibilities(userType), want));
}

const texts = (session) => session.transcript.flatMap(({ type, text, name }) => (type === 'message' ? [text] : type === 'file' ? [name] : []));

test('the double shows each party what its type may see', async () => {
  const chat = new FakeChat();
  const [bo, ada, eve] = ['CLIENT', 'AGENT', 'SUPERVISOR'].map((userType) => chat.join({ nickname: userType, userType }));
  const heard = [];
  bo.addEventListener('message', ({ detail }) => heard.push(detail.text));
  await ada.send('to all');
  await ada.send('to agents', { visibility: 'INT' });
  await eve.send('to supervisors', { visibility: 'VIP' });
  await ada.upload(new File(['x'], 'agents.txt'), { visibility: 'INT' });
  assert.deepEqual(texts(bo), ['to all']);
  assert.deepEqual(heard, ['to all']);
  assert.deepEqual(texts(ada), ['to all', 'to agents', 'agents.txt']);
  assert.deepEqual(texts(eve), ['to all', 'to agents', 'to supervisors', 'agents.txt']);
});

test('a conversation sends texts and files with the visibility that was chosen, also on a retry', async () => {
  const chat = new FakeChat();
  const ada = chat.join({ nickname: 'Ada', userType: 'AGENT' });
  const conversation = new Conversation(async (name) => ({ name, extension: '', kind: 'unknown', caution: '' }));
  conversation.attach(ada);
  conversation.setVisibility('INT');
  await conversation.send('a hint');
  ada.script({ fail: Object.assign(new Error('busy'), { retryable: true }) });
  conversation.add([new File(['x'], 'a.txt')]);
  await new Promise((resolve) => { setTimeout(resolve, 50); });
  conversation.setVisibility('ALL');
  const failed = conversation.pending.find((one) => 'unfinished' in one);
  conversation.retry(failed);
  await conversation.send('to all');
  await new Promise((resolve) => { ada.addEventListener('file', resolve, { once: true }); });
  assert.deepEqual(ada.transcript.slice(1).map(({ type, visibility }) => [type, visibility]).sort(), [['file', 'INT'], ['message', 'ALL'], ['message', 'INT']]);
});

test('a conversation that continues as a customer forgets a visibility that is for agents', () => {
  const chat = new FakeChat();
  const conversation = new Conversation();
  conversation.attach(chat.join({ nickname: 'Ada', userType: 'AGENT' }));
  conversation.setVisibility('INT');
  conversation.attach(chat.join({ nickname: 'Bo', userType: 'CLIENT' }));
  assert.equal(conversation.visibility, 'ALL');
});
