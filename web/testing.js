import { fileName } from './session/blob.js';
import { AttacheError } from './session/error.js';
import { randomKey } from './session/key.js';
import { present } from './widget/roster.js';

/**
 * A double of a chat session for tests and prototypes: the `Session` interface without
 * module, proxy or network. It knows only a few file types and limits, and keeps files in
 * memory.
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
/** @typedef {import('./attache.js').FileName} FileName */
/** @typedef {import('./attache.js').Limits} Limits */
/** @typedef {import('./attache.js').Party} Party */
/** @typedef {import('./attache.js').Session} Session */
/** @typedef {import('./attache.js').SessionState} SessionState */
/** @typedef {import('./attache.js').TextEvent} TextEvent */
/** @typedef {import('./attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('./attache.js').UploadOptions} UploadOptions */

/**
 * @typedef {import('./testing.js').Script} Script
 */

/** @type {Record<string, import('./codes.js').Kind>} */
const kinds = {
  png: 'image', jpg: 'image', mp3: 'audio', mp4: 'video', pdf: 'pdf', docx: 'document', xlsx: 'sheet', csv: 'sheet',
  pptx: 'slides', txt: 'text', md: 'text', ts: 'code', html: 'code', json: 'data', xml: 'data', zip: 'archive',
  eml: 'mail', woff2: 'font', exe: 'program',
};

/** @param {string} name @returns {FileName} */
function describe(name) {
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
  const kind = kinds[extension] ?? 'unknown';
  return { name, extension, kind, caution: kind === 'program' ? 'program' : '' };
}

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
    for (const session of this.sessions) session.fire(full.type, session.view(full));
    if (full.type === 'join' || full.type === 'leave') this.#countAgents();
    return full;
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
  party;
  #chat;
  /** @type {Script[]} */
  #scripts = [];

  /** @param {FakeChat} chat @param {Party} party @param {Partial<Limits>} limits @param {import('./codes.js').Right[]} [rights] */
  constructor(chat, party, limits, rights = ['chat', 'upload:file-system', 'upload:standard-response', 'download']) {
    super();
    this.#chat = chat;
    this.party = party;
    this.rights = rights;
    this.limits = { usedFiles: 0, usedTotalSize: 0, types: [], needAgent: false, agentHere: false, usedDownloads: 0, ...limits };
  }

  get transcript() {
    return this.#chat.events.map((event) => this.view(event));
  }

  /** Returns an event as this party sees it. @param {TranscriptEvent} event @returns {TranscriptEvent} */
  view(event) {
    return { ...event, own: event.from.userId === this.party.userId };
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

  /** Changes the state of the connection. @param {SessionState} state @param {{ error?: Error, retryIn?: number }} [detail] */
  setState(state, detail = {}) {
    this.state = state;
    this.fire('state', { state, ...detail });
  }

  /** Changes the party's nickname, as a token with another nickname does. @param {string} nickname */
  rename(nickname) {
    this.party = { ...this.party, nickname };
    this.#chat.add({ type: 'notice', notice: 'USER_UPDATE_NICK', text: nickname, from: this.party });
  }

  /** @param {string} text @returns {Promise<TextEvent>} */
  async send(text) {
    await this.#step();
    return /** @type {TextEvent} */ (this.view(this.#chat.add({ type: 'message', from: this.party, text })));
  }

  /** @param {Blob} file @param {UploadOptions} [options] @returns {Promise<ChatFile>} */
  async upload(file, options = {}) {
    const script = this.#scripts.shift() ?? {};
    const { key = randomKey(), signal, onProgress, description = '', custom = {} } = options;
    const named = describe(options.name ?? fileName(file));
    const progress = { key, sent: 0, stored: 0, total: file.size };
    const report = (/** @type {string} */ state, more = {}) => {
      this.fire('upload', { ...named, ...progress, state, at: Date.now(), ...more });
      onProgress?.(/** @type {import('./attache.js').Progress} */ ({ ...progress, state }));
    };
    const refusal = this.#check(file, named);
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
    const announced = this.#chat.addFile(this.party, { ...named, size: file.size, key, description, custom });
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

  /** @param {Blob} file @param {FileName} named */
  #check(file, { extension }) {
    const { maxFiles, usedFiles, maxFileSize, types, needAgent, agentHere } = this.limits;
    if (!this.rights.includes('upload:file-system')) return fakeError('forbidden');
    if (needAgent && !agentHere) return fakeError('agent-needed');
    if (maxFiles !== undefined && usedFiles >= maxFiles) return fakeError('too-many-files');
    if (maxFileSize !== undefined && file.size > maxFileSize) {
      return fakeError('file-too-large', `the file has ${file.size} bytes, ${maxFileSize} are allowed`);
    }
    if (types.length > 0 && !types.includes(extension)) return fakeError('type-refused');
    return undefined;
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

  #step() {
    return new Promise((resolve) => {
      setTimeout(resolve, this.#chat.stepDelay);
    });
  }
}

/** @param {Promise<unknown> | undefined} hold @param {AbortSignal} [signal] */
async function raced(hold, signal) {
  if (!hold) return;
  await Promise.race([hold, new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  })]);
}
