import { fileName } from '../session/blob.js';
import { AttacheError, asAttacheError } from '../session/error.js';
import { randomKey } from '../session/key.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').FileName} FileName */
/** @typedef {import('../attache.js').Progress} Progress */
/** @typedef {import('../attache.js').Session} Session */
/** @typedef {import('../attache.js').UploadEvent} UploadEvent */
/** @typedef {import('./outgoingfile.js').OutgoingFile} OutgoingFile */
/** @typedef {import('./tile.js').Refusal} Refusal */

/**
 * One file that is being sent: one action of a person, however often it is retried.
 *
 * @typedef {object} Attempt
 * @property {string} key
 * @property {OutgoingFile} outgoing
 * @property {File | Blob} [file] absent if the page itself started the upload
 * @property {AbortController} [controller]
 * @property {boolean} shown whether it has a tile
 * @property {ReturnType<typeof setTimeout>} [showing] until the tile is shown
 * @property {boolean} failed
 * @property {boolean} staged whether it waits for a session
 * @property {boolean} earlier whether the key is that of an earlier attempt, which may have ended or may have had other content
 * @property {boolean} [announced] whether a file with this key came into the transcript while `earlier` was set
 * @property {number} [from] bytes that the earlier attempt had stored
 * @property {boolean} ended whether the proxy reported that the upload under this key has ended
 * @property {number} startedAt milliseconds since 1970
 * @property {number} quarter the last one that was announced
 */

/**
 * @typedef {object} UploadsHost
 * @property {() => OutgoingFile} make
 * @property {(outgoing: OutgoingFile) => void} show adds it at the end of the transcript
 * @property {(outgoing: OutgoingFile) => void} remove
 * @property {(name: string, type: string) => Promise<FileName>} describe
 * @property {(outgoing: OutgoingFile, error: AttacheError) => void} failed
 * @property {(word: 'saidSending' | 'saidPart' | 'saidCancelled', outgoing: OutgoingFile, part?: number) => void} announce
 */

/** Milliseconds that the session has to report a file's name before it is asked for it. */
const describeDelay = 50;

/**
 * Milliseconds before a file that is being sent gets a tile. Most are announced by then, and
 * a tile too short-lived to be read is not worth a layout.
 */
const hiddenTime = 80;

/**
 * The uploads of one conversation, from choosing a file until its notice is in the
 * transcript. Files chosen while there is no session wait for one.
 */
export class Uploads {
  /** @type {Map<string, Attempt>} */
  #attempts = new Map();
  /** Keys whose files are in the transcript, or whose uploads were given up. @type {Set<string>} */
  #finished = new Set();
  /** @type {Session | undefined} */
  #session;
  /** Whether another session may follow one that ended. */
  #mayReturn = true;
  #host;
  #tileDelay;

  /** @param {Session | undefined} session @param {UploadsHost} host @param {number} [tileDelay] milliseconds before a tile is shown */
  constructor(session, host, tileDelay = hiddenTime) {
    this.#tileDelay = tileDelay;
    this.#session = session;
    this.#host = host;
  }

  get busy() {
    return [...this.#attempts.values()].some((one) => !one.failed);
  }

  /** Whether there is a file that was neither sent nor given up. */
  get worthKeeping() {
    return [...this.#attempts.values()].some((one) => one.file !== undefined);
  }

  /** Whether closing the page now would interrupt an upload. */
  get losable() {
    return [...this.#attempts.values()].some((one) => !one.failed && one.outgoing.losable);
  }

  /** Reports whether an upload has that key. @param {string} key */
  has(key) {
    return this.#attempts.has(key) || this.#finished.has(key);
  }

  /** Uses a session from now on, and sends the files that have waited for one. @param {Session} session */
  attach(session) {
    this.#session = session;
    for (const one of [...this.#attempts.values()]) {
      if (!one.staged || !one.file) continue;
      const key = this.#resumeKey(one.file);
      if (key !== undefined) {
        this.#changeKey(one, key);
        one.earlier = true;
      }
      this.#send(one, one.file);
    }
  }

  /** The session has ended. @param {unknown} error @param {boolean} mayReturn whether another one may follow, for retries */
  end(error, mayReturn) {
    this.#session = undefined;
    this.#mayReturn = mayReturn;
    for (const one of [...this.#attempts.values()]) if (!one.failed && !one.staged) this.#fail(one, error);
  }

  /** Sends files, each independently: a refused one delays no other. @param {Iterable<File | Blob>} files */
  add(files) {
    for (const file of files) {
      const known = this.#resumeKey(file);
      this.#send(this.#start(known ?? randomKey(), file, known !== undefined), file);
    }
  }

  /**
   * Returns the key of an earlier page's upload of this file. A key that is in use here
   * belongs to another file, which only looks the same.
   *
   * @param {File | Blob} file
   */
  #resumeKey(file) {
    const key = file instanceof File ? this.#session?.resumeKey?.(file) : undefined;
    return key === undefined || this.#finished.has(key) || this.#attempts.has(key) ? undefined : key;
  }

  /** Removes the files that wait for a session, and returns them. @returns {(File | Blob)[]} */
  withdraw() {
    const staged = [...this.#attempts.values()].filter((one) => one.staged);
    for (const one of staged) this.#drop(one);
    return staged.flatMap(({ file }) => file ?? []);
  }

  /** Shows something that cannot be sent at all as a refused file. @param {string} name @param {unknown} error */
  async reject(name, error) {
    const one = this.#start(randomKey());
    await this.#name(one, name, '');
    this.#fail(one, error);
  }

  /** Applies an upload event of the session. @param {UploadEvent} event */
  step(event) {
    if (this.#finished.has(event.key)) return;
    const known = this.#attempts.get(event.key);
    if (!known && event.state === 'announced') return;

    const one = known ?? this.#start(event.key);
    one.outgoing.label(event);
    if (event.ended) one.ended = true;
    if (this.#isOfEarlierAttempt(one, event.error)) return;
    if (event.state === 'cancelled') this.#cancelled(one);
    else if (event.state !== 'failed') this.#progress(one, event);
    else if (!one.failed) this.#fail(one, event.error);
  }

  /** The file is in the transcript: returns what showed its upload, so that its tile can show the file. @param {string} key @returns {OutgoingFile | undefined} */
  release(key) {
    const one = this.#attempts.get(key);
    if (one?.earlier) {
      // The earlier page may have sent another file under this key: the session compares them.
      one.announced = true;
      return undefined;
    }
    if (key !== '') this.#finished.add(key);
    this.#attempts.delete(key);
    if (one && !one.shown) return undefined;
    return one?.outgoing;
  }

  /** @param {OutgoingFile} outgoing */
  cancel(outgoing) {
    const one = this.#of(outgoing);
    if (one?.staged) this.#cancelled(one);
    else one?.controller?.abort();
  }

  /** @param {OutgoingFile} outgoing */
  retry(outgoing) {
    const one = this.#of(outgoing);
    if (one?.file) this.#resend(one, one.file);
  }

  /** @param {OutgoingFile} outgoing */
  dismiss(outgoing) {
    const one = this.#of(outgoing);
    if (one) this.#drop(one);
  }

  /** @param {string} key @param {File | Blob} [file] @param {boolean} [earlier] @returns {Attempt} */
  #start(key, file, earlier = false) {
    const one = { key, file, outgoing: this.#host.make(), shown: false, failed: false, staged: false, earlier, ended: false, startedAt: Date.now(), quarter: 0 };
    this.#attempts.set(key, one);
    return one;
  }

  /** Retries: under the same key, unless the proxy has reported that the upload under it has ended. @param {Attempt} one @param {File | Blob} file */
  #resend(one, file) {
    one.file = file;
    one.earlier = !one.ended;
    if (one.ended) this.#changeKey(one);
    this.#send(one, file);
  }

  /** Reports whether an error is that of the earlier attempt, and not of this one. @param {Attempt} one @param {unknown} error */
  #isOfEarlierAttempt(one, error) {
    const { code } = /** @type {{ code?: string }} */ (error ?? {});
    return one.earlier && !one.controller?.signal.aborted && (one.ended || code === 'file-changed' || code === 'upload-conflict');
  }

  /** Gives it another key: later events about the old one do not concern it. @param {Attempt} one @param {string} [key] */
  #changeKey(one, key = randomKey()) {
    this.#finished.add(one.key);
    this.#attempts.delete(one.key);
    one.key = key;
    one.ended = false;
    one.announced = false;
    this.#attempts.set(one.key, one);
  }

  /** @param {Attempt} one @param {File | Blob} file */
  async #send(one, file) {
    const controller = new AbortController();
    one.controller = controller;
    one.failed = false;
    one.staged = this.#session === undefined;
    one.quarter = 0;
    one.from = undefined;
    if (!this.#session) {
      await this.#describe(one, file);
      if (one.staged) this.#offered(one, file);
      return;
    }
    const sending = this.#session.upload(file, {
      key: one.key,
      signal: controller.signal,
      onProgress: (progress) => this.#progress(one, progress),
    });
    if (one.shown) this.#offered(one, file);
    const late = setTimeout(() => this.#describe(one, file), describeDelay);
    try {
      await sending;
      if (one.announced) this.#drop(one);
    } catch (error) {
      if (one.controller !== controller) return; // it is being retried already
      if (controller.signal.aborted) this.#cancelled(one);
      else if (this.#isOfEarlierAttempt(one, error)) {
        one.ended = true;
        this.#resend(one, file);
      } else if (!one.failed) await this.#describeAndFail(one, file, error);
    } finally {
      clearTimeout(late);
    }
  }

  /** @param {Attempt} one @param {File | Blob} file @param {unknown} error */
  async #describeAndFail(one, file, error) {
    await this.#describe(one, file);
    if (!one.failed && this.#attempts.has(one.key)) this.#fail(one, error);
  }

  /**
   * Names a file that the session has not reported: it was refused, or waits for a connection,
   * and its tile is to be shown meanwhile.
   *
   * @param {Attempt} one
   * @param {File | Blob} file
   */
  async #describe(one, file) {
    if (await this.#name(one, fileName(file), file.type)) this.#offered(one, file);
  }

  /** Names a file, and returns false if it has a name already. @param {Attempt} one @param {string} name @param {string} type */
  async #name(one, name, type) {
    if (one.outgoing.name !== '') return false;
    const named = await this.#host.describe(name, type);
    // The session may have reported it meanwhile.
    if (one.outgoing.name !== '' || !this.#attempts.has(one.key)) return false;
    one.outgoing.label(named);
    return true;
  }

  /** Shows it as not started. @param {Attempt} one @param {File | Blob} file */
  #offered(one, file) {
    this.#progress(one, { key: one.key, state: 'offered', sent: 0, stored: 0, total: file.size });
  }

  /** @param {Attempt} one @param {Progress} progress */
  #progress(one, progress) {
    if (one.failed || !this.#attempts.has(one.key)) return;
    this.#takeOver(one, progress);
    if (one.outgoing.name === '') return;
    one.outgoing.upload(progress, one.controller !== undefined);
    if (!one.shown) this.#showSoon(one);
    this.#announceQuarter(one, progress);
  }

  /** Once more is stored than by the earlier attempt, errors concern this one. @param {Attempt} one @param {Progress} progress */
  #takeOver(one, { state, stored }) {
    if (state === 'receiving') one.from ??= stored;
    if (['accepted', 'scanning', 'stored'].includes(state) || stored > (one.from ?? stored)) one.earlier = false;
  }

  /** Announces each quarter of a long upload. @param {Attempt} one @param {Progress} progress */
  #announceQuarter(one, { stored, total }) {
    const quarter = total === 0 ? 0 : Math.floor((4 * stored) / total);
    if (quarter <= one.quarter || quarter >= 4 || Date.now() - one.startedAt < 4000) return;
    one.quarter = quarter;
    this.#host.announce('saidPart', one.outgoing, quarter / 4);
  }

  /** @param {Attempt} one @param {unknown} error */
  #fail(one, error) {
    one.failed = true;
    one.staged = false;
    const known = asAttacheError(error);
    // If the session itself has ended, another one may send the file.
    const retryable = this.#session ? known.retryable : this.#mayReturn;
    const { message, hint, code, id } = known;
    one.outgoing.refuse({ message, hint, code, id, retryable: one.file !== undefined && retryable });
    if (!one.shown) this.#show(one);
    this.#host.failed(one.outgoing, known);
  }

  /** @param {Attempt} one */
  #cancelled(one) {
    if (!this.#attempts.has(one.key)) return;
    this.#host.announce('saidCancelled', one.outgoing);
    this.#drop(one);
  }

  /** @param {Attempt} one */
  #showSoon(one) {
    if (this.#tileDelay > 0) one.showing ??= setTimeout(() => this.#showLate(one), this.#tileDelay);
    else this.#showLate(one);
  }

  /** @param {Attempt} one */
  #showLate(one) {
    if (one.shown || !this.#attempts.has(one.key)) return;
    this.#show(one);
    this.#host.announce('saidSending', one.outgoing);
  }

  /** @param {Attempt} one */
  #show(one) {
    clearTimeout(one.showing);
    one.shown = true;
    this.#host.show(one.outgoing);
  }

  /** @param {Attempt} one */
  #drop(one) {
    this.#finished.add(one.key);
    this.#attempts.delete(one.key);
    if (one.shown) this.#host.remove(one.outgoing);
  }

  /** @param {OutgoingFile} outgoing */
  #of(outgoing) {
    return [...this.#attempts.values()].find((one) => one.outgoing === outgoing);
  }
}
