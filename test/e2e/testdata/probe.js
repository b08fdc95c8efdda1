// Runs in every page under test before its own scripts; tests use it to see and wait.
'use strict';
globalThis.e2e = (() => {
  const patience = 150_000;

  addEventListener('securitypolicyviolation', (event) => {
    console.error(`policy violation: ${event.effectiveDirective} ${event.blockedURI} in ${event.sourceFile}:${event.lineNumber} ${event.sample}`);
  });

  /** Waits until look returns something, and returns that. */
  async function until(look, what) {
    const end = performance.now() + patience;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (performance.now() > end) throw new Error(`waited in vain for ${what}; the page shows ${JSON.stringify(shown())}`);
      await new Promise((resolve) => { setTimeout(resolve, 40); });
    }
  }

  // Counts, slows down and cuts the bytes that sockets send.
  const { send } = WebSocket.prototype;
  const sockets = new Set();
  const wire = { bytes: 0, gap: 0, waiting: 0, queue: Promise.resolve() };
  WebSocket.prototype.send = function spied(data) {
    sockets.add(this);
    if (typeof data === 'string') return send.call(this, data);
    wire.bytes += data.byteLength - 32;
    way.frame(this, data);
    if (wire.gap === 0 && wire.waiting === 0) return send.call(this, data);
    const copy = data.slice(); // the sender uses its buffer again
    wire.waiting += 1;
    wire.queue = wire.queue.then(() => new Promise((resolve) => { setTimeout(resolve, wire.gap); })).then(() => {
      wire.waiting -= 1;
      if (this.readyState === WebSocket.OPEN) send.call(this, copy);
    });
    return undefined;
  };

  /** Waits that many milliseconds between two frames. */
  const slow = (gap) => { wire.gap = gap; };
  const sentBytes = () => wire.bytes;

  function cut() {
    for (const socket of sockets) socket.close();
    sockets.clear();
  }

  // The memory of the module that the page will start.
  const { instantiate } = WebAssembly;
  /** @type {WebAssembly.Memory} */
  let linear;
  WebAssembly.instantiate = async (...args) => {
    const made = await instantiate.apply(WebAssembly, args);
    linear = (made.instance ?? made).exports.mem;
    return made;
  };
  const memory = () => linear.buffer.byteLength;

  // The cost of an upload's cuts, and what a user sees of them.
  const way = {
    reconnecting: 0, again: [], memory: 0, high: 0, socket: undefined,
    frame(socket, data) {
      const offset = Number(new DataView(data.buffer, data.byteOffset).getBigUint64(8));
      if (this.socket && socket !== this.socket) this.again.push(Math.max(this.high - offset, 0));
      this.socket = socket;
      this.high = Math.max(this.high, offset + data.byteLength - 32);
    },
  };

  /** Begins the record that observed returns, of one side's only upload. */
  function observe(side) {
    way.memory = memory();
    const shown = root(side).querySelector('.state');
    let before = shown.dataset.state;
    new MutationObserver(() => {
      if (before !== 'reconnecting' && shown.dataset.state === 'reconnecting') way.reconnecting += 1;
      before = shown.dataset.state;
    }).observe(shown, { attributeFilter: ['data-state'] });
  }

  const observed = () => ({ reconnecting: way.reconnecting, again: way.again, memory: way.memory });

  const kept = () => Object.entries(localStorage);

  const chat = (side) => document.getElementById(side);
  const session = (side) => chat(side).session;
  const root = (side) => chat(side).shadowRoot;
  // By a loop, because a test may change what old pages change.
  function all(node, selector) {
    const list = node.querySelectorAll(selector);
    const found = [];
    for (let i = 0; i < list.length; i += 1) found.push(list[i]);
    return found;
  }
  const text = (node, selector) => node.querySelector(selector)?.textContent ?? '';

  /** A tile as a user sees it. */
  function seen(tile) {
    const svg = tile.querySelector('.tile-icon svg');
    const { id = '', key = '', state = '', kind = '', extension = '' } = tile.dataset;
    return {
      id, key, state, kind, extension,
      icon: svg?.dataset.kind ?? '',
      drawn: svg !== null && svg.getBoundingClientRect().width > 0,
      written: text(tile, '.tile-icon text'),
      warned: tile.querySelectorAll('.tile-icon circle').length > 0,
      name: text(tile, '.tile-name'),
      suffix: text(tile, '.name-suffix'),
      meta: text(tile, '.tile-meta'),
      caution: text(tile, '.caution'),
      refusal: text(tile, '.refusal'),
      description: text(tile, '.tile-description'),
      custom: Object.fromEntries(all(tile, '.tile-custom > div').map((row) => [text(row, 'dt'), text(row, 'dd')])),
      own: tile.closest('.item')?.classList.contains('own') ?? false,
    };
  }

  const nodes = (side) => all(root(side), '.tile');
  const tiles = (side) => nodes(side).map(seen);
  const named = (side, name) => nodes(side).find((tile) => text(tile, '.tile-name') === name);

  /** The button that saves a file. */
  const saver = (side, name) => {
    const tile = named(side, name);
    return tile.querySelector('button.tile-save') ?? tile.querySelector('button.tile-name');
  };

  /** The texts and file names of a transcript in order. */
  function lines(side) {
    return all(root(side), '.item').map((item) => ({
      own: item.classList.contains('own'),
      text: text(item, '.bubble'),
      file: text(item, '.tile-name'),
    })).filter((line) => line.text !== '' || line.file !== '');
  }

  function shown() {
    return all(document, 'attache-chat').map((element) => ({
      side: element.id,
      state: element.shadowRoot.querySelector('.state')?.dataset.state,
      banner: text(element.shadowRoot, '.banner'),
      tiles: tiles(element.id).map(({ name, state, meta, refusal }) => [name, state, meta, refusal]),
      texts: all(element.shadowRoot, '.bubble').map((bubble) => bubble.textContent),
    }));
  }

  const connected = (side) => until(
    () => chat(side)?.session?.state === 'connected' && root(side).querySelector('.state')?.dataset.state === 'connected',
    `${side} to be connected`);

  /** Waits until the file of that name is in the transcript. */
  const file = (side, name) => until(() => {
    const tile = named(side, name);
    return tile?.dataset.id && seen(tile);
  }, `the file ${name} on the side of the ${side}`);

  /** Waits until the file of that name is in that state. */
  const shows = (side, name, state) => until(() => {
    const tile = named(side, name);
    return tile?.dataset.state === state && seen(tile);
  }, `${name} to be ${state} on the side of the ${side}`);

  /** Waits for a refused file's sentence. */
  const refusal = (side, name) => until(() => {
    const tile = named(side, name);
    return tile?.dataset.state === 'failed' && seen(tile).refusal;
  }, `the refusal of ${name} on the side of the ${side}`);

  const line = (side, wanted) => until(
    () => lines(side).find(({ text: said }) => said === wanted), `the text ${wanted} on the side of the ${side}`);

  /** Waits until an upload is under way: part of its bytes is durable, but not all. */
  const midway = (side, name, least) => new Promise((resolve, reject) => {
    const listening = new AbortController();
    const timer = setTimeout(() => finish(reject, new Error(`waited in vain for ${name} to be on its way`)), patience);
    function finish(settle, value) {
      clearTimeout(timer);
      listening.abort();
      settle(value);
    }
    session(side).addEventListener('upload', ({ detail }) => {
      if (detail.name === name && detail.state === 'failed') finish(reject, detail.error);
    }, listening);
    until(() => {
      const bar = named(side, name)?.querySelector('.bar');
      return Number(bar?.getAttribute('aria-valuenow') ?? 0) >= least;
    }, `${name} to be on its way`).then((found) => finish(resolve, found), (error) => finish(reject, error));
  });

  /** Types into the field and sends. */
  function say(side, words) {
    const field = root(side).querySelector('textarea');
    field.value = words;
    field.dispatchEvent(new InputEvent('input', { bubbles: true }));
    root(side).querySelector('button.send').click();
  }

  /** Drops or pastes files that exist only in the page. */
  function hand(side, type, files) {
    const data = new DataTransfer();
    for (const [name, content, mime] of files) data.items.add(new File([content], name, { type: mime }));
    const options = { bubbles: true, cancelable: true, composed: true };
    const frame = root(side).querySelector('.frame');
    if (type === 'paste') {
      return !frame.dispatchEvent(new ClipboardEvent('paste', { ...options, clipboardData: data }));
    }
    frame.dispatchEvent(new DragEvent('dragenter', { ...options, dataTransfer: data }));
    frame.dispatchEvent(new DragEvent('dragover', { ...options, dataTransfer: data }));
    return !frame.dispatchEvent(new DragEvent('drop', { ...options, dataTransfer: data }));
  }

  async function digest(buffer) {
    const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', buffer));
    return [...sum].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  const download = async (side, id) => digest(await (await session(side).download(id)).arrayBuffer());

  /** Waits until the page is drawn and no colour is changing. */
  async function settled() {
    await new Promise((drawn) => { requestAnimationFrame(() => requestAnimationFrame(drawn)); });
    const moving = [document, ...all(document, 'attache-chat').map(({ shadowRoot }) => shadowRoot)]
      .flatMap((tree) => tree.getAnimations()).filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(moving.map(({ finished }) => finished));
  }

  /** The middle of a node, once the node does not move any more. */
  async function middle(node) {
    const frame = () => new Promise((resolve) => { requestAnimationFrame(() => resolve(node.getBoundingClientRect())); });
    return until(async () => {
      node.scrollIntoView({ block: 'center', behavior: 'instant' });
      const [before, after] = [await frame(), await frame()];
      const at = [after.left + after.width / 2, after.top + after.height / 2];
      const still = before.left === after.left && before.top === after.top;
      return still && node.contains(node.getRootNode().elementFromPoint(...at)) && at;
    }, 'a place to click on');
  }

  /** The element that has the focus, through shadow roots. */
  function focused() {
    let node = document.activeElement;
    while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
    return node;
  }

  /** The reason of a rejected call, in a form that can leave the page. */
  async function rejection(call) {
    const { AttacheError } = await api();
    let promise;
    try {
      promise = call();
    } catch (error) {
      return { thrown: true, name: String(error?.name), message: String(error?.message) };
    }
    try {
      await promise;
    } catch (error) {
      return {
        rejected: true,
        ours: error instanceof AttacheError,
        name: String(error?.name),
        code: error?.code,
        message: String(error?.message),
        hint: error?.hint,
        retryable: error?.retryable,
      };
    }
    return { resolved: true };
  }

  const moduleURL = () => document.querySelector('meta[name=attache]')?.content ?? new URL('web/attache.js', document.baseURI).href;
  const api = () => import(moduleURL());

  /** File inputs of the tests, whose files go to the API. */
  const input = Object.assign(document.createElement('input'), { type: 'file', multiple: true });
  const picked = (name) => [...input.files].find((one) => one.name === name);

  return {
    until, chat, session, root, tiles, named, saver, lines, connected, file, shows, refusal, line, midway, say, hand, download,
    digest, settled, middle, focused, rejection, api, input, picked, shown,
    slow, sentBytes, cut, kept, memory, observe, observed,
  };
})();
