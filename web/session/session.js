import { Download } from './download.js';
import { AttacheError, makeError, readError } from './error.js';
import { Half } from './modulesession.js';
import { held, heldAnywhere, hold, holdIfAvailable, locksSupported } from './tablock.js';
import { randomKey } from './key.js';
import { Line } from './startqueue.js';
import { Pump } from './pump.js';
import { sizeOf } from './reader.js';
import { Unfinished } from './resumestore.js';
import { readClose, readDownload, readKey, readSend, readToken, readUpload, reading } from './options.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').Limits} Limits */
/** @typedef {import('../attache.js').Party} Party */
/** @typedef {import('../attache.js').SessionState} SessionState */
/** @typedef {import('../attache.js').TextEvent} TextEvent */
/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('../codes.js').Right} Right */
/** @typedef {import('./modulesession.js').Wish} Wish */

/** One download is one attempt, however often it is asked for while the page lives. @type {Map<string, string>} */
const attempts = new Map();

/** Those of this page that are in a chat. @type {Set<Session>} */
const inside = new Set();

export class Session extends EventTarget {
  #base;
  #credentials;
  #half;
  #id = '';
  /** @type {Party} */
  #party = Object.freeze({ userId: '', nickname: '', userType: 'CLIENT' });
  /** @type {SessionState} */
  #state = 'reconnecting';
  #left = false;
  /** @type {Limits} */
  #limits = freeze({ usedFiles: 0, usedTotalSize: 0, types: [], needAgent: false, agentHere: false, usedDownloads: 0 });
  /** @type {readonly Right[]} */
  #rights = Object.freeze([]);
  /** @type {TranscriptEvent[]} */
  #events = [];
  /** The upload keys of the files in it. @type {Set<string>} */
  #announced = new Set();
  /** @type {readonly TranscriptEvent[] | undefined} */
  #transcript;
  /** @type {(error?: unknown) => void} */
  #connected = () => {};
  /** From the first welcome on. @type {Unfinished | undefined} */
  #unfinished;
  /** Told of what delays the first connect. */
  #onRetry;
  #line = new Line();

  /** Only {@link Session.connect} makes one. @param {Wish} wish */
  constructor(wish) {
    super();
    this.#base = wish.base;
    this.#credentials = wish.credentials;
    this.#onRetry = wish.onRetry;
    const session = this;
    this.#half = new Half(wish, {
      get id() { return session.#id; },
      get userId() { return session.#party.userId; },
      get position() { return session.#events.at(-1)?.event ?? 0; },
      hear: (word, text, call, cause) => this.#hear(word, text, call, cause),
      crashed: (error) => {
        if (this.#id !== '') this.#change('reconnecting', { error, retryIn: 0 });
      },
      failed: (error) => this.#end(error),
    });
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
    session.#half.start();
    try {
      await connected;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    return session;
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

  /** @param {string | (() => string | Promise<string>)} token */
  setToken(token) {
    this.#half.token = reading(() => readToken(token));
  }

  /** @param {Blob} file @param {import('../attache.js').UploadOptions} [options] @returns {Promise<ChatFile>} */
  async upload(file, options) {
    const w = reading(() => readUpload(file, options));
    w.signal?.throwIfAborted();
    const place = this.#line.join();
    let release;
    try {
      release = this.#unfinished?.recall(w.file) === w.key ? await holdIfAvailable(w.key) : hold(w.key);
      return await this.#begin(w, place);
    } finally {
      place.begun();
      release?.();
    }
  }

  /** @param {ReturnType<typeof readUpload>} w @param {ReturnType<Line['join']>} place @returns {Promise<ChatFile>} */
  async #begin(w, place) {
    const size = await sizeOf(w.file).catch((cause) => {
      throw new AttacheError({ code: 'file-unreadable', message: '', cause });
    });
    await place.turn;
    this.#unfinished?.remember(w.file, w.key);
    try {
      const sending = this.#send(w, size, place.group);
      place.begun();
      const sent = await sending;
      this.#unfinished?.forget(w.file, w.key);
      return sent;
    } catch (error) {
      if (!this.#goesOn(error, w.signal)) this.#unfinished?.forget(w.file, w.key);
      throw error;
    }
  }

  /** Whether an upload that came to this end may be continued. @param {unknown} error @param {AbortSignal | undefined} signal */
  #goesOn(error, signal) {
    if (signal?.aborted || this.#left) return false;
    return this.#state === 'closed' || error instanceof AttacheError && error.retryable;
  }

  /** @param {File} file @returns {string | undefined} */
  recall(file) {
    const key = locksSupported() ? this.#unfinished?.recall(file) : undefined;
    if (key === undefined || held(key)) return undefined;
    if (!this.#announced.has(key)) return key;
    this.#unfinished?.forget(file, key);
    return undefined;
  }

  async unfinished() {
    const all = this.#unfinished?.list() ?? [];
    if (all.length === 0) return all;
    const taken = await heldAnywhere();
    return all.filter(({ key }) => !taken.has(key) && !this.#announced.has(key));
  }

  /** @param {string} key */
  discard(key) {
    const w = reading(() => readKey(key));
    this.#unfinished?.drop(w);
    this.#half.discard(w);
  }

  /** @param {ReturnType<typeof readUpload>} w @param {number} size @param {number} group @returns {Promise<ChatFile>} */
  #send(w, size, group) {
    /** @param {import('../attache.js').Progress} progress */
    const onProgress = (progress) => {
      this.#unfinished?.note(w.file, w.key, progress.stored);
      w.onProgress?.(progress);
    };
    return this.#half.call((module, half, call) => {
      const pump = new Pump(
        w.file,
        size,
        (view) => this.#half.report(half, 'filled', call, view),
        (before) => this.#half.report(half, 'unread', call, before),
      );
      module.upload(half, call, pump, group, w.key, w.name, size, w.type, w.uploadType, w.description, w.digest, w.visibility, ...w.custom);
      return pump;
    }, { signal: w.signal, onProgress });
  }

  /** @param {ChatFile | string} file @param {import('../attache.js').DownloadOptions} [options] @returns {Promise<Response>} */
  async download(file, options) {
    return this.#fetching(reading(() => readDownload(file, options))).open();
  }

  /** @param {ChatFile | string} file @param {import('../attache.js').LinkOptions} [options] @returns {Promise<string>} */
  async link(file, options) {
    const w = reading(() => readDownload(file, options));
    if (w.check) return this.#fetching(w).check();
    return (await this.#ticket(w.id, w.signal)).url;
  }

  /** @param {ReturnType<typeof readDownload>} w */
  #fetching({ id, size, offset, signal, patience }) {
    const ask = (/** @type {AbortSignal | undefined} */ given) => this.#ticket(id, given);
    return new Download({ ask, size, offset, signal, patience, credentials: this.#credentials });
  }

  /** @param {string} text @param {import('../attache.js').SendOptions} [options] @returns {Promise<TextEvent>} */
  async send(text, options) {
    const w = reading(() => readSend(text, options));
    const key = randomKey();
    const said = await this.#half.call((module, half, call) => module.say(half, call, key, w.text, w.visibility), w);
    return freeze(JSON.parse(said));
  }

  /** @param {{ after?: 'keep-alive' | 'close-if-no-agents' | 'force-close' }} [options] @returns {Promise<void>} */
  async close(options) {
    const after = reading(() => readClose(options));
    if (this.#state === 'closed') return;
    // Where the party is here twice, one of them goes and the party stays.
    if (after === 'keep-alive' && this.#twin) {
      this.#end();
      return;
    }
    // Who leaves in good order takes back what is not whole yet.
    this.#left = this.#state === 'connected';
    await this.#half.call((module, half, call) => module.leave(half, call, after), { leaving: true });
  }

  /** Another session of the same party. */
  get #twin() {
    return [...inside].some((one) => one !== this && one.#base === this.#base && one.#id === this.#id && one.#party.userId === this.#party.userId);
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.close();
  }

  /** Where a file is. @param {string} file @param {AbortSignal | undefined} signal @returns {Promise<import('./download.js').Ticket>} */
  async #ticket(file, signal) {
    const which = `${this.#id}/${file}`;
    const attempt = attempts.get(which) ?? randomKey();
    attempts.set(which, attempt);
    const told = await this.#half.call((module, half, call) => module.ask(half, call, file, attempt), { signal });
    const { path, size = 0, digest = '' } = JSON.parse(told);
    return { url: this.#base + path, size, digest };
  }

  /** @param {string} word @param {string} text @param {number} call @param {unknown} cause */
  #hear(word, text, call, cause) {
    switch (word) {
      case 'welcome':
        this.#welcome(JSON.parse(text));
        break;
      case 'state': {
        const { error, retryIn } = JSON.parse(text);
        this.#lost(makeError(error, cause), retryIn);
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
      case 'closed':
        this.#end(text === '' ? undefined : readError(text, cause));
        break;
    }
  }

  /** @param {{ id: string, party: Party, limits: Limits, rights: Right[] }} place */
  #welcome({ id, party, limits, rights }) {
    this.#id = id;
    this.#party = Object.freeze(party);
    inside.add(this);
    this.#unfinished ??= new Unfinished(this.#base, id, party.userId);
    this.#limits = freeze(limits);
    this.#rights = Object.freeze(rights);
    // Where a proxy that went had said when to come back, nobody has been told.
    if (this.#state === 'connected') this.#dispatch('limits', this.#limits);
    else this.#change('connected');
    this.#connected();
  }

  /**
   * Adds an event to the transcript. The module delivers each event once, and each file once however many notices carry its
   * key; a module that was started again knows the last event it delivered, but not the files before it.
   *
   * @param {TranscriptEvent} event
   */
  #happened(event) {
    if (event.type === 'file' && event.key !== '') {
      if (this.#announced.has(event.key)) return;
      this.#announced.add(event.key);
    }
    this.#events.push(event);
    this.#transcript = undefined;
    this.#dispatch(event.type, event);
  }

  /** @param {number} call @param {any} step */
  #step(call, step) {
    if (step.error) step.error = makeError(step.error);
    if (step.file) freeze(step.file);
    this.#dispatch('upload', Object.freeze(step));
    if (step.file) this.#half.resolve(call, step.file);
    else if (step.error) this.#half.reject(call, step.error);
  }

  /** There is no connection, or not yet. @param {AttacheError} error @param {number} retryIn milliseconds */
  #lost(error, retryIn) {
    if (this.#id !== '') this.#change('reconnecting', { error, retryIn });
    else if (this.#onRetry) queueMicrotask(() => this.#onRetry?.({ error, retryIn }));
  }

  /** @param {SessionState} state @param {{ error?: AttacheError, retryIn?: number }} [why] */
  #change(state, why) {
    this.#state = state;
    this.#dispatch('state', { state, ...why });
  }

  /** It is over; in good order where there is no error. @param {AttacheError} [error] */
  #end(error) {
    if (this.#state === 'closed') return;
    inside.delete(this);
    this.#change('closed', error && { error });
    const reason = error ?? new AttacheError({ code: 'not-joined', message: 'the session is closed', retryable: false });
    this.#connected(reason);
    this.#half.end(reason);
  }

  /** @param {string} type @param {unknown} detail */
  #dispatch(type, detail) {
    queueMicrotask(() => this.dispatchEvent(new CustomEvent(type, { detail })));
  }
}

/** What Go has handed over belongs to every listener. @param {any} value @returns {any} */
function freeze(value) {
  for (const inner of Object.values(value)) Object.freeze(inner);
  return Object.freeze(value);
}
