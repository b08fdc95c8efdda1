import { claims, differ } from './claims.js';
import { Dials } from './dialer.js';
import { AttacheError, inOneLine, otherParty, readError } from './error.js';
import { onExit } from '../loader.js';
import { loadModule } from './module.js';
import { Provider, astray } from './provider.js';

/** @typedef {import('./module.js').Module} Module */
/** @typedef {import('./pump.js').Pump} Pump */
/** What makes a session: the options of connect, read. @typedef {ReturnType<typeof import('./options.js').readConnect>} Wish */

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

/**
 * The session that a half belongs to.
 *
 * @typedef {object} Whole
 * @property {string} id of the chat session; empty until it is known
 * @property {number} position the last event it has
 * @property {string} userId whose it is; empty until it is known
 * @property {(word: string, text: string, call: number, cause: unknown) => void} hear
 * @property {(error: AttacheError) => void} crashed the program ended, and another one is started
 * @property {(error: AttacheError) => void} failed there is no program any more
 */

let last = 0;

/** Those to continue when the module has to start again. @type {Set<Half>} */
const open = new Set();

/** @type {(() => void) | undefined} */
let forgetExit;

const crashesBorne = 3;
const crashWindow = 60_000;

/** A session's way to the module: its number there, its sockets, and the calls that wait for an answer. */
export class Half {
  #wish;
  #whole;
  /** @type {Module | undefined} */
  #module;
  #number = 0;
  #lastCall = 0;
  /** @type {Map<number, Call>} */
  #calls = new Map();
  /** @type {Set<WebSocket>} */
  #sockets = new Set();
  /** @type {number[]} */
  #crashes = [];
  /** @type {unknown} */
  #ended;
  /** @type {unknown} */
  #tokenFault;
  #provider;
  #dials;
  #wake = () => this.#tell(this.#number, 'wake');
  #seen = () => globalThis.document?.visibilityState === 'visible' && this.#wake();

  /** @param {Wish} wish @param {Whole} whole */
  constructor(wish, whole) {
    this.#wish = wish;
    this.#whole = whole;
    this.#dials = new Dials(wish.base);
    this.#provider = new Provider(wish.token);
  }

  /** @param {Wish['token']} token */
  set token(token) {
    this.#provider.source = token;
  }

  start() {
    open.add(this);
    forgetExit ??= onExit(() => open.forEach((half) => half.#crashed()));
    globalThis.addEventListener?.('online', this.#wake);
    globalThis.document?.addEventListener?.('visibilitychange', this.#seen);
    return this.#start();
  }

  /**
   * Asks the module for something that it answers later.
   *
   * @param {Call['ask']} ask
   * @param {{ signal?: AbortSignal, onProgress?: Call['onProgress'], leaving?: boolean }} [options]
   * @returns {Promise<any>}
   */
  call(ask, { signal, onProgress, leaving = false } = {}) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#ended) throw this.#ended;
      const call = (this.#lastCall += 1);
      const abort = () => {
        this.#take(call);
        this.#tell(this.#number, 'cancel', call);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const release = () => signal?.removeEventListener('abort', abort);
      this.#calls.set(call, { ask, resolve, reject, release, onProgress, leaving, pump: undefined });
      this.#ask(call);
    });
  }

  /** What a pump found, for the upload it reads for. @param {number} number @param {'filled' | 'unread'} what @param {number} call @param {unknown} found */
  report(number, what, call, found) {
    this.#tell(number, what, call, found);
  }

  /** Takes back what the proxy holds of an upload. @param {string} key */
  discard(key) {
    this.#tell(this.#number, 'discard', key);
  }

  /** @param {number} call @param {unknown} value */
  resolve(call, value) {
    this.#take(call)?.resolve(value);
  }

  /** @param {number} call @param {unknown} reason */
  reject(call, reason) {
    this.#take(call)?.reject(reason);
  }

  /** Nothing is answered any more; what waits is rejected, except who wanted the end. @param {unknown} reason */
  end(reason) {
    if (this.#ended) return;
    this.#ended = reason;
    this.#tell(this.#number, 'close');
    this.#module = undefined;
    this.#number = 0;
    open.delete(this);
    if (open.size === 0) {
      forgetExit?.();
      forgetExit = undefined;
    }
    globalThis.removeEventListener?.('online', this.#wake);
    globalThis.document?.removeEventListener?.('visibilitychange', this.#seen);
    for (const call of [...this.#calls.keys()]) {
      const pending = this.#take(call);
      if (pending?.leaving) pending.resolve(undefined);
      else pending?.reject(reason);
    }
  }

  /** Begins in the program that runs, with all that is still to be answered. */
  async #start() {
    last += 1;
    const number = last;
    this.#number = number;
    const { base, clientVersion, wasm } = this.#wish;
    let module;
    try {
      module = await loadModule({ wasm });
    } catch (error) {
      this.#whole.failed(/** @type {AttacheError} */ (error));
      return;
    }
    if (number !== this.#number) return;
    this.#module = module;
    /** @param {string} word @param {number} call @param {string} text */
    const hear = (word, call, text) => {
      if (number === this.#number) this.#hear(word, call, text);
    };
    /** @param {string} url @param {string} protocol */
    const dial = (url, protocol) => this.#dial(number, url, protocol);
    const refused = module.open(number, hear, dial, base.replace(/^http/, 'ws'), clientVersion,
      this.#whole.id, this.#whole.position, this.#whole.userId);
    if (refused) this.#whole.failed(readError(refused));
    for (const call of [...this.#calls.keys()]) this.#ask(call);
  }

  /** The program has ended by a fault of its own. What it did goes on in the next one. */
  #crashed() {
    const now = Date.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < crashWindow), now];
    this.#module = undefined;
    this.#number = 0;
    for (const { pump } of this.#calls.values()) pump?.rest();
    for (const socket of this.#sockets) socket.close();
    this.#sockets.clear();
    const error = new AttacheError({ code: 'internal', message: '' });
    if (this.#crashes.length > crashesBorne) {
      this.#whole.failed(error);
      return;
    }
    this.#whole.crashed(error);
    this.#start();
  }

  /** @param {number} number @param {string} url @param {string} protocol */
  #dial(number, url, protocol) {
    const socket = this.#dials.open(url, protocol, () => number === this.#number);
    this.#sockets.add(socket);
    socket.addEventListener('close', () => this.#sockets.delete(socket), { once: true });
    // Once the program has ended, its own listeners, which come after these, may not be called.
    /** @param {Event} event */
    const guard = (event) => {
      if (number !== this.#number) event.stopImmediatePropagation();
    };
    for (const type of ['open', 'message', 'close']) socket.addEventListener(type, guard);
    return socket;
  }

  /** @param {number} call */
  #ask(call) {
    const pending = this.#calls.get(call);
    if (!pending || !this.#module) return;
    try {
      // The call may be settled in here, and then it has let its pump go.
      pending.pump = pending.ask(this.#module, this.#number, call);
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

  /** @param {number} number @param {'cancel' | 'discard' | 'wake' | 'token' | 'close' | 'filled' | 'unread'} what @param {any[]} values */
  #tell(number, what, ...values) {
    if (number !== this.#number || !this.#module) return;
    try {
      /** @type {(...values: any[]) => void} */ (this.#module[what])(number, ...values);
    } catch {
      // The program has ended, and what it was to do with it.
    }
  }

  /**
   * What the module says. It is in the middle of something: whatever is the
   * application's runs later.
   *
   * @param {string} word @param {number} call @param {string} text
   */
  #hear(word, call, text) {
    switch (word) {
      case 'token':
        this.#giveToken(call);
        break;
      case 'progress': {
        const onProgress = this.#calls.get(call)?.onProgress;
        if (onProgress) queueMicrotask(() => onProgress(JSON.parse(text)));
        break;
      }
      case 'refused':
        this.#tellToken(readError(text));
        break;
      case 'done':
        this.resolve(call, text);
        break;
      case 'fail':
        this.reject(call, readError(text));
        break;
      default: {
        const fault = this.#tokenFault;
        this.#tokenFault = undefined;
        if (word === 'welcome') this.#dials.connected();
        if (fault === undefined && (word === 'state' || word === 'closed') && text.includes('"code":"token-')) this.#tellToken(readError(text));
        this.#whole.hear(word, text, call, fault);
      }
    }
  }

  /** The proxy's word about a token is for who makes tokens. @param {AttacheError} error */
  #tellToken(error) {
    const { code, id } = error;
    this.#dials.say(`the proxy refused the token (${code}): ${inOneLine(error)}.${id && ` In the proxy's log: ${id}.`}`, `token ${code}`);
  }

  /** @param {number} request */
  async #giveToken(request) {
    const number = this.#number;
    const { token, fixed, problem, cause } = await this.#provider.ask();
    if (number !== this.#number) return;
    if (astray(cause)) {
      this.#whole.failed(cause);
      return;
    }
    const { id, userId } = this.#whole;
    if (id !== '' && differ(claims(token), { session: id, userId })) {
      // Before anything is said there, or under that name.
      this.#whole.failed(otherParty());
      return;
    }
    if (cause !== undefined) this.#tokenFault = cause;
    this.#tell(number, 'token', request, token, fixed, problem);
  }
}
