import assert from 'node:assert/strict';
import test from 'node:test';

const window = new EventTarget();
let listening = 0;
globalThis.addEventListener = (type, listener) => { listening += 1; window.addEventListener(type, listener); };
globalThis.removeEventListener = (type, listener) => { listening -= 1; window.removeEventListener(type, listener); };
const { warnBeforeUnload } = await import('../widget/unloadwarning.js');
const { Conversation } = await import('../widget/conversation.js');
const { FakeChat } = await import('../testing.js');

/** Reports whether the browser would ask. */
function asks() {
  const event = new Event('beforeunload', { cancelable: true });
  Object.defineProperty(event, 'returnValue', { value: '', writable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}

test('B47 the page listens only as long as something would be lost', () => {
  const [one, two] = [{}, {}];
  for (const [view, loses, want] of [[one, false, 0], [one, true, 1], [one, true, 1], [two, true, 1], [one, false, 1], [two, false, 0], [two, false, 0]]) {
    warnBeforeUnload(view, loses);
    assert.equal(listening, want);
    assert.equal(asks(), want === 1);
  }
});

test('B47 an upload would be lost until the proxy has all of it', async () => {
  const session = new FakeChat().join();
  const conversation = Conversation.of(session);
  const states = [];
  session.addEventListener('upload', ({ detail: { state } }) => states.push([state, asks()]));
  const announced = new Promise((resolve) => { session.addEventListener('file', resolve); });
  conversation.add([new File(['abc'], 'a.pdf')]);
  assert.ok(asks());
  await announced;
  const seen = new Map(states);
  assert.deepEqual(['receiving', 'accepted', 'stored'].map((state) => seen.get(state)), [true, false, false]);
  assert.equal(listening, 0);
});

test('B47 a file that waits for a session would be lost as long as a view shows it', () => {
  const conversation = new Conversation(async (name) => ({ name, extension: '', kind: 'unknown', caution: '' }));
  const view = new Proxy({}, { get: () => () => {} });
  conversation.join(view);
  conversation.add([new File(['abc'], 'a.pdf')]);
  assert.ok(asks());
  conversation.leave(view);
  assert.ok(!asks());
  assert.equal(listening, 0);
});
