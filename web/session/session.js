import { Download } from './download.js';
import { AttacheError, errorFromWire, parseError } from './error.js';
import { randomKey } from './key.js';
import { ModuleSession } from './modulesession.js';
import { readClose, readDownload, readKey, readSend, readToken, readUpload, parsed } from './options.js';
import { Pump } from './pump.js';
import { sizeOf } from './reader.js';
import { ResumeStore } from './resumestore.js';
import { StartQueue } from './startqueue.js';
import { isLocked, lock, lockIfAvailable, lockedKeys, locksSupported } from './tablock.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').Limits} Limits */
/** @typedef {import('../attache.js').Party} Party */
/** @typedef {import('../attache.js').SessionState} SessionState */
/** @typedef {import('../attache.js').TextEvent} TextEvent */
/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('../codes.js').Right} Right */
/** @typedef {import('./modulesession.js').ConnectOptions} ConnectOptions */

/** The attempt that each file's downloads count as: one a file while the page lives. @type {Map<string, string>} */
const attempts = new Map();

/** This page's sessions that are connected or reconnecting. @type {Set<Session>} */
const joined = new Set();

export class Session extends EventTarget {
  #base;
  #credentials;
  #module;
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
  /** Settles the promise of {@link Session.connect}. @type {(error?: unknown) => void} */
  #settleConnect = () => {};
  /** From the first welcome on. @type {ResumeStore | undefined} */
  #resumes;
  #onRetry;
  #startQueue = new StartQueue();

  /** Called by {@link Session.connect} only. @param {ConnectOptions} options */
  constructor(options) {
    super();
    this.#base = options.base;
    this.#credentials = options.credentials;
    this.#onRetry = options.onRetry;
    const session = this;
    this.#module = new ModuleSession(options, {
      get id() { return session.#id; },
      get userId() { return session.#party.userId; },
      get position() { return session.#events.at(-1)?.event ?? 0; },
      onMessage: (word, text, call, cause) => this.#handleMessage(word, text, call, cause),
      onRestart: (error) => {
        if (this.#id !== '') this.#setState('reconnecting', { error, retryIn: 0 });
      },
      onFailure: (error) => this.#end(error),
    });
  }

  /** @param {ConnectOptions} options @returns {Promise<Session>} */
  static async connect(options) {
    const { signal } = options;
    signal?.throwIfAborted();
    const session = new Session(options);
    /** @type {Promise<void>} */
    const connected = new Promise((resolve, reject) => {
      session.#settleConnect = (error) => (error === undefined ? resolve() : reject(error));
    });
    const abort = () => {
      session.#settleConnect(signal?.reason);
      session.#end(new AttacheError({ code: 'cancelled', message: 'connecting was aborted' }));
    };
    signal?.addEventListener('abort', abort, { once: true });
    session.#module.start();
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
    this.#module.token = parsed(() => readToken(token));
  }

  /** @param {Blob} file @param {import('../attache.js').UploadOptions} [options] @returns {Promise<ChatFile>} */
  async upload(file, options) {
    const request = parsed(() => readUpload(file, options));
    request.signal?.throwIfAborted();
    const start = this.#startQueue.join();
    let release;
    try {
      release = this.#resumes?.keyOf(request.file) === request.key ? await lockIfAvailable(request.key) : lock(request.key);
      return await this.#begin(request, start);
    } finally {
      start.started();
      release?.();
    }
  }

  /** @param {ReturnType<typeof readUpload>} request @param {ReturnType<StartQueue['join']>} start @returns {Promise<ChatFile>} */
  async #begin(request, start) {
    const size = await sizeOf(request.file).catch((cause) => {
      throw new AttacheError({ code: 'file-unreadable', message: '', cause });
    });
    await start.ready;
    this.#resumes?.save(request.file, request.key);
    try {
      const sending = this.#send(request, size, start.group);
      start.started();
      const sent = await sending;
      this.#resumes?.remove(request.file, request.key);
      return sent;
    } catch (error) {
      if (!this.#isResumable(error, request.signal)) this.#resumes?.remove(request.file, request.key);
      throw error;
    }
  }

  /** Whether an upload that failed with this error can be resumed. @param {unknown} error @param {AbortSignal | undefined} signal */
  #isResumable(error, signal) {
    if (signal?.aborted || this.#left) return false;
    return this.#state === 'closed' || error instanceof AttacheError && error.retryable;
  }

  /** @param {File} file @returns {string | undefined} */
  resumeKey(file) {
    const key = locksSupported() ? this.#resumes?.keyOf(file) : undefined;
    if (key === undefined || isLocked(key)) return undefined;
    if (!this.#announced.has(key)) return key;
    this.#resumes?.remove(file, key);
    return undefined;
  }

  async unfinishedUploads() {
    const all = this.#resumes?.list() ?? [];
    if (all.length === 0) return all;
    const taken = await lockedKeys();
    return all.filter(({ key }) => !taken.has(key) && !this.#announced.has(key));
  }

  /** @param {string} key */
  discardUpload(key) {
    const request = parsed(() => readKey(key));
    this.#resumes?.removeKey(request);
    this.#module.discard(request);
  }

  /** @param {ReturnType<typeof readUpload>} request @param {number} size @param {number} group @returns {Promise<ChatFile>} */
  #send(request, size, group) {
    /** @param {import('../attache.js').Progress} progress */
    const onProgress = (progress) => {
      this.#resumes?.saveProgress(request.file, request.key, progress.stored);
      request.onProgress?.(progress);
    };
    return this.#module.call((module, handle, call) => {
      const pump = new Pump(
        request.file,
        size,
        (view) => this.#module.report(handle, 'filled', call, view),
        (before) => this.#module.report(handle, 'unread', call, before),
      );
      module.upload(handle, call, pump, group, request.key, request.name, size, request.type, request.uploadType, request.description, request.digest, request.visibility, ...request.custom);
      return pump;
    }, { signal: request.signal, onProgress });
  }

  /** @param {ChatFile | string} file @param {import('../attache.js').DownloadOptions} [options] @returns {Promise<Response>} */
  async download(file, options) {
    return this.#downloadOf(parsed(() => readDownload(file, options))).open();
  }

  /** @param {ChatFile | string} file @param {import('../attache.js').LinkOptions} [options] @returns {Promise<string>} */
  async link(file, options) {
    const request = parsed(() => readDownload(file, options));
    if (request.check) return this.#downloadOf(request).check();
    return (await this.#ticket(request.id, request.signal)).url;
  }

  /** @param {ReturnType<typeof readDownload>} request */
  #downloadOf({ id, size, offset, signal, idleTimeout }) {
    const ask = (/** @type {AbortSignal | undefined} */ given) => this.#ticket(id, given);
    return new Download({ ask, size, offset, signal, idleTimeout, credentials: this.#credentials });
  }

  /** @param {string} text @param {import('../attache.js').SendOptions} [options] @returns {Promise<TextEvent>} */
  async send(text, options) {
    const request = parsed(() => readSend(text, options));
    const key = randomKey();
    const sent = await this.#module.call((module, handle, call) => module.say(handle, call, key, request.text, request.visibility), request);
    return freeze(JSON.parse(sent));
  }

  /** @param {{ after?: 'keep-alive' | 'close-if-no-agents' | 'force-close' }} [options] @returns {Promise<void>} */
  async close(options) {
    const after = parsed(() => readClose(options));
    if (this.#state === 'closed') return;
    // The party stays in the chat as long as it has another session in this page.
    if (after === 'keep-alive' && this.#twin) {
      this.#end();
      return;
    }
    // Leaving cancels the uploads that are not complete.
    this.#left = this.#state === 'connected';
    await this.#module.call((module, handle, call) => module.leave(handle, call, after), { leaving: true });
  }

  /** Another session of the same party in this page. */
  get #twin() {
    return [...joined].some((one) => one !== this && one.#base === this.#base && one.#id === this.#id && one.#party.userId === this.#party.userId);
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.close();
  }

  /** Returns where a file can be fetched. @param {string} file @param {AbortSignal | undefined} signal @returns {Promise<import('./download.js').Ticket>} */
  async #ticket(file, signal) {
    const which = `${this.#id}/${file}`;
    const attempt = attempts.get(which) ?? randomKey();
    attempts.set(which, attempt);
    const ticket = await this.#module.call((module, handle, call) => module.ask(handle, call, file, attempt), { signal });
    const { path, size = 0, digest = '' } = JSON.parse(ticket);
    return { url: this.#base + path, size, digest };
  }

  /** @param {string} word @param {string} text @param {number} call @param {unknown} cause */
  #handleMessage(word, text, call, cause) {
    switch (word) {
      case 'welcome':
        this.#welcome(JSON.parse(text));
        break;
      case 'state': {
        const { error, retryIn } = JSON.parse(text);
        this.#disconnected(errorFromWire(error, cause), retryIn);
        break;
      }
      case 'event':
        this.#addEvent(freeze(JSON.parse(text)));
        break;
      case 'limits':
        this.#limits = freeze(JSON.parse(text));
        this.#dispatch('limits', this.#limits);
        break;
      case 'upload':
        this.#reportUpload(call, JSON.parse(text));
        break;
      case 'closed':
        this.#end(text === '' ? undefined : parseError(text, cause));
        break;
    }
  }

  /** @param {{ id: string, party: Party, limits: Limits, rights: Right[] }} welcome */
  #welcome({ id, party, limits, rights }) {
    this.#id = id;
    this.#party = Object.freeze(party);
    joined.add(this);
    this.#resumes ??= new ResumeStore(this.#base, id, party.userId);
    this.#limits = freeze(limits);
    this.#rights = Object.freeze(rights);
    // A proxy that went out of service had announced it, so no state change was reported.
    if (this.#state === 'connected') this.#dispatch('limits', this.#limits);
    else this.#setState('connected');
    this.#settleConnect();
  }

  /**
   * Adds an event to the transcript. The module delivers each event once, and each file once however many notices carry its
   * key; a module that was started again knows the last event it delivered, but not the files before it.
   *
   * @param {TranscriptEvent} event
   */
  #addEvent(event) {
    if (event.type === 'file' && event.key !== '') {
      if (this.#announced.has(event.key)) return;
      this.#announced.add(event.key);
    }
    this.#events.push(event);
    this.#transcript = undefined;
    this.#dispatch(event.type, event);
  }

  /** @param {number} call @param {any} step */
  #reportUpload(call, step) {
    if (step.error) step.error = errorFromWire(step.error);
    if (step.file) freeze(step.file);
    this.#dispatch('upload', Object.freeze(step));
    if (step.file) this.#module.resolve(call, step.file);
    else if (step.error) this.#module.reject(call, step.error);
  }

  /** The connection was lost, or could not be opened yet. @param {AttacheError} error @param {number} retryIn milliseconds */
  #disconnected(error, retryIn) {
    if (this.#id !== '') this.#setState('reconnecting', { error, retryIn });
    else if (this.#onRetry) queueMicrotask(() => this.#onRetry?.({ error, retryIn }));
  }

  /** @param {SessionState} state @param {{ error?: AttacheError, retryIn?: number }} [why] */
  #setState(state, why) {
    this.#state = state;
    this.#dispatch('state', { state, ...why });
  }

  /** Ends the session; without an error it was closed on purpose. @param {AttacheError} [error] */
  #end(error) {
    if (this.#state === 'closed') return;
    joined.delete(this);
    this.#setState('closed', error && { error });
    const reason = error ?? new AttacheError({ code: 'not-joined', message: 'the session is closed', retryable: false });
    this.#settleConnect(reason);
    this.#module.end(reason);
  }

  /** @param {string} type @param {unknown} detail */
  #dispatch(type, detail) {
    queueMicrotask(() => this.dispatchEvent(new CustomEvent(type, { detail })));
  }
}

/** Freezes a value of the module, which is shared by all listeners. @param {any} value @returns {any} */
function freeze(value) {
  for (const inner of Object.values(value)) Object.freeze(inner);
  return Object.freeze(value);
}
