import { fileName } from '../session/blob.js';
import { AttacheError, asAttacheError } from '../session/error.js';
import { randomKey } from '../session/key.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').FileName} FileName */
/** @typedef {import('../attache.js').Progress} Progress */
/** @typedef {import('../attache.js').Session} Session */
/** @typedef {import('../attache.js').UploadEvent} UploadEvent */
/** @typedef {import('./outgoingfile.js').Outgoing} Outgoing */
/** @typedef {import('./tile.js').Refusal} Refusal */

/**
 * One file on its way: what a person did, under one key however often it is
 * tried again.
 *
 * @typedef {object} Try
 * @property {string} key
 * @property {Outgoing} outgoing
 * @property {File | Blob} [file] absent for an upload that the page started itself
 * @property {AbortController} [controller]
 * @property {boolean} shown whether its tile stands in the transcript
 * @property {ReturnType<typeof setTimeout>} [showing] until it does
 * @property {boolean} failed
 * @property {boolean} staged whether it waits for a session to be sent by
 * @property {boolean} earlier whether the key is of an earlier try, which may have ended, or was of another content
 * @property {boolean} [came] whether a file of this key came into the transcript while the try was an earlier one's
 * @property {number} [from] bytes that the earlier try had stored
 * @property {boolean} over whether the proxy said that it has ended
 * @property {number} began milliseconds since 1970
 * @property {number} quarter the last one that was told
 */

/**
 * @typedef {object} UploadsHost
 * @property {() => Outgoing} make
 * @property {(outgoing: Outgoing) => void} show puts it at the end of the transcript
 * @property {(outgoing: Outgoing) => void} remove
 * @property {(name: string, type: string) => Promise<FileName>} describe
 * @property {(outgoing: Outgoing, error: AttacheError) => void} refused
 * @property {(word: 'saidSending' | 'saidPart' | 'saidCancelled', outgoing: Outgoing, part?: number) => void} tell
 */

/** Milliseconds that the session has to name a file before it is asked for the name. */
const patience = 50;

/**
 * Milliseconds that a file may be on its way without a tile. Most are announced
 * by then, and what nobody could have read is not laid out and painted.
 */
const unseen = 80;

/**
 * The uploads of one conversation, from choosing a file until its notice is in
 * the transcript. What is chosen while there is no session waits for one.
 */
export class Uploads {
  /** @type {Map<string, Try>} */
  #tries = new Map();
  /** Keys whose files stand in the transcript, or that were given up. @type {Set<string>} */
  #settled = new Set();
  /** @type {Session | undefined} */
  #session;
  /** Whether another session may follow one that ended. */
  #mayReturn = true;
  #host;
  #beat;

  /** @param {Session | undefined} session @param {UploadsHost} host @param {number} [beat] milliseconds before a tile is shown */
  constructor(session, host, beat = unseen) {
    this.#beat = beat;
    this.#session = session;
    this.#host = host;
  }

  get busy() {
    return [...this.#tries.values()].some((one) => !one.failed);
  }

  /** Whether there is a file that was not sent and not given up. */
  get worthKeeping() {
    return [...this.#tries.values()].some((one) => one.file !== undefined);
  }

  /** Whether a page that is closed now would cut an upload short. */
  get losable() {
    return [...this.#tries.values()].some((one) => !one.failed && one.outgoing.losable);
  }

  /** Whether an upload of that key is known here. @param {string} key */
  has(key) {
    return this.#tries.has(key) || this.#settled.has(key);
  }

  /** Sends from now on by this session, first what has waited for one. @param {Session} session */
  sendBy(session) {
    this.#session = session;
    for (const one of [...this.#tries.values()]) {
      if (!one.staged || !one.file) continue;
      const key = this.#recall(one.file);
      if (key !== undefined) {
        this.#rename(one, key);
        one.earlier = true;
      }
      this.#send(one, one.file);
    }
  }

  /** The session has ended. @param {unknown} error @param {boolean} mayReturn whether another one may follow, to try again by */
  end(error, mayReturn) {
    this.#session = undefined;
    this.#mayReturn = mayReturn;
    for (const one of [...this.#tries.values()]) if (!one.failed && !one.staged) this.#fail(one, error);
  }

  /** Sends files, each on its own: a refused one keeps no other back. @param {Iterable<File | Blob>} files */
  add(files) {
    for (const file of files) {
      const known = this.#recall(file);
      this.#send(this.#begin(known ?? randomKey(), file, known !== undefined), file);
    }
  }

  /**
   * The key of an earlier page's upload of this file. One that is sent here
   * stands for another file, which may only look the same.
   *
   * @param {File | Blob} file
   */
  #recall(file) {
    const key = file instanceof File ? this.#session?.recall?.(file) : undefined;
    return key === undefined || this.#settled.has(key) || this.#tries.has(key) ? undefined : key;
  }

  /** Gives up what waits for a session. @returns {(File | Blob)[]} */
  withdraw() {
    const staged = [...this.#tries.values()].filter((one) => one.staged);
    for (const one of staged) this.#drop(one);
    return staged.flatMap(({ file }) => file ?? []);
  }

  /** Shows something that cannot even be tried, as a refused file. @param {string} name @param {unknown} error */
  async reject(name, error) {
    const one = this.#begin(randomKey());
    await this.#name(one, name, '');
    this.#fail(one, error);
  }

  /** Takes a step that the session reports. @param {UploadEvent} event */
  step(event) {
    if (this.#settled.has(event.key)) return;
    const known = this.#tries.get(event.key);
    if (!known && event.state === 'announced') return;

    const one = known ?? this.#begin(event.key);
    one.outgoing.label(event);
    if (event.over) one.over = true;
    if (this.#stale(one, event.error)) return;
    if (event.state === 'cancelled') this.#cancelled(one);
    else if (event.state !== 'failed') this.#progress(one, event);
    else if (!one.failed) this.#fail(one, event.error);
  }

  /** The file stands in the transcript: what showed it on its way is free for that. @param {string} key @returns {Outgoing | undefined} */
  release(key) {
    const one = this.#tries.get(key);
    if (one?.earlier) {
      // Perhaps it was another file that the earlier page sent: the session compares.
      one.came = true;
      return undefined;
    }
    if (key !== '') this.#settled.add(key);
    this.#tries.delete(key);
    if (one && !one.shown) return undefined;
    return one?.outgoing;
  }

  /** @param {Outgoing} outgoing */
  cancel(outgoing) {
    const one = this.#of(outgoing);
    if (one?.staged) this.#cancelled(one);
    else one?.controller?.abort();
  }

  /** @param {Outgoing} outgoing */
  retry(outgoing) {
    const one = this.#of(outgoing);
    if (one?.file) this.#again(one, one.file);
  }

  /** @param {Outgoing} outgoing */
  dismiss(outgoing) {
    const one = this.#of(outgoing);
    if (one) this.#drop(one);
  }

  /** @param {string} key @param {File | Blob} [file] @param {boolean} [earlier] @returns {Try} */
  #begin(key, file, earlier = false) {
    const one = { key, file, outgoing: this.#host.make(), shown: false, failed: false, staged: false, earlier, over: false, began: Date.now(), quarter: 0 };
    this.#tries.set(key, one);
    return one;
  }

  /** Tries again: under the same key, unless the proxy has said that its upload has ended. @param {Try} one @param {File | Blob} file */
  #again(one, file) {
    one.file = file;
    one.earlier = !one.over;
    if (one.over) this.#rename(one);
    this.#send(one, file);
  }

  /** Whether it was the earlier try that came to nothing, and not this one. @param {Try} one @param {unknown} error */
  #stale(one, error) {
    const { code } = /** @type {{ code?: string }} */ (error ?? {});
    return one.earlier && !one.controller?.signal.aborted && (one.over || code === 'file-changed' || code === 'upload-conflict');
  }

  /** Gives it another key: what is still said of the old one is not about it. @param {Try} one @param {string} [key] */
  #rename(one, key = randomKey()) {
    this.#settled.add(one.key);
    this.#tries.delete(one.key);
    one.key = key;
    one.over = false;
    one.came = false;
    this.#tries.set(one.key, one);
  }

  /** @param {Try} one @param {File | Blob} file */
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
    const sent = this.#session.upload(file, {
      key: one.key,
      signal: controller.signal,
      onProgress: (progress) => this.#progress(one, progress),
    });
    if (one.shown) this.#offered(one, file);
    const late = setTimeout(() => this.#describe(one, file), patience);
    try {
      await sent;
      if (one.came) this.#drop(one);
    } catch (error) {
      if (one.controller !== controller) return; // it is being tried again already
      if (controller.signal.aborted) this.#cancelled(one);
      else if (this.#stale(one, error)) {
        one.over = true;
        this.#again(one, file);
      } else if (!one.failed) await this.#refused(one, file, error);
    } finally {
      clearTimeout(late);
    }
  }

  /** @param {Try} one @param {File | Blob} file @param {unknown} error */
  async #refused(one, file, error) {
    await this.#describe(one, file);
    if (!one.failed && this.#tries.has(one.key)) this.#fail(one, error);
  }

  /**
   * Names a file that the session has not spoken of: it is refused, or waits for
   * a connection, which its tile does not.
   *
   * @param {Try} one
   * @param {File | Blob} file
   */
  async #describe(one, file) {
    if (await this.#name(one, fileName(file), file.type)) this.#offered(one, file);
  }

  /** Returns whether it had no name until then, and has one now. @param {Try} one @param {string} name @param {string} type */
  async #name(one, name, type) {
    if (one.outgoing.name !== '') return false;
    const named = await this.#host.describe(name, type);
    // The session may have spoken of it meanwhile, and got further.
    if (one.outgoing.name !== '' || !this.#tries.has(one.key)) return false;
    one.outgoing.label(named);
    return true;
  }

  /** Shows it as not begun. @param {Try} one @param {File | Blob} file */
  #offered(one, file) {
    this.#progress(one, { key: one.key, state: 'offered', sent: 0, stored: 0, total: file.size });
  }

  /** @param {Try} one @param {Progress} progress */
  #progress(one, progress) {
    if (one.failed || !this.#tries.has(one.key)) return;
    this.#outgrow(one, progress);
    if (one.outgoing.name === '') return;
    one.outgoing.upload(progress, one.controller !== undefined);
    if (!one.shown) this.#showSoon(one);
    this.#tellQuarter(one, progress);
  }

  /** Once more is stored than the earlier try left, an end is meant for this one. @param {Try} one @param {Progress} progress */
  #outgrow(one, { state, stored }) {
    if (state === 'receiving') one.from ??= stored;
    if (['accepted', 'scanning', 'stored'].includes(state) || stored > (one.from ?? stored)) one.earlier = false;
  }

  /** A long upload is heard of at each quarter, a short one only at its ends. @param {Try} one @param {Progress} progress */
  #tellQuarter(one, { stored, total }) {
    const quarter = total === 0 ? 0 : Math.floor((4 * stored) / total);
    if (quarter <= one.quarter || quarter >= 4 || Date.now() - one.began < 4000) return;
    one.quarter = quarter;
    this.#host.tell('saidPart', one.outgoing, quarter / 4);
  }

  /** @param {Try} one @param {unknown} error */
  #fail(one, error) {
    one.failed = true;
    one.staged = false;
    const known = asAttacheError(error);
    // Where the session itself ended, the file is as good as before: another one may take it.
    const retryable = this.#session ? known.retryable : this.#mayReturn;
    const { message, hint, code, id } = known;
    one.outgoing.refuse({ message, hint, code, id, retryable: one.file !== undefined && retryable });
    if (!one.shown) this.#show(one);
    this.#host.refused(one.outgoing, known);
  }

  /** @param {Try} one */
  #cancelled(one) {
    if (!this.#tries.has(one.key)) return;
    this.#host.tell('saidCancelled', one.outgoing);
    this.#drop(one);
  }

  /** @param {Try} one */
  #showSoon(one) {
    if (this.#beat > 0) one.showing ??= setTimeout(() => this.#showLate(one), this.#beat);
    else this.#showLate(one);
  }

  /** @param {Try} one */
  #showLate(one) {
    if (one.shown || !this.#tries.has(one.key)) return;
    this.#show(one);
    this.#host.tell('saidSending', one.outgoing);
  }

  /** @param {Try} one */
  #show(one) {
    clearTimeout(one.showing);
    one.shown = true;
    this.#host.show(one.outgoing);
  }

  /** @param {Try} one */
  #drop(one) {
    this.#settled.add(one.key);
    this.#tries.delete(one.key);
    if (one.shown) this.#host.remove(one.outgoing);
  }

  /** @param {Outgoing} outgoing */
  #of(outgoing) {
    return [...this.#tries.values()].find((one) => one.outgoing === outgoing);
  }
}
