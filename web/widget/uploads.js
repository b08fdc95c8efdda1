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
 * One file that is being sent: one action of a person, however many attempts it takes.
 *
 * @typedef {object} Upload
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
  /** @type {Map<string, Upload>} */
  #uploads = new Map();
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
    return [...this.#uploads.values()].some((upload) => !upload.failed);
  }

  /** Whether there is a file that was neither sent nor given up. */
  get worthKeeping() {
    return [...this.#uploads.values()].some((upload) => upload.file !== undefined);
  }

  /** Whether closing the page now would interrupt an upload. */
  get losable() {
    return [...this.#uploads.values()].some((upload) => !upload.failed && upload.outgoing.losable);
  }

  /** Reports whether an upload has that key. @param {string} key */
  has(key) {
    return this.#uploads.has(key) || this.#finished.has(key);
  }

  /** Uses a session from now on, and sends the files that have waited for one. @param {Session} session */
  attach(session) {
    this.#session = session;
    for (const upload of [...this.#uploads.values()]) {
      if (!upload.staged || !upload.file) continue;
      const key = this.#resumeKey(upload.file);
      if (key !== undefined) {
        this.#changeKey(upload, key);
        upload.earlier = true;
      }
      this.#send(upload, upload.file);
    }
  }

  /** The session has ended. @param {unknown} error @param {boolean} mayReturn whether another one may follow, for retries */
  end(error, mayReturn) {
    this.#session = undefined;
    this.#mayReturn = mayReturn;
    for (const upload of [...this.#uploads.values()]) if (!upload.failed && !upload.staged) this.#fail(upload, error);
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
    return key === undefined || this.#finished.has(key) || this.#uploads.has(key) ? undefined : key;
  }

  /** Removes the files that wait for a session, and returns them. @returns {(File | Blob)[]} */
  withdraw() {
    const staged = [...this.#uploads.values()].filter((upload) => upload.staged);
    for (const upload of staged) this.#drop(upload);
    return staged.flatMap(({ file }) => file ?? []);
  }

  /** Shows something that cannot be sent at all as a refused file. @param {string} name @param {unknown} error */
  async reject(name, error) {
    const upload = this.#start(randomKey());
    await this.#name(upload, name, '');
    this.#fail(upload, error);
  }

  /** Applies an upload event of the session. @param {UploadEvent} event */
  step(event) {
    if (this.#finished.has(event.key)) return;
    const known = this.#uploads.get(event.key);
    if (!known && event.state === 'announced') return;

    const upload = known ?? this.#start(event.key);
    upload.outgoing.label(event);
    if (event.ended) upload.ended = true;
    if (this.#isOfEarlierAttempt(upload, event.error)) return;
    if (event.state === 'cancelled') this.#cancelled(upload);
    else if (event.state !== 'failed') this.#progress(upload, event);
    else if (!upload.failed) this.#fail(upload, event.error);
  }

  /** The file is in the transcript: returns what showed its upload, so that its tile can show the file. @param {string} key @returns {OutgoingFile | undefined} */
  release(key) {
    const upload = this.#uploads.get(key);
    if (upload?.earlier) {
      // The earlier page may have sent another file under this key: the session compares them.
      upload.announced = true;
      return undefined;
    }
    if (key !== '') this.#finished.add(key);
    this.#uploads.delete(key);
    if (upload && !upload.shown) return undefined;
    return upload?.outgoing;
  }

  /** @param {OutgoingFile} outgoing */
  cancel(outgoing) {
    const upload = this.#of(outgoing);
    if (upload?.staged) this.#cancelled(upload);
    else upload?.controller?.abort();
  }

  /** @param {OutgoingFile} outgoing */
  retry(outgoing) {
    const upload = this.#of(outgoing);
    if (upload?.file) this.#resend(upload, upload.file);
  }

  /** @param {OutgoingFile} outgoing */
  dismiss(outgoing) {
    const upload = this.#of(outgoing);
    if (upload) this.#drop(upload);
  }

  /** @param {string} key @param {File | Blob} [file] @param {boolean} [earlier] @returns {Upload} */
  #start(key, file, earlier = false) {
    const upload = { key, file, outgoing: this.#host.make(), shown: false, failed: false, staged: false, earlier, ended: false, startedAt: Date.now(), quarter: 0 };
    this.#uploads.set(key, upload);
    return upload;
  }

  /** Retries: under the same key, unless the proxy has reported that the upload under it has ended. @param {Upload} upload @param {File | Blob} file */
  #resend(upload, file) {
    upload.file = file;
    upload.earlier = !upload.ended;
    if (upload.ended) this.#changeKey(upload);
    this.#send(upload, file);
  }

  /** Reports whether an error is that of the earlier attempt, and not of this one. @param {Upload} upload @param {unknown} error */
  #isOfEarlierAttempt(upload, error) {
    const { code } = /** @type {{ code?: string }} */ (error ?? {});
    return upload.earlier && !upload.controller?.signal.aborted && (upload.ended || code === 'file-changed' || code === 'upload-conflict');
  }

  /** Gives it another key: later events about the old one do not concern it. @param {Upload} upload @param {string} [key] */
  #changeKey(upload, key = randomKey()) {
    this.#finished.add(upload.key);
    this.#uploads.delete(upload.key);
    upload.key = key;
    upload.ended = false;
    upload.announced = false;
    this.#uploads.set(upload.key, upload);
  }

  /** @param {Upload} upload @param {File | Blob} file */
  async #send(upload, file) {
    const controller = new AbortController();
    upload.controller = controller;
    upload.failed = false;
    upload.staged = this.#session === undefined;
    upload.quarter = 0;
    upload.from = undefined;
    if (!this.#session) {
      await this.#describe(upload, file);
      if (upload.staged) this.#offered(upload, file);
      return;
    }
    const sending = this.#session.upload(file, {
      key: upload.key,
      signal: controller.signal,
      visibility: upload.outgoing.visibility,
      onProgress: (progress) => this.#progress(upload, progress),
    });
    if (upload.shown) this.#offered(upload, file);
    const late = setTimeout(() => this.#describe(upload, file), describeDelay);
    try {
      await sending;
      if (upload.announced) this.#drop(upload);
    } catch (error) {
      if (upload.controller !== controller) return; // it is being retried already
      if (controller.signal.aborted) this.#cancelled(upload);
      else if (this.#isOfEarlierAttempt(upload, error)) {
        upload.ended = true;
        this.#resend(upload, file);
      } else if (!upload.failed) await this.#describeAndFail(upload, file, error);
    } finally {
      clearTimeout(late);
    }
  }

  /** @param {Upload} upload @param {File | Blob} file @param {unknown} error */
  async #describeAndFail(upload, file, error) {
    await this.#describe(upload, file);
    if (!upload.failed && this.#uploads.has(upload.key)) this.#fail(upload, error);
  }

  /**
   * Names a file that the session has not reported: it was refused, or waits for a connection,
   * and its tile is to be shown meanwhile.
   *
   * @param {Upload} upload
   * @param {File | Blob} file
   */
  async #describe(upload, file) {
    if (await this.#name(upload, fileName(file), file.type)) this.#offered(upload, file);
  }

  /** Names a file, and returns false if it has a name already. @param {Upload} upload @param {string} name @param {string} type */
  async #name(upload, name, type) {
    if (upload.outgoing.name !== '') return false;
    const named = await this.#host.describe(name, type);
    // The session may have reported it meanwhile.
    if (upload.outgoing.name !== '' || !this.#uploads.has(upload.key)) return false;
    upload.outgoing.label(named);
    return true;
  }

  /** Shows it as not started. @param {Upload} upload @param {File | Blob} file */
  #offered(upload, file) {
    this.#progress(upload, { key: upload.key, state: 'offered', sent: 0, stored: 0, total: file.size });
  }

  /** @param {Upload} upload @param {Progress} progress */
  #progress(upload, progress) {
    if (upload.failed || !this.#uploads.has(upload.key)) return;
    this.#takeOver(upload, progress);
    if (upload.outgoing.name === '') return;
    upload.outgoing.upload(progress, upload.controller !== undefined);
    if (!upload.shown) this.#showSoon(upload);
    this.#announceQuarter(upload, progress);
  }

  /** Once more is stored than by the earlier attempt, errors concern this one. @param {Upload} upload @param {Progress} progress */
  #takeOver(upload, { state, stored }) {
    if (state === 'receiving') upload.from ??= stored;
    if (['accepted', 'scanning', 'stored'].includes(state) || stored > (upload.from ?? stored)) upload.earlier = false;
  }

  /** Announces each quarter of a long upload. @param {Upload} upload @param {Progress} progress */
  #announceQuarter(upload, { stored, total }) {
    const quarter = total === 0 ? 0 : Math.floor((4 * stored) / total);
    if (quarter <= upload.quarter || quarter >= 4 || Date.now() - upload.startedAt < 4000) return;
    upload.quarter = quarter;
    this.#host.announce('saidPart', upload.outgoing, quarter / 4);
  }

  /** @param {Upload} upload @param {unknown} error */
  #fail(upload, error) {
    upload.failed = true;
    upload.staged = false;
    const known = asAttacheError(error);
    // If the session itself has ended, another one may send the file.
    const retryable = this.#session ? known.retryable : this.#mayReturn;
    const { message, hint, code, id } = known;
    upload.outgoing.refuse({ message, hint, code, id, retryable: upload.file !== undefined && retryable });
    if (!upload.shown) this.#show(upload);
    this.#host.failed(upload.outgoing, known);
  }

  /** @param {Upload} upload */
  #cancelled(upload) {
    if (!this.#uploads.has(upload.key)) return;
    this.#host.announce('saidCancelled', upload.outgoing);
    this.#drop(upload);
  }

  /** @param {Upload} upload */
  #showSoon(upload) {
    if (this.#tileDelay > 0) upload.showing ??= setTimeout(() => this.#showLate(upload), this.#tileDelay);
    else this.#showLate(upload);
  }

  /** @param {Upload} upload */
  #showLate(upload) {
    if (upload.shown || !this.#uploads.has(upload.key)) return;
    this.#show(upload);
    this.#host.announce('saidSending', upload.outgoing);
  }

  /** @param {Upload} upload */
  #show(upload) {
    clearTimeout(upload.showing);
    upload.shown = true;
    this.#host.show(upload.outgoing);
  }

  /** @param {Upload} upload */
  #drop(upload) {
    this.#finished.add(upload.key);
    this.#uploads.delete(upload.key);
    if (upload.shown) this.#host.remove(upload.outgoing);
  }

  /** @param {OutgoingFile} outgoing */
  #of(outgoing) {
    return [...this.#uploads.values()].find((upload) => upload.outgoing === outgoing);
  }
}
