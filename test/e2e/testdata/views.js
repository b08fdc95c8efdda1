// Runs beside the probe: makes and removes elements, and controls the timers of the
// grace in which a session waits for its party to return.
'use strict';
globalThis.views = (() => {
  const grace = 30_000;
  const { setTimeout: later, clearTimeout: never } = globalThis;
  const waiting = new Map();
  globalThis.setTimeout = (run, ms, ...values) => {
    const timer = later(() => { waiting.delete(timer); run(...values); }, ms);
    if (ms === grace) waiting.set(timer, run);
    return timer;
  };
  globalThis.clearTimeout = (timer) => {
    waiting.delete(timer);
    never(timer);
  };

  /** Ends the grace of all waiting sessions. */
  function expire() {
    for (const [timer, run] of [...waiting]) {
      clearTimeout(timer);
      run();
    }
  }

  const { WebSocket: Socket } = globalThis;
  let sockets = 0;
  globalThis.WebSocket = class extends Socket {
    constructor(...values) {
      super(...values);
      sockets += 1;
      this.addEventListener('close', () => { sockets -= 1; }, { once: true });
    }
  };

  let proxy = '';
  const open = (address) => {
    proxy = address;
    return import(`${address}/web/element.js`);
  };

  /** Makes an element. A token is passed as a new function, as many pages do at each rendering. */
  function mount(id, token, conversation) {
    const element = document.createElement('attache-chat');
    element.id = id;
    element.url = proxy;
    if (conversation) element.conversation = conversation;
    if (token) element.token = typeof token === 'string' ? async () => token : token;
    element.errors = [];
    element.addEventListener('attache-error', ({ detail }) => element.errors.push(detail));
    document.body.append(element);
    return element;
  }

  const field = (id) => e2e.root(id).querySelector('textarea');
  const draft = (id) => field(id)?.value ?? '';

  function write(id, text) {
    const node = field(id);
    node.focus();
    node.value = text;
    node.setSelectionRange(2, 4);
    node.dispatchEvent(new InputEvent('input', { bubbles: true }));
  }

  /** A party that only reads which parties come and go. */
  const readers = new Map();
  async function watch(name, token) {
    const { connect } = await e2e.api();
    readers.set(name, await connect({ url: proxy, token }));
  }
  const news = (name) => readers.get(name).transcript
    .filter(({ type, from }) => (type === 'join' || type === 'leave') && from.userId !== readers.get(name).party.userId)
    .map(({ type, from }) => `${from.userId} ${type}`);
  const texts = (name) => readers.get(name).transcript.filter(({ type }) => type === 'message').map(({ text }) => text);
  const watchers = () => readers.size;

  return { open, mount, field, draft, write, watch, news, texts, watchers, expire, sockets: () => sockets, waiting: () => waiting.size };
})();
