import { isBlob, fileName } from '../session/blob.js';
import { Downloads } from './downloads.js';
import { AttacheError, asAttacheError } from '../session/error.js';
import { Outgoing } from './outgoingfile.js';
import { warnBeforeUnload } from './unloadwarning.js';
import { Uploads } from './uploads.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').FileName} FileName */
/** @typedef {import('../attache.js').Session} Session */
/** @typedef {import('../attache.js').SessionState} SessionState */
/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('../attache.js').UploadEvent} UploadEvent */
/** @typedef {import('./downloads.js').Fetched} Fetched */

/** How it stands: with a session as that does; `idle` before there is anything to connect with. @typedef {'idle' | 'connecting' | 'unreachable' | SessionState} Phase */
/** What was written and not sent, and where the caret was. @typedef {{ text: string, start: number, end: number }} Draft */
/** A text of ours that is not in the transcript yet. @typedef {{ text: string, at: number }} OutgoingText */
/** @typedef {Outgoing | OutgoingText} Pending */
/** @typedef {'saidSending' | 'saidPart' | 'saidCancelled'} Told */

/**
 * What shows a conversation. Any number may, and each is brought up to date
 * when it is made; these are the changes from then on.
 *
 * @typedef {object} View
 * @property {() => void} stated the phase changed
 * @property {() => void} allowed the allowances changed
 * @property {(event: TranscriptEvent, outgoing?: Outgoing) => void} happened `outgoing` is the upload that the file was
 * @property {(one: Pending) => void} pending
 * @property {(one: Pending) => void} settled it is not on its way any more
 * @property {() => void} drafted the draft is another
 * @property {(error: AttacheError) => void} unsent a text came back into the draft
 * @property {(file: ChatFile, fetched: Fetched) => void} fetched
 * @property {(event: UploadEvent) => void} stepped
 * @property {(word: Told, outgoing: Outgoing, part: number) => void} told
 * @property {(outgoing: Outgoing, error: AttacheError) => void} refused
 */

/** @type {Draft} */
const blank = Object.freeze({ text: '', start: 0, end: 0 });

/** Loaded when it is needed: a page that hands its own session in may need no module at all. @param {string} name @param {string} type */
const describeByModule = async (name, type) => (await import('../attache.js')).describe(name, type);

/** @type {WeakMap<Session, Conversation>} */
const bySession = new WeakMap();

/**
 * One party's place in one chat, independent of the elements that show it: the
 * session, and what was written, chosen and begun. An element is a view of it, so
 * nothing is lost when that is recreated, moved or removed. A session that ended
 * may be followed by another of the same party in the same chat; what is unfinished
 * is resumed.
 */
export class Conversation {
  /** @type {Session | undefined} */
  session;
  /** @type {Phase} */
  phase = 'idle';
  /** Why it is in this phase. @type {AttacheError | undefined} */
  error;
  /** @type {number | undefined} milliseconds until the next try */
  retryIn;
  /** @type {Draft} */
  draft = blank;
  /** Why the last text came back into the draft. @type {AttacheError | undefined} */
  unsent;
  /** What is on its way, in the order in which it is shown. @type {Pending[]} */
  pending = [];
  /** Connects again, where that is ours to do. @type {(() => void) | undefined} */
  again;
  /** Told that the session ended because its new token names somebody else. @type {(() => void) | undefined} */
  astray;
  downloads = new Downloads((file, fetched) => this.#each((view) => view.fetched(file, fetched)));
  #uploads;
  /** What an earlier page left, by the uploads' keys. @type {Map<string, Outgoing>} */
  #unfinished = new Map();
  /** @type {(name: string, type: string) => Promise<FileName>} */
  #describe;
  /** @type {Set<View>} */
  #views = new Set();
  /** Ends what is listened to. @type {(() => void)[]} */
  #listening = [];

  /** @param {(name: string, type: string) => Promise<FileName>} [describe] returns what is known of a file by its name, where the session has not named it */
  constructor(describe = describeByModule) {
    this.#describe = (name, type) => describe(name, type).catch(() => ({ name, extension: '', kind: 'unknown', caution: '' }));
    this.#uploads = new Uploads(undefined, {
      make: () => new Outgoing(this.#cut),
      show: (outgoing) => this.#show(outgoing),
      remove: (outgoing) => this.#settle(outgoing),
      describe: this.#describe,
      refused: (outgoing, error) => this.#each((view) => view.refused(outgoing, error)),
      tell: (word, outgoing, part = 0) => this.#each((view) => view.told(word, outgoing, part)),
    });
  }

  /** The conversation of a session that the page made itself. @param {Session} session */
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

  /** Whether it holds something that a person would miss. */
  get worthKeeping() {
    return this.draft.text !== '' || this.#uploads.worthKeeping;
  }

  /** Whether a file is on its way or waits to be. */
  get busy() {
    return this.#uploads.busy;
  }

  /** A session is being made; `error` is why the last try failed. @param {AttacheError} [error] @param {number} [retryIn] */
  connecting(error, retryIn) {
    this.#enter('connecting', error, retryIn);
  }

  /** No session could be had. @param {unknown} error */
  failed(error) {
    this.#enter('unreachable', asAttacheError(error));
  }

  /** Nobody tries to get a session any more. */
  rest() {
    this.#enter('idle');
  }

  /** Goes on with a session; what has waited for one is sent. @param {Session} session */
  attach(session) {
    this.#part();
    this.session = session;
    this.#listen(session);
    for (const event of session.transcript) if (event.type === 'file') this.#release(event.key);
    this.#enter(session.state);
    if (session.state === 'closed') return;
    this.#uploads.sendBy(session);
    this.#showUnfinished(session);
  }

  /** Has nothing to do with its session any more. What was on its way may be tried again by another one. */
  detach() {
    this.#part();
    this.#uploads.end(closed(), true);
    this.#enter('idle');
  }

  /** Shows what an earlier page of this party did not finish. @param {Session} session */
  async #showUnfinished(session) {
    for (const { key, name, size, stored } of await session.unfinished?.().catch(() => []) ?? []) {
      // What the proxy has whole is on its way without us.
      if (stored >= size) continue;
      const named = await this.#describe(name, '');
      if (session !== this.session || this.#unfinished.has(key) || this.#uploads.has(key)) continue;
      const outgoing = new Outgoing();
      outgoing.label(named);
      outgoing.leftBehind({ key, name, stored, total: size });
      this.#unfinished.set(key, outgoing);
      this.#show(outgoing);
    }
  }

  /** It goes on, or is at its end. @param {string} key */
  #finish(key) {
    const outgoing = this.#unfinished.get(key);
    this.#unfinished.delete(key);
    if (outgoing) this.#settle(outgoing);
  }

  #part() {
    for (const key of [...this.#unfinished.keys()]) this.#finish(key);
    for (const end of this.#listening.splice(0)) end();
    this.session = undefined;
  }

  /** Takes over what was written and chosen in another one, which had no session yet. @param {Conversation} other */
  inherit(other) {
    if (this.draft.text === '') this.write(other.draft);
    this.add(other.#uploads.withdraw());
  }

  /** Sends files, now or as soon as there is a session. @param {Iterable<File | Blob>} files */
  add(files) {
    // A list of the browser's is another one when the next are chosen.
    const chosen = [...files];
    if (this.phase === 'closed' && !this.mayReturn) this.refuse(chosen, this.error ?? closed());
    else this.#uploads.add(chosen);
    this.#guardUnload();
  }

  /** Shows files that cannot even be tried, as refused. @param {Iterable<File | Blob | { name: string }>} files @param {AttacheError} error */
  refuse(files, error) {
    for (const file of files) this.#uploads.reject(isBlob(file) ? fileName(file) : file.name, error);
  }

  /** Whether there may be a session again after this one. */
  get mayReturn() {
    return this.again !== undefined && this.error !== undefined;
  }

  /** @param {Outgoing} outgoing */
  cancel(outgoing) {
    this.#uploads.cancel(outgoing);
  }

  /** @param {Outgoing} outgoing */
  retry(outgoing) {
    this.#uploads.retry(outgoing);
    this.#guardUnload();
    if (this.phase === 'closed' || this.phase === 'unreachable') this.again?.();
  }

  /** @param {Outgoing} outgoing */
  dismiss(outgoing) {
    const { unfinished } = outgoing;
    if (!unfinished) {
      this.#uploads.dismiss(outgoing);
      return;
    }
    this.session?.discard(unfinished.key);
    this.#finish(unfinished.key);
  }

  /** @param {ChatFile} file */
  download(file) {
    if (this.session) this.downloads.start(this.session, file);
  }

  /** @param {Draft} draft @param {View} [by] the view that it was written in */
  write(draft, by) {
    this.draft = draft;
    this.#each((view) => view !== by && view.drafted());
  }

  /** Sends what was written. If that fails it stands in the draft again. @param {string} text */
  async send(text) {
    const { session } = this;
    if (!session) return;
    const said = { text, at: Date.now() };
    this.unsent = undefined;
    this.write(blank);
    this.#show(said);
    try {
      this.#happened(await session.send(text));
    } catch (error) {
      this.unsent = asAttacheError(error);
      const all = this.draft.text === '' ? text : `${text}\n${this.draft.text}`;
      this.write({ text: all, start: all.length, end: all.length });
      const { unsent } = this;
      this.#each((view) => view.unsent(unsent));
    } finally {
      this.#settle(said);
    }
  }

  get #cut() {
    return this.phase !== 'connected';
  }

  /** @param {Session} session */
  #listen(session) {
    for (const type of /** @type {const} */ (['join', 'leave', 'message', 'file', 'notice'])) this.#on(session, type, (event) => this.#happened(event));
    this.#on(session, 'upload', (event) => {
      this.#finish(event.key);
      this.#uploads.step(event);
      this.#guardUnload();
      this.#each((view) => view.stepped(event));
    });
    this.#on(session, 'limits', () => this.#each((view) => view.allowed()));
    this.#on(session, 'state', ({ state, error, retryIn }) => {
      if (state === 'closed' && error?.code === 'session-invalid' && this.astray) this.astray();
      else this.#enter(state, error, retryIn);
    });
  }

  /**
   * @template {keyof import('../attache.js').SessionEventMap} T
   * @param {Session} session
   * @param {T} type
   * @param {(detail: import('../attache.js').SessionEventMap[T]['detail']) => void} hear
   */
  #on(session, type, hear) {
    const listener = (/** @type {Event} */ event) => hear(/** @type {CustomEvent} */ (event).detail);
    session.addEventListener(type, listener);
    this.#listening.push(() => session.removeEventListener(type, listener));
  }

  /** @param {Phase} phase @param {AttacheError} [error] @param {number} [retryIn] */
  #enter(phase, error, retryIn) {
    this.phase = phase;
    this.error = error && asAttacheError(error);
    this.retryIn = retryIn;
    for (const one of this.pending) if (one instanceof Outgoing) one.cut(this.#cut);
    if (phase === 'closed') this.#uploads.end(this.error ?? closed(), this.mayReturn);
    this.#guardUnload();
    this.#each((view) => view.stated());
  }

  /** Has the browser ask before the page is left while that would cut something short. */
  #guardUnload() {
    warnBeforeUnload(this, (this.session !== undefined || this.#views.size > 0) && this.#uploads.losable);
  }

  /** @param {TranscriptEvent} event */
  #happened(event) {
    // The event may come before the answer to its sender.
    if (event.type === 'message' && event.own) {
      const said = this.pending.find((one) => 'text' in one && one.text === event.text);
      if (said) this.#settle(said);
    }
    const outgoing = event.type === 'file' ? this.#release(event.key) : undefined;
    this.#each((view) => view.happened(event, outgoing));
  }

  /** The upload that has become a file of the transcript. @param {string} key @returns {Outgoing | undefined} */
  #release(key) {
    this.#finish(key);
    const outgoing = this.#uploads.release(key);
    if (outgoing) this.pending = this.pending.filter((one) => one !== outgoing);
    this.#guardUnload();
    return outgoing;
  }

  /** @param {Pending} one */
  #show(one) {
    this.pending.push(one);
    this.#each((view) => view.pending(one));
  }

  /** @param {Pending} one */
  #settle(one) {
    if (!this.pending.includes(one)) return;
    this.pending = this.pending.filter((other) => other !== one);
    this.#guardUnload();
    this.#each((view) => view.settled(one));
  }

  /** @param {(view: View) => unknown} tell */
  #each(tell) {
    for (const view of [...this.#views]) tell(view);
  }
}

function closed() {
  return new AttacheError({ code: 'not-joined', message: 'the session is closed' });
}
