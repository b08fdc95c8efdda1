import { AttacheError, makeError, misuse, readError } from './error.js';
import { load, onExit } from './loader.js';
import { Pump } from './pump.js';
import { randomKey, readClose, readDownload, readSend, readUpload, reading } from './wish.js';

/** @typedef {import('./attache.js').ChatFile} ChatFile */
/** @typedef {import('./attache.js').Limits} Limits */
/** @typedef {import('./attache.js').Party} Party */
/** @typedef {import('./attache.js').SessionState} SessionState */
/** @typedef {import('./attache.js').TextEvent} TextEvent */
/** @typedef {import('./attache.js').TranscriptEvent} TranscriptEvent */

/**
 * The functions of the module. A session's half there is known by a number.
 *
 * @typedef {object} Module
 * @property {(half: number, hear: (word: string, call: number, text: string) => void, dial: (url: string, protocol: string) => WebSocket,
 *   url: string, clientVersion: number, id: string, position: number) => string | null} open
 * @property {(half: number) => void} close
 * @property {(half: number, number: number, token: string) => void} token
 * @property {(half: number, call: number, key: string, text: string, visibility: string) => void} say
 * @property {(half: number, call: number, file: string, attempt: string) => void} ask
 * @property {(half: number, call: number, after: string) => void} leave
 * @property {(half: number, call: number, pump: Pump, key: string, name: string, size: number, type: string, uploadType: string,
 *   description: string, digest: string, visibility: string, ...custom: string[]) => void} upload
 * @property {(half: number, call: number, view: Uint8Array) => void} filled
 * @property {(half: number, call: number, before: boolean) => void} unread
 * @property {(half: number, call: number) => void} cancel
 * @property {(half: number) => void} wake
 * @property {(name: string, size: number, limits: string) => string} check
 * @property {(name: string, type: string) => string} describe
 * @property {() => number} live
 */

/**
 * A call that the module has not answered. A module that starts again is asked
 * again; the keys in it make that harmless.
 *
 * @typedef {object} Call
 * @property {(module: Module, half: number, call: number) => Pump | void} ask
 * @property {(value: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 * @property {() => void} release takes the listener off the signal
 * @property {((progress: any) => unknown) | undefined} onProgress
 * @property {boolean} leaving
 * @property {Pump | void} pump
 */

/** What makes a session: options of connect, read. @typedef {ReturnType<typeof import('./wish.js').readConnect>} Wish */

let halves = 0;

/** One download is one attempt, however often it is asked for. @type {Map<string, string>} */
const attempts = new Map();

/** Sessions to continue when the module has to start again. @type {Set<Session>} */
const open = new Set();

/** @type {(() => void) | undefined} */
let forgetExit;

const crashesBorne = 3;
const crashWindow = 60_000;

export class Session extends EventTarget {
  #wish;
  /** @type {Module | undefined} */
  #module;
  #half = 0;
  #last = 0;
  /** @type {Map<number, Call>} */
  #calls = new Map();
  /** @type {Set<WebSocket>} */
  #sockets = new Set();
  /** @type {number[]} */
  #crashes = [];

  #id = '';
  /** @type {Party} */
  #party = Object.freeze({ userId: '', nickname: '', userType: 'CLIENT' });
  /** @type {SessionState} */
  #state = 'reconnecting';
  /** @type {Limits} */
  #limits = Object.freeze({ usedFiles: 0, usedTotalSize: 0, types: [], needAgent: false, usedDownloads: 0 });
  /** @type {readonly import('./codes.js').Right[]} */
  #rights = Object.freeze([]);
  #position = 0;
  /** @type {TranscriptEvent[]} */
  #events = [];
  /** @type {readonly TranscriptEvent[] | undefined} */
  #transcript;

  /** @type {(error?: unknown) => void} */
  #connected = () => {};
  /** @type {AttacheError | undefined} */
  #ended;
  /** @type {unknown} */
  #tokenFault;
  #wake = () => this.#tell('wake');

  /** Only {@link Session.connect} makes one. @param {Wish} wish */
  constructor(wish) {
    super();
    this.#wish = wish;
  }

  /** @param {Wish} wish @returns {Promise<Session>} */
  static async connect(wish) {
    const { signal } = wish;
    signal?.throwIfAborted();
    const session = new Session(wish);
    /** @type {Promise<void>} */
    const connected = new Promise((resolve, reject) => {
      session.#connected = (error) => (error === undefined ? resolve() : reject(error));
    });
    const abort = () => {
      session.#connected(signal?.reason);
      session.#end(new AttacheError({ code: 'cancelled', message: 'connecting was given up' }));
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      open.add(session);
      forgetExit ??= onExit(() => open.forEach((one) => one.#crashed()));
      globalThis.addEventListener?.('online', session.#wake);
      session.#start();
      await connected;
      return session;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  get id() {
    return this.#id;
  }

  get party() {
    return this.#party;
  }

  get state() {
    return this.#state;
  }

  get limits() {
    return this.#limits;
  }

  get rights() {
    return this.#rights;
  }

  get transcript() {
    this.#transcript ??= Object.freeze([...this.#events]);
    return this.#transcript;
  }

  /** @param {Blob} file @param {import('./attache.js').UploadOptions} [options] @returns {Promise<ChatFile>} */
  async upload(file, options) {
    const w = reading(() => readUpload(file, options));
    return this.#call((module, half, call) => {
      const pump = new Pump(
        w.file,
        (view) => this.#tellHalf(half, 'filled', call, view),
        (before) => this.#tellHalf(half, 'unread', call, before),
      );
      module.upload(half, call, pump, w.key, w.name, w.size, w.type, w.uploadType, w.description, w.digest, w.visibility, ...w.custom);
      return pump;
    }, w);
  }

  /** @param {ChatFile | string} file @param {import('./attache.js').DownloadOptions} [options] @returns {Promise<Response>} */
  async download(file, options) {
    const { id, offset, signal } = reading(() => readDownload(file, options));
    const url = await this.#ticket(id, signal);
    /** @type {Record<string, string>} */
    const headers = offset > 0 ? { Range: `bytes=${offset}-` } : {};
    let response;
    try {
      response = await fetch(url, { headers, signal, credentials: 'omit', referrerPolicy: 'no-referrer' });
    } catch (cause) {
      signal?.throwIfAborted();
      throw new AttacheError({ code: 'offline', message: '', cause });
    }
    if (response.ok) return response;
    throw await refusal(response);
  }

  /** @param {ChatFile | string} file @param {{ signal?: AbortSignal }} [options] @returns {Promise<string>} */
  async link(file, options) {
    const { id, signal } = reading(() => readDownload(file, options));
    return this.#ticket(id, signal);
  }

  /** @param {string} text @param {import('./attache.js').SendOptions} [options] @returns {Promise<TextEvent>} */
  async send(text, options) {
    const w = reading(() => readSend(text, options));
    const key = randomKey();
    const said = await this.#call((module, half, call) => module.say(half, call, key, w.text, w.visibility), w);
    return freeze(JSON.parse(said));
  }

  /** @param {{ after?: 'keep-alive' | 'close-if-no-agents' | 'force-close' }} [options] @returns {Promise<void>} */
  async close(options) {
    const after = reading(() => readClose(options));
    if (this.#state === 'closed') return;
    await this.#call((module, half, call) => module.leave(half, call, after), { leaving: true });
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.close();
  }

  /** The URL of a file. @param {string} file @param {AbortSignal | undefined} signal @returns {Promise<string>} */
  async #ticket(file, signal) {
    const which = `${this.#id}/${file}`;
    const attempt = attempts.get(which) ?? randomKey();
    attempts.set(which, attempt);
    const path = await this.#call((module, half, call) => module.ask(half, call, file, attempt), { signal });
    return this.#wish.base + path;
  }

  /**
   * Asks the module for something that it answers later.
   *
   * @param {Call['ask']} ask
   * @param {{ signal?: AbortSignal, onProgress?: Call['onProgress'], leaving?: boolean }} options
   * @returns {Promise<any>}
   */
  #call(ask, { signal, onProgress, leaving = false }) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#ended) throw this.#ended;
      const call = (this.#last += 1);
      const abort = () => {
        this.#take(call);
        this.#tell('cancel', call);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const release = () => signal?.removeEventListener('abort', abort);
      this.#calls.set(call, { ask, resolve, reject, release, onProgress, leaving, pump: undefined });
      this.#ask(call);
    });
  }

  /** @param {number} call */
  #ask(call) {
    const pending = this.#calls.get(call);
    if (!pending || !this.#module) return;
    try {
      // The call may be settled in here, and then it has let its pump go.
      pending.pump = pending.ask(this.#module, this.#half, call);
    } catch {
      // The program has ended. The next one is asked again.
    }
  }

  /** A call that is answered. @param {number} call */
  #take(call) {
    const pending = this.#calls.get(call);
    this.#calls.delete(call);
    pending?.release();
    pending?.pump?.rest();
    return pending;
  }

  /** @param {'cancel' | 'wake' | 'token' | 'close'} what @param {any[]} values */
  #tell(what, ...values) {
    this.#tellHalf(this.#half, what, ...values);
  }

  /** @param {number} half @param {'cancel' | 'wake' | 'token' | 'close' | 'filled' | 'unread'} what @param {any[]} values */
  #tellHalf(half, what, ...values) {
    if (half !== this.#half || !this.#module) return;
    try {
      /** @type {(...values: any[]) => void} */ (this.#module[what])(half, ...values);
    } catch {
      // The program has ended, and what it was to do with it.
    }
  }

  /** Gives the session a half in the module, with all that is still to be answered. */
  async #start() {
    halves += 1;
    const half = halves;
    this.#half = half;
    let module;
    try {
      module = /** @type {Module} */ (await load({ wasm: this.#wish.wasm }));
    } catch (cause) {
      this.#end(new AttacheError({ code: 'internal', message: cause instanceof Error ? cause.message : '', hint: '', cause }));
      return;
    }
    if (half !== this.#half || this.#ended) return;
    this.#module = module;
    const { base, clientVersion } = this.#wish;
    /** @param {string} word @param {number} call @param {string} text */
    const hear = (word, call, text) => {
      if (half === this.#half) this.#hear(word, call, text);
    };
    const refused = module.open(half, hear, (url, protocol) => this.#dial(url, protocol),
      base.replace(/^http/, 'ws'), clientVersion, this.#id, this.#position);
    if (refused) this.#end(readError(refused));
    for (const call of [...this.#calls.keys()]) this.#ask(call);
  }

  /** @param {string} url @param {string} protocol */
  #dial(url, protocol) {
    const socket = new WebSocket(url, protocol);
    this.#sockets.add(socket);
    socket.addEventListener('close', () => this.#sockets.delete(socket), { once: true });
    return socket;
  }

  /** The program has ended by a fault of its own. What it did goes on in the next one. */
  #crashed() {
    const now = Date.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < crashWindow), now];
    this.#module = undefined;
    for (const { pump } of this.#calls.values()) pump?.rest();
    this.#hangUp();
    const error = new AttacheError({ code: 'internal', message: '' });
    if (this.#crashes.length > crashesBorne) {
      this.#end(error);
      return;
    }
    if (this.#id !== '') this.#change('reconnecting', { error, retryIn: 0 });
    this.#start();
  }

  #hangUp() {
    for (const socket of this.#sockets) socket.close();
    this.#sockets.clear();
  }

  /** What the module says. It is in the middle of something: whatever is the caller's runs later. @param {string} word @param {number} call @param {string} text */
  #hear(word, call, text) {
    switch (word) {
      case 'token':
        this.#giveToken(call);
        break;
      case 'welcome':
        this.#welcome(JSON.parse(text));
        break;
      case 'state': {
        const { error, retryIn } = JSON.parse(text);
        this.#change('reconnecting', { error: makeError(error, this.#takeTokenFault()), retryIn });
        break;
      }
      case 'event':
        this.#happened(freeze(JSON.parse(text)));
        break;
      case 'limits':
        this.#limits = freeze(JSON.parse(text));
        this.#dispatch('limits', this.#limits);
        break;
      case 'upload':
        this.#step(call, JSON.parse(text));
        break;
      case 'progress': {
        const onProgress = this.#calls.get(call)?.onProgress;
        if (onProgress) queueMicrotask(() => onProgress(JSON.parse(text)));
        break;
      }
      case 'done':
        this.#take(call)?.resolve(text);
        break;
      case 'fail':
        this.#take(call)?.reject(readError(text));
        break;
      case 'closed':
        this.#end(text === '' ? undefined : readError(text, this.#takeTokenFault()));
        break;
    }
  }

  /** @param {number} number */
  async #giveToken(number) {
    const half = this.#half;
    const { token } = this.#wish;
    let given;
    try {
      await undefined;
      given = typeof token === 'function' ? await token() : token;
      if (typeof given !== 'string') throw misuse('the token is not a string');
    } catch (cause) {
      this.#tokenFault = cause;
      given = '';
    }
    this.#tellHalf(half, 'token', number, given);
  }

  #takeTokenFault() {
    const fault = this.#tokenFault;
    this.#tokenFault = undefined;
    return fault;
  }

  /** @param {{ id: string, party: Party, limits: Limits, rights: import('./codes.js').Right[] }} place */
  #welcome({ id, party, limits, rights }) {
    const first = this.#id === '';
    this.#id = id;
    this.#party = Object.freeze(party);
    this.#limits = freeze(limits);
    this.#rights = Object.freeze(rights);
    this.#change('connected');
    if (first) this.#connected();
  }

  /** @param {TranscriptEvent} event */
  #happened(event) {
    this.#position = event.event;
    this.#events.push(event);
    this.#transcript = undefined;
    this.#dispatch(event.type, event);
  }

  /** @param {number} call @param {any} step */
  #step(call, step) {
    if (step.error) step.error = makeError(step.error);
    if (step.file) freeze(step.file);
    this.#dispatch('upload', Object.freeze(step));
    if (step.file) this.#take(call)?.resolve(step.file);
    else if (step.error) this.#take(call)?.reject(step.error);
  }

  /** @param {SessionState} state @param {{ error?: AttacheError, retryIn?: number }} [why] */
  #change(state, why) {
    this.#state = state;
    this.#dispatch('state', { state, ...why });
  }

  /** It is over; in good order where there is no error. @param {AttacheError} [error] */
  #end(error) {
    if (this.#ended) return;
    this.#ended = error ?? new AttacheError({ code: 'not-joined', message: 'the session is closed', retryable: false });
    this.#tell('close');
    this.#module = undefined;
    this.#half = 0;
    open.delete(this);
    if (open.size === 0) {
      forgetExit?.();
      forgetExit = undefined;
    }
    globalThis.removeEventListener?.('online', this.#wake);
    this.#connected(this.#ended);
    for (const call of [...this.#calls.keys()]) {
      const pending = this.#take(call);
      if (pending?.leaving) pending.resolve(undefined);
      else pending?.reject(this.#ended);
    }
    this.#change('closed', error && { error });
  }

  /** @param {string} type @param {unknown} detail */
  #dispatch(type, detail) {
    queueMicrotask(() => this.dispatchEvent(new CustomEvent(type, { detail })));
  }
}

/** @param {any} value one level deep, and what lies in it @returns {any} */
function freeze(value) {
  for (const inner of Object.values(value)) Object.freeze(inner);
  return Object.freeze(value);
}

/** Why the proxy refused a download. @param {Response} response */
async function refusal(response) {
  const text = await response.text().catch(() => '');
  try {
    return readError(text);
  } catch (cause) {
    return new AttacheError({ code: 'internal', message: `the proxy answered ${response.status}`, cause });
  }
}
