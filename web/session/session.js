import { AttacheError, errorFromWire, parseError } from './error.js';
import { randomKey } from './key.js';
import { ModuleSession } from './modulesession.js';
import {
  parsed, readAttach, readClose, readDownload, readFind, readKey, readLink, readNotify, readRemove, readRemoveParty, readRename, readSend, readToken, readTyping,
  readUpload,
} from './options.js';
import { Tickets } from './tickets.js';
import { Uploads } from './uploads.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').Limits} Limits */
/** @typedef {import('../attache.js').Party} Party */
/** @typedef {import('../attache.js').SessionState} SessionState */
/** @typedef {import('../attache.js').TextEvent} TextEvent */
/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('../attache.js').ChatInfo} ChatInfo */
/** @typedef {import('../codes.js').Right} Right */
/** @typedef {import('./modulesession.js').ConnectOptions} ConnectOptions */

/** This page's sessions that are connected or reconnecting. @type {Set<Session>} */
const joined = new Set();

export class Session extends EventTarget {
  #base;
  #module;
  #id = '';
  /** @type {Party} */
  #party = Object.freeze({ userId: '', nickname: '', userType: 'CLIENT' });
  /** @type {SessionState} */
  #state = 'reconnecting';
  #left = false;
  /** @type {Limits} */
  #limits = freeze({ usedFiles: 0, usedTotalSize: 0, types: [], needAgent: false, agentHere: false, usedDownloads: 0, deleteFile: '', deleteOthers: '' });
  /** @type {readonly Right[]} */
  #rights = Object.freeze([]);
  /** @type {ChatInfo} */
  #info = Object.freeze({ started: 0, saved: 0, idleExpires: 0, monitored: false, attached: false });
  /** @type {TranscriptEvent[]} */
  #events = [];
  /** The upload keys of the files in it. @type {Set<string>} */
  #announced = new Set();
  /** @type {readonly TranscriptEvent[] | undefined} */
  #transcript;
  /** Settles the promise of {@link Session.connect}. @type {(error?: unknown) => void} */
  #settleConnect = () => {};
  #onRetry;
  #uploads;
  #tickets;

  /** Called by {@link Session.connect} only. @param {ConnectOptions} options */
  constructor(options) {
    super();
    this.#base = options.base;
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
    this.#uploads = new Uploads(this.#module, {
      get left() { return session.#left; },
      get closed() { return session.#state === 'closed'; },
      isAnnounced: (key) => this.#announced.has(key),
      moreUnfinished: () => this.#dispatch('unfinished', undefined),
    });
    this.#tickets = new Tickets(this.#module, { base: options.base, credentials: options.credentials, get session() { return session.#id; } });
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

  get info() {
    return this.#info;
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
    return this.#uploads.start(parsed(() => readUpload(file, options)));
  }

  /** @param {File} file @returns {string | undefined} */
  resumeKey(file) {
    return this.#uploads.resumeKey(file);
  }

  async unfinishedUploads() {
    return this.#uploads.unfinished();
  }

  /** @param {string} key */
  discardUpload(key) {
    this.#uploads.discard(parsed(() => readKey(key)));
  }

  /** @param {ChatFile | string} file @param {import('../attache.js').DownloadOptions} [options] @returns {Promise<Response>} */
  async download(file, options) {
    return this.#tickets.download(parsed(() => readDownload(file, options))).open();
  }

  /** @param {ChatFile | string} file @param {import('../attache.js').LinkOptions} [options] @returns {Promise<string>} */
  async link(file, options) {
    const request = parsed(() => readLink(file, options));
    return request.check ? this.#tickets.download(request).check() : this.#tickets.link(request);
  }

  /** @param {string} text @param {import('../attache.js').SendOptions} [options] @returns {Promise<TextEvent>} */
  async send(text, options) {
    const request = parsed(() => readSend(text, options));
    const key = randomKey();
    const sent = await this.#module.call((module, handle, call) => {
      module.say(handle, call, key, request.text, request.visibility, request.receiver, request.messageType, request.treatAs);
    }, request);
    return freeze(JSON.parse(sent));
  }

  /** @param {boolean | string} typed @param {import('../attache.js').AudienceOptions} [options] */
  typing(typed, options) {
    this.#module.typing(parsed(() => readTyping(typed, options)));
  }

  /** @param {string} type @param {import('../attache.js').NotifyOptions} [options] @returns {Promise<any>} */
  async notify(type, options) {
    return this.#notify(parsed(() => readNotify(type, options)));
  }

  /** @param {string} nickname @param {{ signal?: AbortSignal }} [options] @returns {Promise<any>} */
  async rename(nickname, options) {
    return this.#notify(parsed(() => readRename(nickname, options)));
  }

  /** @param {string} documentId @param {import('../attache.js').AttachOptions} [options] @returns {Promise<any>} */
  async attach(documentId, options) {
    return this.#notify(parsed(() => readAttach(documentId, options)));
  }

  /** @param {ChatFile | string} file @param {{ signal?: AbortSignal }} [options] @returns {Promise<any>} */
  async remove(file, options) {
    return this.#notify(parsed(() => readRemove(file, options)));
  }

  /** @param {string} userId @param {import('../attache.js').RemovePartyOptions} [options] @returns {Promise<any>} */
  async removeParty(userId, options) {
    return this.#notify(parsed(() => readRemoveParty(userId, options)));
  }

  /** @param {string} [words] @param {import('../attache.js').FindOptions} [options] @returns {Promise<any>} */
  async find(words, options) {
    const request = parsed(() => readFind(words, options));
    const found = await this.#module.call((module, handle, call) => module.find(handle, call, request.words, request.after), request);
    return freeze(JSON.parse(found));
  }

  /** Resolves with the event of a notice; `undefined` if it has none. @param {ReturnType<typeof readNotify>} request */
  async #notify(request) {
    const { notice, text, data, visibility, receiver } = request;
    const key = randomKey();
    const sent = await this.#module.call((module, handle, call) => {
      module.notify(handle, call, key, notice, text, data, visibility, receiver);
    }, request);
    return sent === '' ? undefined : freeze(JSON.parse(sent));
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
      case 'info':
        this.#info = Object.freeze(JSON.parse(text));
        this.#dispatch('info', this.#info);
        break;
      case 'upload':
        this.#reportUpload(call, JSON.parse(text));
        break;
      case 'closed':
        this.#end(text === '' ? undefined : parseError(text, cause));
        break;
    }
  }

  /** @param {{ id: string, party: Party, limits: Limits, rights: Right[], info: ChatInfo }} welcome */
  #welcome({ id, party, limits, rights, info }) {
    this.#id = id;
    this.#party = Object.freeze(party);
    joined.add(this);
    this.#uploads.remember(this.#base, id, party.userId);
    this.#limits = freeze(limits);
    this.#rights = Object.freeze(rights);
    this.#info = Object.freeze(info);
    // A proxy that went out of service had announced it, so no state change was reported.
    if (this.#state === 'connected') {
      this.#dispatch('limits', this.#limits);
      this.#dispatch('info', this.#info);
    } else {
      this.#setState('connected');
    }
    this.#settleConnect();
  }

  /**
   * Adds an event to the transcript. The module delivers each event once, and each file once however many notices carry its
   * key; a module that was started again knows the last event it delivered, but not the files before it. A transient event,
   * such as typing, has no id and is not of the transcript: it is only dispatched.
   *
   * @param {TranscriptEvent} event
   */
  #addEvent(event) {
    if (event.type === 'file' && event.key !== '') {
      if (this.#announced.has(event.key)) return;
      this.#announced.add(event.key);
    }
    if (event.type === 'deletion') this.#withdraw(event.file);
    if (event.event > 0) {
      this.#events.push(event);
      this.#transcript = undefined;
    }
    if (event.type === 'nickname' && event.own) this.#party = Object.freeze({ ...this.#party, nickname: event.nickname });
    this.#dispatch(event.type, event);
  }

  /** Replaces the file's item in the transcript by one that is not downloadable. @param {string} id */
  #withdraw(id) {
    this.#events = this.#events.map((event) => {
      if (event.type !== 'file' || event.id !== id) return event;
      return Object.freeze({ ...event, downloadable: false, reason: 'the file was deleted' });
    });
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
    this.#uploads.end();
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
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}
