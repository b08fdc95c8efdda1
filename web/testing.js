import { fileName } from './session/blob.js';
import { AttacheError } from './session/error.js';
import { describe } from './session/fakename.js';
import { checkDeletion, checkNickname, checkNotice, checkStaff, uploadRefusal } from './session/fakerules.js';
import { raced } from './session/fakehold.js';
import { randomKey } from './session/key.js';
import { present } from './widget/roster.js';
import { visibilities } from './widget/visibility.js';

/**
 * A double of a chat session for tests and prototypes: the `Session` interface without
 * module, proxy or network. It knows only a few file types and limits, and keeps files in
 * memory. It refuses the commonest mistakes with the proxy's codes, but does not check notices
 * as the proxy does: lengths, members, visibilities and rights of a notice are not checked.
 *
 * ```js
 * const chat = new FakeChat();
 * const agent = chat.join({ nickname: 'Ada', userType: 'AGENT' });
 * const customer = chat.join({ nickname: 'Bo', userType: 'CLIENT', limits: { maxFiles: 3 } });
 * element.session = agent;
 * agent.script({ fail: fakeError('storage-full'), at: 0.5 });
 * await customer.upload(new File(['hello'], 'hello.txt'));
 * ```
 */

/** @typedef {import('./attache.js').ChatFile} ChatFile */
/** @typedef {import('./attache.js').Limits} Limits */
/** @typedef {import('./attache.js').Party} Party */
/** @typedef {import('./attache.js').Session} Session */
/** @typedef {import('./attache.js').SessionState} SessionState */
/** @typedef {import('./attache.js').TextEvent} TextEvent */
/** @typedef {import('./attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('./attache.js').UploadOptions} UploadOptions */
/** @typedef {import('./testing.js').Script} Script */

/**
 * Makes an error as a session rejects with.
 *
 * @param {import('./codes.js').Code} code
 * @param {string} [message] default: the catalogue's
 */
export function fakeError(code, message = '') {
  return new AttacheError({ code, message });
}

/** A chat session in memory, which any number of fake sessions take part in. */
export class FakeChat {
  /** @type {TranscriptEvent[]} */
  events = [];
  /** @type {Map<string, Blob>} */
  contents = new Map();
  /** @type {Set<FakeSession>} */
  sessions = new Set();
  /** The standard responses. @type {import('./attache.js').StandardResponse[]} */
  library = [];
  /** Milliseconds between the steps of an upload; 0: as fast as possible. */
  stepDelay;
  #next = 1;

  /** @param {{ stepDelay?: number }} [options] */
  constructor({ stepDelay = 0 } = {}) {
    this.stepDelay = stepDelay;
  }

  /**
   * Adds a party and returns its session.
   *
   * @param {Partial<Party> & { limits?: Partial<Limits>, rights?: import('./codes.js').Right[] }} options
   */
  join({ nickname = 'Somebody', userType = 'CLIENT', userId = nickname, limits = {}, rights } = {}) {
    const party = { nickname, userType, userId };
    this.add({ type: 'join', from: party });
    const session = new FakeSession(this, party, { agentHere: this.#agentHere, ...limits }, rights);
    this.sessions.add(session);
    return session;
  }

  /**
   * Adds an event to the transcript and fires it in every session.
   *
   * @param {Record<string, unknown> & { type: TranscriptEvent['type'], from: Party }} event
   */
  add(event) {
    const full = /** @type {TranscriptEvent} */ (/** @type {unknown} */ ({ event: this.#next, at: Date.now(), visibility: 'ALL', ...event }));
    this.#next += 1;
    this.events.push(full);
    for (const session of this.sessions) if (session.sees(full)) session.fire(full.type, session.view(full));
    if (full.type === 'join' || full.type === 'leave') this.#countAgents();
    return full;
  }

  /**
   * Shows the other parties an event that is not kept.
   *
   * @param {Record<string, unknown> & { type: 'typing' | 'receipt', from: Party }} event
   */
  pass(event) {
    const full = /** @type {any} */ ({ event: 0, at: Date.now(), visibility: 'ALL', own: false, ...event });
    for (const session of this.sessions) {
      if (session.party.userId !== event.from.userId && session.sees(full)) session.fire(full.type, full);
    }
  }

  get #agentHere() {
    return present(this.events).some(({ userType }) => userType === 'AGENT' || userType === 'SUPERVISOR');
  }

  /** Changes the limits when the first agent joins or the last one leaves, as the proxy does. */
  #countAgents() {
    const agentHere = this.#agentHere;
    for (const session of this.sessions) if (session.limits.agentHere !== agentHere) session.setLimits({ agentHere });
  }

  /**
   * Adds a file to the transcript.
   *
   * @param {Party} from
   * @param {Partial<ChatFile> & { name: string }} file
   * @returns {ChatFile}
   */
  addFile(from, file) {
    const id = String(this.#next).padStart(4, '0');
    return /** @type {ChatFile} */ (this.add({
      type: 'file', from, ...describe(file.name), id, size: 0, key: '', source: 'ucs', documentId: id,
      uploadType: 'file-system', description: '', custom: {}, downloadable: true, reason: '', ...file,
    }));
  }
}

/** One party in a {@link FakeChat}. @implements {Session} */
class FakeSession extends EventTarget {
  id = 'fake';
  /** @type {SessionState} */
  state = 'connected';
  /** @type {Limits} */
  limits;
  rights;
  info = { started: 1, saved: 0, idleExpires: 0, monitored: false, attached: false };
  party;
  #chat;
  /** @type {Script[]} */
  #scripts = [];
  /** Which parties see that this one is typing. @type {import('./attache.js').AudienceOptions | undefined} */
  #typing;

  /** @param {FakeChat} chat @param {Party} party @param {Partial<Limits>} limits @param {import('./codes.js').Right[]} [rights] */
  constructor(chat, party, limits, rights = ['chat', 'upload:file-system', 'upload:standard-response', 'download']) {
    super();
    this.#chat = chat;
    this.party = party;
    this.rights = rights;
    this.limits = { usedFiles: 0, usedTotalSize: 0, types: [], needAgent: false, agentHere: false, usedDownloads: 0, deleteFile: '', deleteOthers: '', ...limits };
  }

  get transcript() {
    return this.#chat.events.filter((event) => this.sees(event)).map((event) => this.view(event));
  }

  /** Reports whether this party sees an event. @param {TranscriptEvent} event */
  sees({ from, visibility, receiver }) {
    if (from.userId === this.party.userId) return true;
    return visibilities(this.party.userType).includes(visibility) && (receiver === undefined || receiver === this.party.userId);
  }

  /** Returns an event as this party sees it. @param {TranscriptEvent} event @returns {TranscriptEvent} */
  view(event) {
    const own = event.from.userId === this.party.userId;
    if (event.type !== 'file') return { ...event, own };
    const gone = this.#chat.events.some((other) => other.type === 'deletion' && other.file === event.id);
    return {
      ...event, own, ...(gone && { downloadable: false, reason: 'the file was deleted' }),
      ...(this.party.userType === 'CLIENT' && { source: '', documentId: '' }),
    };
  }

  /** @param {string} type @param {unknown} detail */
  fire(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** There is no earlier page. @returns {string | undefined} */
  resumeKey() {
    return undefined;
  }

  /** @returns {Promise<import('./attache.js').UnfinishedUpload[]>} */
  async unfinishedUploads() {
    return [];
  }

  discardUpload() {}

  /** There is no token. */
  setToken() {}

  /** Sets how the next upload behaves; several scripts are used one after the other. @param {Script} script */
  script(script) {
    this.#scripts.push(script);
  }

  /** Changes the limits, or what is used of them. @param {Partial<Limits>} limits */
  setLimits(limits) {
    this.limits = { ...this.limits, ...limits };
    this.fire('limits', this.limits);
  }

  /** Changes what is said of the chat session. @param {Partial<import('./attache.js').ChatInfo>} info */
  setInfo(info) {
    this.info = { ...this.info, ...info };
    this.fire('info', this.info);
  }

  /** Changes the state of the connection. @param {SessionState} state @param {{ error?: Error, retryIn?: number }} [detail] */
  setState(state, detail = {}) {
    this.state = state;
    this.fire('state', { state, ...detail });
  }

  /** @param {string} nickname */
  async rename(nickname) {
    this.#mustBeIn();
    checkNickname(nickname);
    this.party = { ...this.party, nickname };
    return /** @type {import('./attache.js').NicknameEvent} */ (this.view(this.#chat.add({ type: 'nickname', nickname, from: this.party })));
  }

  /** @param {boolean | string} typed @param {import('./attache.js').AudienceOptions} [options] */
  typing(typed, { visibility = 'ALL', receiver } = {}) {
    if (this.state !== 'connected') return;
    const on = typed !== '' && typed !== false;
    this.#typing = on ? { visibility, receiver } : undefined;
    this.#chat.pass({ type: 'typing', from: this.party, visibility, on, preview: typeof typed === 'string' ? typed : '', ...(receiver && { receiver }) });
  }

  /** @param {string} notice @param {import('./attache.js').NotifyOptions} [options] @returns {Promise<TranscriptEvent | undefined>} */
  async notify(notice, { text = '', data = {}, visibility = 'ALL', receiver } = {}) {
    checkNotice(this.party, notice, text, data);
    if (notice === 'USER_UPDATE_NICK') return this.rename(text);
    if (notice === 'TYPING_STARTED' || notice === 'TYPING_STOPPED') return void this.typing(notice === 'TYPING_STARTED' && (text || true), { visibility, receiver });
    await this.#begin();
    const event = { from: this.party, visibility, ...(receiver && { receiver }) };
    switch (notice) {
      case 'READ_RECEIPT':
        this.#chat.pass({ type: 'receipt', position: Number(data['transcript-position']), ...event });
        return undefined;
      case 'PUSH_URL':
        return this.view(this.#chat.add({ type: 'url', url: text, ...event }));
    }
    return this.view(this.#chat.add({ type: 'notice', notice, text, data, ...event }));
  }

  /** @param {string} [words] */
  async find(words = '') {
    await this.#begin();
    checkStaff(this.party, 'search standard responses');
    const wanted = words.toLowerCase().split(/\s+/);
    const fits = (/** @type {import('./attache.js').StandardResponse} */ { folder, name, description }) => {
      const all = `${folder} ${name} ${description}`.toLowerCase();
      return wanted.every((word) => all.includes(word));
    };
    return { responses: this.#chat.library.filter(fits), more: false };
  }

  /** @param {string} documentId @param {import('./attache.js').AttachOptions} [options] */
  async attach(documentId, { description = '', visibility = 'ALL', custom = {} } = {}) {
    await this.#begin();
    checkStaff(this.party, 'attach standard responses');
    const response = this.#chat.library.find((one) => one.documentId === documentId);
    if (!response) throw fakeError('document-unknown');
    const { name, size } = response;
    const file = this.#chat.addFile(this.party, { name, size, documentId, description, visibility, custom, uploadType: 'standard-response' });
    return /** @type {ChatFile} */ (this.view(file));
  }

  /** @param {ChatFile | string} file */
  async remove(file) {
    await this.#begin();
    const id = typeof file === 'string' ? file : file.id;
    const found = this.transcript.find((event) => event.type === 'file' && event.id === id);
    if (found?.type !== 'file') throw fakeError('file-unknown');
    checkDeletion(found, this.limits);
    const before = this.transcript.find((event) => event.type === 'deletion' && event.file === id);
    if (before) return /** @type {import('./attache.js').DeletionEvent} */ (before);
    this.#chat.contents.delete(id);
    this.setLimits({ usedFiles: Math.max(0, this.limits.usedFiles - 1), usedTotalSize: Math.max(0, this.limits.usedTotalSize - found.size) });
    return /** @type {import('./attache.js').DeletionEvent} */ (this.view(this.#chat.add({ type: 'deletion', file: id, from: this.party, visibility: found.visibility })));
  }

  /** @param {string} userId */
  async removeParty(userId) {
    await this.#begin();
    checkStaff(this.party, 'remove a party');
    const removed = [...this.#chat.sessions].find(({ party }) => party.userId === userId);
    if (!removed) throw fakeError('party-unknown');
    this.#chat.add({ type: 'leave', from: removed.party, reason: { code: 4, text: 'removed by other party' }, asker: this.party.userId });
    this.#chat.sessions.delete(removed);
    removed.setState('closed', { error: fakeError('not-joined') });
  }

  /** @param {string} text @param {import('./attache.js').SendOptions} [options] @returns {Promise<TextEvent>} */
  async send(text, { visibility = 'ALL', receiver, messageType, treatAs } = {}) {
    await this.#begin();
    if (receiver !== undefined && !present(this.transcript).some(({ userId }) => userId === receiver)) throw fakeError('party-unknown');
    if (this.#typing) this.typing(false, this.#typing);
    const more = { ...(receiver && { receiver }), ...(messageType && { messageType }), ...(treatAs && { treatAs }) };
    return /** @type {TextEvent} */ (this.view(this.#chat.add({ type: 'message', from: this.party, text, visibility, ...more })));
  }

  /** @param {Blob} file @param {UploadOptions} [options] @returns {Promise<ChatFile>} */
  async upload(file, options = {}) {
    const script = this.#scripts.shift() ?? {};
    const { key = randomKey(), signal, onProgress, description = '', custom = {}, visibility = 'ALL' } = options;
    const named = describe(options.name ?? fileName(file));
    const progress = { key, sent: 0, stored: 0, total: file.size };
    const report = (/** @type {string} */ state, more = {}) => {
      this.fire('upload', { ...named, ...progress, state, at: Date.now(), ...more });
      onProgress?.(/** @type {import('./attache.js').Progress} */ ({ ...progress, state }));
    };
    const refusal = uploadRefusal(this, file.size, named.extension);
    if (refusal) {
      report('failed', { error: refusal });
      throw refusal;
    }
    report('offered');
    try {
      await this.#transfer(file, script, progress, report, signal);
    } catch (error) {
      if (signal?.aborted) report('cancelled');
      else report('failed', { error });
      throw error;
    }
    const announced = this.#chat.addFile(this.party, { ...named, size: file.size, key, description, custom, visibility });
    this.#chat.contents.set(announced.id, file);
    this.setLimits({ usedFiles: this.limits.usedFiles + 1, usedTotalSize: this.limits.usedTotalSize + file.size });
    const seen = /** @type {ChatFile} */ (this.view(announced));
    report('announced', { file: seen });
    return seen;
  }

  /**
   * @param {Blob} file
   * @param {Script} script
   * @param {{ sent: number, stored: number, total: number }} progress
   * @param {(state: string) => void} report
   * @param {AbortSignal} [signal]
   */
  async #transfer(file, { fail, at = 0, hold, steps = 10 }, progress, report, signal) {
    for (let step = 0; step <= steps; step += 1) {
      await this.#step();
      signal?.throwIfAborted();
      if (step / steps >= at) await raced(hold, signal);
      if (fail && step / steps >= at) throw fail;
      progress.sent = Math.ceil((file.size * Math.min(steps, step + 2)) / steps);
      progress.stored = Math.floor((file.size * step) / steps);
      report('receiving');
    }
    for (const state of ['accepted', 'scanning', 'stored']) {
      report(state);
      await this.#step();
      signal?.throwIfAborted();
    }
  }

  /** @param {ChatFile | string} file @param {{ signal?: AbortSignal }} [options] */
  async download(file, { signal } = {}) {
    const id = typeof file === 'string' ? file : file.id;
    await this.#step();
    signal?.throwIfAborted();
    const content = this.#chat.contents.get(id);
    if (!content) throw fakeError('file-unknown');
    return new Response(content);
  }

  /** @param {ChatFile | string} file */
  async link(file) {
    return URL.createObjectURL(await (await this.download(file)).blob());
  }

  async close() {
    this.#chat.sessions.delete(this);
    this.#chat.add({ type: 'leave', from: this.party });
    this.setState('closed');
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  /** Waits a step; a party that was removed or has left can do nothing. */
  async #begin() {
    await this.#step();
    this.#mustBeIn();
  }

  #mustBeIn() {
    if (!this.#chat.sessions.has(this)) throw fakeError('not-joined');
  }

  #step() {
    return new Promise((resolve) => void setTimeout(resolve, this.#chat.stepDelay));
  }
}
