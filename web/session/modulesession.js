import { chatPath, subprotocol } from '../codes.js';
import { onExit } from '../loader.js';
import { claims, differ } from './claims.js';
import { Dialer } from './dialer.js';
import { EarlyDial } from './earlydial.js';
import { AttacheError, inOneLine, otherPartyError, parseError } from './error.js';
import { loadModule } from './module.js';
import { TokenProvider, isSessionInvalid } from './provider.js';

/** @typedef {import('./module.js').Module} Module */
/** @typedef {import('./pump.js').Pump} Pump */
/** The options of connect, parsed. @typedef {ReturnType<typeof import('./options.js').readConnect>} ConnectOptions */

/**
 * A call that the module has not answered. A module that starts again is called
 * again; the keys in the call make that harmless.
 *
 * @typedef {object} Call
 * @property {(module: Module, handle: number, call: number) => Pump | void} invoke
 * @property {(value: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 * @property {() => void} release removes the listener from the signal
 * @property {((progress: any) => unknown) | undefined} onProgress
 * @property {boolean} leaving
 * @property {Pump | void} pump
 */

/**
 * The session that a ModuleSession links to the module.
 *
 * @typedef {object} SessionEvents
 * @property {string} id of the chat session; empty until it is known
 * @property {number} position the last event it has
 * @property {string} userId of the party; empty until it is known
 * @property {(word: string, text: string, call: number, cause: unknown) => void} onMessage a message that answers no call
 * @property {(error: AttacheError) => void} onRestart the program has ended, and another one is started
 * @property {(error: AttacheError) => void} onFailure the session cannot continue
 */

let lastHandle = 0;

/** Sessions to continue when the module has to start again. @type {Set<ModuleSession>} */
const running = new Set();

/** @type {(() => void) | undefined} */
let ignoreExit;

const maxCrashes = 3;
const crashWindow = 60_000;

/** A session's link to the module: its handle there, its sockets, and the calls that wait for an answer. */
export class ModuleSession {
  #options;
  #events;
  /** @type {Module | undefined} */
  #module;
  /** The module knows the session by it; every start has another one. */
  #handle = 0;
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
  #tokenError;
  #provider;
  #dialer;
  /** What is under way while the module loads for the first time. */
  #early;
  #wake = () => this.#invoke(this.#handle, 'wake');
  #wakeIfVisible = () => globalThis.document?.visibilityState === 'visible' && this.#wake();

  /** @param {ConnectOptions} options @param {SessionEvents} events */
  constructor(options, events) {
    this.#options = options;
    this.#events = events;
    this.#dialer = new Dialer(options.base);
    this.#provider = new TokenProvider(options.token, { secureKey: options.secureKey });
    this.#early = {
      /** @type {EarlyDial | undefined} */
      dial: undefined,
      /** @type {ReturnType<TokenProvider['ask']> | undefined} */
      token: undefined,
    };
  }

  /** @param {ConnectOptions['token']} token */
  set token(token) {
    this.#provider.source = token;
    this.#early.token = undefined;
  }

  start() {
    running.add(this);
    ignoreExit ??= onExit(() => running.forEach((session) => session.#crashed()));
    globalThis.addEventListener?.('online', this.#wake);
    globalThis.document?.addEventListener?.('visibilitychange', this.#wakeIfVisible);
    const started = this.#start();
    this.#early.token = this.#provider.ask();
    this.#dialEarly(this.#early.token);
    return started;
  }

  /** Dials as soon as there is a token, unless the module has come first. @param {ReturnType<TokenProvider['ask']>} asked */
  async #dialEarly(asked) {
    const { problem } = await asked;
    if (!problem && !this.#module && this.#early.token === asked) this.#early.dial = new EarlyDial(this.#url + chatPath, subprotocol);
  }

  /** The proxy, a ws URL. */
  get #url() {
    return this.#options.base.replace(/^http/, 'ws');
  }

  /**
   * Calls the module for something that it answers later.
   *
   * @param {Call['invoke']} invoke
   * @param {{ signal?: AbortSignal, onProgress?: Call['onProgress'], leaving?: boolean }} [options]
   * @returns {Promise<any>}
   */
  call(invoke, { signal, onProgress, leaving = false } = {}) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#ended) throw this.#ended;
      const call = (this.#lastCall += 1);
      const abort = () => {
        this.#settle(call);
        this.#invoke(this.#handle, 'cancel', call);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const release = () => signal?.removeEventListener('abort', abort);
      this.#calls.set(call, { invoke, resolve, reject, release, onProgress, leaving, pump: undefined });
      this.#send(call);
    });
  }

  /** Reports what a pump has read, to the upload it reads for. @param {number} handle @param {'filled' | 'unread'} what @param {number} call @param {unknown} found */
  report(handle, what, call, found) {
    this.#invoke(handle, what, call, found);
  }

  /** Makes the proxy remove what it stores of an upload. @param {string} key */
  discard(key) {
    this.#invoke(this.#handle, 'discard', key);
  }

  /** Shows others that this party types, or not any more. @param {{ on: boolean, preview: string, visibility: string, receiver: string }} typing */
  typing({ on, preview, visibility, receiver }) {
    this.#invoke(this.#handle, 'typing', on, preview, visibility, receiver);
  }

  /** @param {number} call @param {unknown} value */
  resolve(call, value) {
    this.#settle(call)?.resolve(value);
  }

  /** @param {number} call @param {unknown} reason */
  reject(call, reason) {
    this.#settle(call)?.reject(reason);
  }

  /** Ends the session. Open calls are rejected, except the one that asked for the end. @param {unknown} reason */
  end(reason) {
    if (this.#ended) return;
    this.#ended = reason;
    this.#early.dial?.drop();
    this.#invoke(this.#handle, 'close');
    this.#module = undefined;
    this.#handle = 0;
    running.delete(this);
    if (running.size === 0) {
      ignoreExit?.();
      ignoreExit = undefined;
    }
    globalThis.removeEventListener?.('online', this.#wake);
    globalThis.document?.removeEventListener?.('visibilitychange', this.#wakeIfVisible);
    for (const call of [...this.#calls.keys()]) {
      const pending = this.#settle(call);
      if (pending?.leaving) pending.resolve(undefined);
      else pending?.reject(reason);
    }
  }

  /** Opens the session in the program that runs, and repeats all calls that are not answered yet. */
  async #start() {
    lastHandle += 1;
    const handle = lastHandle;
    this.#handle = handle;
    const { clientVersion, secureKey, wasm } = this.#options;
    let module;
    try {
      module = await loadModule({ wasm });
    } catch (error) {
      this.#early.dial?.drop();
      this.#events.onFailure(/** @type {AttacheError} */ (error));
      return;
    }
    if (handle !== this.#handle) return;
    this.#module = module;
    /** @param {any[]} reports a word, the number of a call and a text, for each */
    const receive = (...reports) => {
      for (let i = 0; i < reports.length && handle === this.#handle; i += 3) this.#receive(reports[i], reports[i + 1], reports[i + 2]);
    };
    /** @param {string} url @param {string} protocol */
    const dial = (url, protocol) => this.#dial(handle, url, protocol);
    const refused = module.open(handle, receive, dial, this.#url, clientVersion, secureKey,
      this.#events.id, this.#events.position, this.#events.userId);
    if (refused) this.#events.onFailure(parseError(refused));
    for (const call of [...this.#calls.keys()]) this.#send(call);
  }

  /** The program has ended by a fault of its own. The next one continues its work. */
  #crashed() {
    const now = Date.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < crashWindow), now];
    this.#module = undefined;
    this.#handle = 0;
    for (const { pump } of this.#calls.values()) pump?.release();
    for (const socket of this.#sockets) socket.close();
    this.#sockets.clear();
    const error = new AttacheError({ code: 'internal', message: '' });
    if (this.#crashes.length > maxCrashes) {
      this.#events.onFailure(error);
      return;
    }
    this.#events.onRestart(error);
    this.#start();
  }

  /** @param {number} handle @param {string} url @param {string} protocol */
  #dial(handle, url, protocol) {
    const socket = this.#dialer.open(url, protocol, () => handle === this.#handle, this.#early.dial?.take(url, protocol));
    this.#sockets.add(socket);
    socket.addEventListener('close', () => this.#sockets.delete(socket), { once: true });
    // Once the program has ended, its own listeners, which come after these, must not be called.
    /** @param {Event} event */
    const guard = (event) => {
      if (handle !== this.#handle) event.stopImmediatePropagation();
    };
    for (const type of ['open', 'message', 'close']) socket.addEventListener(type, guard);
    return socket;
  }

  /** @param {number} call */
  #send(call) {
    const pending = this.#calls.get(call);
    if (!pending || !this.#module) return;
    try {
      // The module may settle the call in here, and then the pump is released already.
      pending.pump = pending.invoke(this.#module, this.#handle, call);
    } catch {
      // The program has ended. The next one is called again.
    }
  }

  /** Removes a call that is answered, and returns it. @param {number} call */
  #settle(call) {
    const pending = this.#calls.get(call);
    this.#calls.delete(call);
    pending?.release();
    pending?.pump?.release();
    return pending;
  }

  /** @param {number} handle @param {'cancel' | 'discard' | 'wake' | 'typing' | 'token' | 'close' | 'filled' | 'unread'} name @param {any[]} values */
  #invoke(handle, name, ...values) {
    if (handle !== this.#handle || !this.#module) return;
    try {
      /** @type {(...values: any[]) => void} */ (this.#module[name])(handle, ...values);
    } catch {
      // The program has ended, so there is nothing left to do.
    }
  }

  /**
   * Receives a message of the module, which is in the middle of a call: the
   * application's code runs later.
   *
   * @param {string} word @param {number} call @param {string} text
   */
  #receive(word, call, text) {
    switch (word) {
      case 'token':
        this.#provideToken(call);
        break;
      case 'progress': {
        const onProgress = this.#calls.get(call)?.onProgress;
        if (onProgress) queueMicrotask(() => onProgress(JSON.parse(text)));
        break;
      }
      case 'refused':
        this.#logToken(parseError(text));
        break;
      case 'done':
        this.resolve(call, text);
        break;
      case 'fail':
        this.reject(call, parseError(text));
        break;
      default: {
        const cause = this.#tokenError;
        this.#tokenError = undefined;
        if (word === 'welcome') this.#dialer.connected();
        if (cause === undefined && (word === 'state' || word === 'closed') && text.includes('"code":"token-')) this.#logToken(parseError(text));
        this.#events.onMessage(word, text, call, cause);
      }
    }
  }

  /** Logs why the proxy refused a token, for the developer who issues tokens. @param {AttacheError} error */
  #logToken(error) {
    const { code, id } = error;
    this.#dialer.log(`the proxy refused the token (${code}): ${inOneLine(error)}.${id && ` In the proxy's log: ${id}.`}`, `token ${code}`);
  }

  /** @param {number} request */
  async #provideToken(request) {
    const handle = this.#handle;
    const asked = this.#early.token ?? this.#provider.ask();
    this.#early.token = undefined;
    const { token, fixed, problem, cause } = await asked;
    if (handle !== this.#handle) return;
    if (isSessionInvalid(cause)) {
      this.#events.onFailure(cause);
      return;
    }
    const { id, userId } = this.#events;
    if (id !== '' && differ(claims(token), { session: id, userId })) {
      // Before anything is sent there, or under that name.
      this.#events.onFailure(otherPartyError());
      return;
    }
    if (cause !== undefined) this.#tokenError = cause;
    this.#invoke(handle, 'token', request, token, fixed, problem);
  }
}
