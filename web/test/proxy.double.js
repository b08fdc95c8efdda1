import { createHash } from 'node:crypto';

/**
 * A double of the proxy and of the browser's WebSocket to it, in one process, with as much
 * of the protocol as the session's tests need. Tests inspect what it stores and sends; the
 * browser tests use the real proxy.
 */
export class ProxyDouble {
  sockets = [];
  files = new Map();
  events = [];
  says = [];
  notices = [];
  /** The answer to every search. */
  found = {};
  cancelled = [];
  /** Members of every ticket. @type {{ size?: number, digest?: string, path?: string }} */
  ticket = {};
  /** Whether dials fail, as if the proxy refused them. */
  refusing = false;
  /** The proxy's answer to `/attache/why`; an older proxy has none. @type {object | undefined} */
  why;
  /** How often it was asked why. */
  asked = 0;
  /** Handlers that replace the answer to messages of a type. @type {Record<string, (message: any, socket: SocketDouble) => void>} */
  answers = {};
  welcome = {
    session: 'chat-1',
    party: { userId: 'ada', nickname: 'Ada', userType: 'AGENT' },
    rights: ['chat', 'upload:file-system', 'download'],
    limits: {},
    maxFrame: 64 << 10,
  };

  install() {
    const proxy = this;
    globalThis.WebSocket = class extends SocketDouble {
      constructor(url, protocol) {
        super(proxy, url, protocol);
      }
    };
    globalThis.fetch = async (url, options) => {
      if (!String(url).endsWith('/attache/why')) return fetch(url, options);
      proxy.asked += 1;
      return proxy.why ? Response.json(proxy.why) : new Response('', { status: 404 });
    };
  }

  /** @param {string} path */
  all(path) {
    return this.sockets.filter((socket) => new URL(socket.url).pathname.endsWith(path));
  }

  last(path) {
    return this.all(path).at(-1);
  }

  /** Adds an event to the transcript, unless its id is 0, and sends it to every chat socket. */
  add(event) {
    const full = { id: this.events.length + 1, at: 1, from: this.welcome.party, visibility: 'ALL', ...event };
    // Only the first key of a wire message has a fixed position.
    if (full.id > 0) this.events.push(full);
    for (const socket of this.all('/chat')) if (socket.welcomed) socket.say({ type: 'event', event: full });
    return full;
  }

  take(socket, message) {
    const answer = this.answers[message.type];
    if (answer) return answer(message, socket);
    switch (message.type) {
      case 'hello':
        return this.#hello(socket, message);
      case 'say': {
        this.says.push(message);
        const { ref, key, text, visibility = 'ALL', receiver, messageType, treatAs } = message;
        const event = this.events.find((one) => one.key === key) ?? this.add({ type: 'message', text, key, visibility, receiver, messageType, treatAs });
        return socket.say({ type: 'done', ref, event });
      }
      case 'notify':
        return this.#notify(socket, message);
      case 'find':
        return socket.say({ type: 'found', ref: message.ref, ...this.found });
      case 'offer': {
        const file = this.files.get(message.key) ?? { ...message, stored: new Uint8Array() };
        this.files.set(message.key, file);
        const offset = file.stored.length;
        socket.say({ type: 'accept', key: message.key, ...(offset > 0 && { offset, digest: createHash('sha256').update(file.stored).digest('hex') }) });
        if (file.announced) return socket.say({ type: 'upload', key: file.key, state: 'announced', event: file.announced });
        return file.stored.length === file.size && this.#announce(file);
      }
      case 'cancel':
        this.cancelled.push(message.key);
        this.files.delete(message.key);
        return socket.say({ type: 'upload', key: message.key, state: 'cancelled' });
      case 'ask':
        return socket.say({ type: 'ticket', ref: message.ref, path: `/attache/file/${message.attempt}/a.txt`, expires: 1, ...this.ticket });
      case 'leave':
      case 'ping':
        return socket.say({ type: 'done', ref: message.ref });
    }
    throw new Error(`unknown message ${message.type}`);
  }

  /** Keeps a notice that has a key. A removal, and one without a key, has no event. */
  #notify(socket, { ref, key, notice, text, data, visibility = 'ALL', receiver }) {
    this.notices.push({ key, notice, text, data, visibility, receiver });
    if (!key || text === 'party-remove') return socket.say({ type: 'done', ref });
    const from = notice === 'USER_UPDATE_NICK' ? { ...this.welcome.party, nickname: text } : this.welcome.party;
    const event = this.events.find((one) => one.key === key) ?? this.add({ type: 'notice', notice, text, data, visibility, receiver, key, from });
    return socket.say({ type: 'done', ref, event });
  }

  #hello(socket, { position = 0, token, clientVersion, secureKey }) {
    Object.assign(socket, { token, clientVersion, secureKey });
    if (new URL(socket.url).pathname.endsWith('/data')) return socket.say({ type: 'ready', maxFrame: this.welcome.maxFrame });
    socket.welcomed = true;
    socket.say({ type: 'welcome', ...this.welcome, ...(secureKey && { attached: true }) });
    for (const event of this.events) if (event.id > position) socket.say({ type: 'event', event });
  }

  /** @param {SocketDouble} socket @param {Uint8Array} frame */
  frame(socket, frame) {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const key = Buffer.from(frame.subarray(16, 32)).toString('hex');
    const file = this.files.get(key);
    if (!file) return socket.say({ type: 'fail', key, error: { code: 'upload-unknown', message: 'there is no such upload', retry: true } });
    const offset = Number(view.getBigUint64(8));
    if (offset !== file.stored.length) throw new Error(`a frame at ${offset} after ${file.stored.length} bytes`);
    file.stored = new Uint8Array([...file.stored, ...frame.subarray(32)]);
    if (this.answers.frame) return this.answers.frame(file, socket);
    socket.say({ type: 'ack', key, stored: file.stored.length });
    if (file.stored.length === file.size) this.#announce(file);
  }

  #announce(file) {
    const chat = this.last('/chat');
    for (const state of ['accepted', 'stored']) chat.say({ type: 'upload', key: file.key, state });
    file.announced = this.add({
      type: 'notice', notice: 'SYS_COMMAND', text: 'file-uploaded', key: file.key,
      data: { 'file-name': file.name, 'file-size': file.size, 'file-source': 'ucs', 'file-document-id': 'd1', 'file-id': `f${file.key.slice(0, 4)}`, 'attache-key': file.key, ...file.custom },
    });
    chat.say({ type: 'upload', key: file.key, state: 'announced', event: file.announced });
  }
}

const { fetch } = globalThis;

/** The client's end. What it sends and receives arrives one task later. */
export class SocketDouble extends EventTarget {
  bufferedAmount = 0;
  readyState = 0;
  welcomed = false;
  #proxy;

  constructor(proxy, url, protocol) {
    super();
    this.#proxy = proxy;
    this.url = url;
    this.protocol = protocol;
    proxy.sockets.push(this);
    this.#soon(() => {
      if (proxy.refusing) return this.cut();
      this.readyState = 1;
      this.dispatchEvent(new Event('open'));
    });
  }

  send(data) {
    // A browser copies the bytes before send returns.
    const message = typeof data === 'string' ? JSON.parse(data) : data.slice();
    this.#soon(() => (typeof data === 'string' ? this.#proxy.take(this, message) : this.#proxy.frame(this, message)));
  }

  say(message) {
    this.#soon(() => this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(message) })));
  }

  close() {
    this.#soon(() => this.cut());
  }

  /** The connection is lost. */
  cut() {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.welcomed = false;
    this.dispatchEvent(new Event('close'));
  }

  #soon(act) {
    setImmediate(() => {
      if (this.readyState !== 3) act();
    });
  }
}
