import { isBlob, fileName } from '../session/blob.js';
import { AttacheError, asAttacheError } from '../session/error.js';
import { Downloads } from './downloads.js';
import { OutgoingFile } from './outgoingfile.js';
import { Responses } from './responses.js';
import { UnfinishedUploads } from './unfinisheduploads.js';
import { warnBeforeUnload } from './unloadwarning.js';
import { Uploads } from './uploads.js';
import { visibilities } from './visibility.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').FileName} FileName */
/** @typedef {import('../attache.js').Session} Session */
/** @typedef {import('../attache.js').SessionState} SessionState */
/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('../attache.js').UploadEvent} UploadEvent */
/** @typedef {import('../attache.js').TypingEvent} TypingEvent */
/** @typedef {import('../attache.js').Visibility} Visibility */
/** @typedef {import('./downloads.js').Download} Download */

/** Its phase: the state of the session if it has one; `idle` before there is anything to connect with. @typedef {'idle' | 'connecting' | 'unreachable' | SessionState} Phase */
/** A text that is not sent yet, and the selection in it. @typedef {{ text: string, start: number, end: number }} Draft */
/** A text of this party that is not in the transcript yet. @typedef {{ text: string, at: number, visibility: Visibility }} OutgoingText */
/** @typedef {OutgoingFile | OutgoingText} Pending */
/** @typedef {'saidSending' | 'saidPart' | 'saidCancelled'} Announcement */

/**
 * A view of a conversation. There may be any number. Each draws the conversation when it
 * is made, and is notified of changes from then on.
 *
 * @typedef {object} View
 * @property {() => void} phaseChanged
 * @property {() => void} limitsChanged
 * @property {(event: TranscriptEvent, outgoing?: OutgoingFile) => void} eventAdded `outgoing` is the upload that became the file
 * @property {(event: TypingEvent) => void} typingChanged
 * @property {(one: Pending) => void} pendingAdded
 * @property {(one: Pending) => void} pendingRemoved it is sent, or given up
 * @property {() => void} draftChanged
 * @property {() => void} visibilityChanged
 * @property {(error: AttacheError) => void} sendFailed a text was not sent and is in the draft again
 * @property {(file: ChatFile, download: Download) => void} downloadChanged
 * @property {(event: UploadEvent) => void} uploadChanged
 * @property {(word: Announcement, outgoing: OutgoingFile, part: number) => void} announce
 * @property {(outgoing: OutgoingFile, error: AttacheError) => void} uploadFailed
 */

/** @type {Draft} */
const blank = Object.freeze({ text: '', start: 0, end: 0 });

/** Loads the module only when it is needed: a page that sets `session` may need none. @param {string} name @param {string} type */
const describeByModule = async (name, type) => (await import('../attache.js')).describe(name, type);

/** @type {WeakMap<Session, Conversation>} */
const bySession = new WeakMap();

/**
 * One party in one chat, independent of the elements that show it: the session, the
 * draft, the chosen files and the uploads. An element is a view of it, so nothing is lost
 * when the element is recreated, moved or removed. After a session ends, another one of
 * the same party in the same chat may follow; unfinished uploads are resumed.
 */
export class Conversation {
  /** @type {Session | undefined} */
  session;
  /** @type {Phase} */
  phase = 'idle';
  /** Why it is in this phase. @type {AttacheError | undefined} */
  error;
  /** @type {number | undefined} milliseconds until the next attempt */
  retryIn;
  /** @type {Draft} */
  draft = blank;
  /** The parties that can see what is sent next. @type {Visibility} */
  visibility = 'ALL';
  responses = new Responses(undefined, () => this.visibility);
  /** Why the last text was not sent. @type {AttacheError | undefined} */
  unsent;
  /** Texts and files that are being sent, in the order in which they are shown. @type {Pending[]} */
  pending = [];
  /** Connects again; undefined if the session is the page's own. @type {(() => void) | undefined} */
  reconnect;
  /** Called when the session has ended because its new token names another party. @type {(() => void) | undefined} */
  onOtherParty;
  #typing = false;
  downloads = new Downloads((file, download) => this.#each((view) => view.downloadChanged(file, download)));
  #uploads;
  #unfinished;
  /** @type {(name: string, type: string) => Promise<FileName>} */
  #describe;
  /** @type {Set<View>} */
  #views = new Set();
  /** Functions that remove the listeners from the session. @type {(() => void)[]} */
  #listening = [];

  /** @param {(name: string, type: string) => Promise<FileName>} [describe] names the kind of a file that the session has not reported yet */
  constructor(describe = describeByModule) {
    this.#describe = (name, type) => describe(name, type).catch(() => ({ name, extension: '', kind: 'unknown', caution: '' }));
    this.#uploads = new Uploads(undefined, {
      make: () => new OutgoingFile(this.#offline, this.visibility),
      show: (outgoing) => this.#addPending(outgoing),
      remove: (outgoing) => this.#removePending(outgoing),
      describe: this.#describe,
      failed: (outgoing, error) => this.#each((view) => view.uploadFailed(outgoing, error)),
      announce: (word, outgoing, part = 0) => this.#each((view) => view.announce(word, outgoing, part)),
    });
    this.#unfinished = new UnfinishedUploads({
      add: (outgoing) => this.#addPending(outgoing),
      remove: (outgoing) => this.#removePending(outgoing),
      describe: this.#describe,
      isSending: (key) => this.#uploads.has(key),
    });
  }

  /** Returns the conversation of a session that the page made itself. @param {Session} session */
  static of(session) {
    let known = bySession.get(session);
    if (!known) {
      known = new Conversation();
      bySession.set(session, known);
      known.attach(session);
    }
    return known;
  }

  /** @param {View} view */
  join(view) {
    this.#views.add(view);
    this.#guardUnload();
  }

  /** @param {View} view */
  leave(view) {
    this.#views.delete(view);
    this.#guardUnload();
  }

  /** Whether it has a draft or a file that is not sent. */
  get worthKeeping() {
    return this.draft.text !== '' || this.#uploads.worthKeeping;
  }

  /** Whether a file is being sent or waits to be sent. */
  get busy() {
    return this.#uploads.busy;
  }

  /** Connecting; `error` is why the last attempt failed. @param {AttacheError} [error] @param {number} [retryIn] */
  connecting(error, retryIn) {
    this.#enter('connecting', error, retryIn);
  }

  /** Connecting has failed. @param {unknown} error */
  failed(error) {
    this.#enter('unreachable', asAttacheError(error));
  }

  /** Connecting was given up. */
  idle() {
    this.#enter('idle');
  }

  /** Continues with a session, and sends what has waited for one. @param {Session} session */
  attach(session) {
    this.#unbind();
    this.session = session;
    this.responses = new Responses(session, () => this.visibility);
    if (!visibilities(session.party.userType).includes(this.visibility)) this.visibility = 'ALL';
    this.#listen(session);
    for (const event of session.transcript) if (event.type === 'file') this.#release(event.key);
    this.#enter(session.state);
    if (session.state === 'closed') return;
    this.#uploads.attach(session);
    this.#unfinished.show(session);
  }

  /** Leaves its session. Another one may retry what was being sent. */
  detach() {
    this.#unbind();
    this.#uploads.end(closed(), true);
    this.#enter('idle');
  }

  #unbind() {
    this.#unfinished.clear();
    for (const end of this.#listening.splice(0)) end();
    this.session = undefined;
  }

  /** Takes over the draft and the chosen files of another one, which had no session yet. @param {Conversation} other */
  inherit(other) {
    if (this.draft.text === '') this.setDraft(other.draft);
    this.add(other.#uploads.withdraw());
  }

  /** Sends files, now or as soon as there is a session. @param {Iterable<File | Blob>} files */
  add(files) {
    // A FileList changes when the next files are chosen.
    const chosen = [...files];
    if (this.phase === 'closed' && !this.mayReturn) this.refuse(chosen, this.error ?? closed());
    else this.#uploads.add(chosen);
    this.#guardUnload();
  }

  /** Shows files that cannot be sent at all as refused. @param {Iterable<File | Blob | { name: string }>} files @param {AttacheError} error */
  refuse(files, error) {
    for (const file of files) this.#uploads.reject(isBlob(file) ? fileName(file) : file.name, error);
  }

  /** Whether there may be a session again after this one. */
  get mayReturn() {
    return this.reconnect !== undefined && this.error !== undefined;
  }

  /** @param {OutgoingFile} outgoing */
  cancel(outgoing) {
    this.#uploads.cancel(outgoing);
  }

  /** @param {OutgoingFile} outgoing */
  retry(outgoing) {
    this.#uploads.retry(outgoing);
    this.#guardUnload();
    if (this.phase === 'closed' || this.phase === 'unreachable') this.reconnect?.();
  }

  /** @param {OutgoingFile} outgoing */
  dismiss(outgoing) {
    const { unfinished } = outgoing;
    if (!unfinished) {
      this.#uploads.dismiss(outgoing);
      return;
    }
    this.session?.discardUpload(unfinished.key);
    this.#unfinished.remove(unfinished.key);
  }

  /** @param {ChatFile} file */
  download(file) {
    if (this.session) this.downloads.start(this.session, file);
  }

  /** Fetches a file to show it. @param {ChatFile} file */
  async open(file) {
    return this.session && this.downloads.open(this.session, file);
  }

  /** @param {Draft} draft @param {View} [by] the view that it was written in */
  setDraft(draft, by) {
    this.draft = draft;
    this.#each((view) => view !== by && view.draftChanged());
  }

  /** Shows the parties that will see the text that this party writes it, or does not any more. @param {boolean} on */
  typed(on) {
    this.#typing = on;
    this.session?.typing?.(on, { visibility: this.visibility });
  }

  /** Deletes a file of the chat. @param {ChatFile} file */
  async delete(file) {
    await this.session?.remove(file);
  }

  /** @param {Visibility} visibility of what is sent from now on */
  setVisibility(visibility) {
    // The others are to see neither that it types on nor that it stopped only now.
    if (this.#typing) this.typed(false);
    this.visibility = visibility;
    this.#each((view) => view.visibilityChanged());
  }

  /** Sends a text. If that fails, it is in the draft again. @param {string} text */
  async send(text) {
    const { session } = this;
    if (!session) return;
    const { visibility } = this;
    const outgoing = { text, at: Date.now(), visibility };
    this.unsent = undefined;
    this.setDraft(blank);
    this.#addPending(outgoing);
    try {
      this.#addEvent(await session.send(text, { visibility }));
    } catch (error) {
      this.unsent = asAttacheError(error);
      const all = this.draft.text === '' ? text : `${text}\n${this.draft.text}`;
      this.setDraft({ text: all, start: all.length, end: all.length });
      const { unsent } = this;
      this.#each((view) => view.sendFailed(unsent));
    } finally {
      this.#removePending(outgoing);
    }
  }

  get #offline() {
    return this.phase !== 'connected';
  }

  /** @param {Session} session */
  #listen(session) {
    for (const type of /** @type {const} */ (['join', 'leave', 'message', 'file', 'nickname', 'url', 'idle', 'deletion'])) this.#on(session, type, (event) => this.#addEvent(event));
    this.#on(session, 'typing', (event) => this.#each((view) => view.typingChanged(event)));
    this.#on(session, 'upload', (event) => {
      this.#unfinished.remove(event.key);
      this.#uploads.step(event);
      this.#guardUnload();
      this.#each((view) => view.uploadChanged(event));
    });
    this.#on(session, 'unfinished', () => this.#unfinished.show(session));
    this.#on(session, 'limits', () => this.#each((view) => view.limitsChanged()));
    this.#on(session, 'state', ({ state, error, retryIn }) => {
      if (state === 'closed' && error?.code === 'session-invalid' && this.onOtherParty) this.onOtherParty();
      else this.#enter(state, error, retryIn);
    });
  }

  /**
   * @template {keyof import('../attache.js').SessionEventMap} T
   * @param {Session} session
   * @param {T} type
   * @param {(detail: import('../attache.js').SessionEventMap[T]['detail']) => void} handle
   */
  #on(session, type, handle) {
    const listener = (/** @type {Event} */ event) => handle(/** @type {CustomEvent} */ (event).detail);
    session.addEventListener(type, listener);
    this.#listening.push(() => session.removeEventListener(type, listener));
  }

  /** @param {Phase} phase @param {AttacheError} [error] @param {number} [retryIn] */
  #enter(phase, error, retryIn) {
    this.phase = phase;
    this.error = error && asAttacheError(error);
    this.retryIn = retryIn;
    for (const one of this.pending) if (one instanceof OutgoingFile) one.offline = this.#offline;
    if (phase === 'closed') this.#uploads.end(this.error ?? closed(), this.mayReturn);
    this.#guardUnload();
    this.#each((view) => view.phaseChanged());
  }

  /** Makes the browser ask before the page is closed as long as that would interrupt an upload. */
  #guardUnload() {
    warnBeforeUnload(this, (this.session !== undefined || this.#views.size > 0) && this.#uploads.losable);
  }

  /** @param {TranscriptEvent} event */
  #addEvent(event) {
    // The event may come before the answer to sending the text.
    if (event.type === 'message' && event.own) {
      const outgoing = this.pending.find((one) => 'text' in one && one.text === event.text);
      if (outgoing) this.#removePending(outgoing);
    }
    const outgoing = event.type === 'file' ? this.#release(event.key) : undefined;
    if (event.type === 'deletion') this.downloads.forget(event.file);
    this.#each((view) => view.eventAdded(event, outgoing));
  }

  /** Returns the upload that has become a file of the transcript, and removes it here. @param {string} key @returns {OutgoingFile | undefined} */
  #release(key) {
    this.#unfinished.remove(key);
    const outgoing = this.#uploads.release(key);
    if (outgoing) this.pending = this.pending.filter((one) => one !== outgoing);
    this.#guardUnload();
    return outgoing;
  }

  /** @param {Pending} one */
  #addPending(one) {
    this.pending.push(one);
    this.#each((view) => view.pendingAdded(one));
  }

  /** @param {Pending} one */
  #removePending(one) {
    if (!this.pending.includes(one)) return;
    this.pending = this.pending.filter((other) => other !== one);
    this.#guardUnload();
    this.#each((view) => view.pendingRemoved(one));
  }

  /** @param {(view: View) => unknown} notify */
  #each(notify) {
    for (const view of [...this.#views]) notify(view);
  }
}

function closed() {
  return new AttacheError({ code: 'not-joined', message: 'the session is closed' });
}
