import { AttacheError } from './error.js';
import { Pump } from './pump.js';
import { sizeOf } from './reader.js';
import { ResumeStore } from './resumestore.js';
import { StartQueue } from './startqueue.js';
import { isLocked, lockIfAvailable, lockedKeys, locksSupported, released, take } from './tablock.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {ReturnType<typeof import('./options.js').readUpload>} Request */

/**
 * What uploads need to know of their session.
 *
 * @typedef {object} UploadHost
 * @property {boolean} left whether this page has left the chat, which cancels them
 * @property {boolean} closed
 * @property {(key: string) => boolean} isAnnounced whether the file of that upload is in the transcript
 * @property {() => void} moreUnfinished another page has ended that held an upload of this party
 */

/**
 * A file up to this size may be sent whole, in one message. Then there is nothing to resume,
 * and the browser's storage and locks are not used.
 */
const maxWhole = 256 << 10;

/** The uploads of one session, and those that earlier pages of its party did not finish. */
export class Uploads {
  #module;
  #host;
  #startQueue = new StartQueue();
  /** From the first welcome on. @type {ResumeStore | undefined} */
  #resumes;
  /** The keys of other pages whose release is waited for. @type {Set<string>} */
  #awaited = new Set();
  #ended = new AbortController();

  /** @param {import('./modulesession.js').ModuleSession} module @param {UploadHost} host */
  constructor(module, host) {
    this.#module = module;
    this.#host = host;
  }

  /** Whose uploads they are is known from the first welcome on. @param {string[]} owner proxy, chat session, user */
  remember(...owner) {
    this.#resumes ??= new ResumeStore(...owner);
  }

  /** @param {Request} request @returns {Promise<ChatFile>} */
  async start(request) {
    request.signal?.throwIfAborted();
    const start = this.#startQueue.join();
    let held;
    try {
      held = request.resumes && this.#resumes?.keyOf(request.file) === request.key
        ? { lock() {}, release: await lockIfAvailable(request.key) }
        : take(request.key);
      return await this.#begin(request, start, held.lock);
    } finally {
      start.started();
      held?.release();
    }
  }

  /** @param {Request} request @param {ReturnType<StartQueue['join']>} start @param {() => void} lock @returns {Promise<ChatFile>} */
  async #begin(request, start, lock) {
    const size = await sizeOf(request.file).catch((cause) => {
      throw new AttacheError({ code: 'file-unreadable', message: '', cause });
    });
    await start.ready;
    let remembered = false;
    const remember = () => {
      if (remembered) return;
      remembered = true;
      lock();
      this.#resumes?.save(request.file, request.key);
    };
    const forget = () => remembered && this.#resumes?.remove(request.file, request.key);
    if (request.resumes || size > maxWhole) remember();
    /** @param {import('../attache.js').Progress} progress */
    const onProgress = (progress) => {
      if (remembered) this.#resumes?.saveProgress(request.file, request.key, progress.stored);
      request.onProgress?.(progress);
    };
    try {
      const sending = this.#send(request, { size, group: start.group, remember, onProgress });
      start.started();
      const sent = await sending;
      forget();
      return sent;
    } catch (error) {
      if (!this.#isResumable(error, request.signal)) forget();
      throw error;
    }
  }

  /** Whether an upload that failed with this error can be resumed. @param {unknown} error @param {AbortSignal | undefined} signal */
  #isResumable(error, signal) {
    if (signal?.aborted || this.#host.left) return false;
    return this.#host.closed || error instanceof AttacheError && error.retryable;
  }

  /** @param {File} file @returns {string | undefined} */
  resumeKey(file) {
    const key = locksSupported() ? this.#resumes?.keyOf(file) : undefined;
    if (key === undefined || isLocked(key)) return undefined;
    if (!this.#host.isAnnounced(key)) return key;
    this.#resumes?.remove(file, key);
    return undefined;
  }

  async unfinished() {
    const all = this.#resumes?.list() ?? [];
    if (all.length === 0) return all;
    const taken = await lockedKeys();
    for (const { key } of all) if (taken.has(key) && !isLocked(key)) this.#await(key);
    return all.filter(({ key }) => !taken.has(key) && !this.#host.isAnnounced(key));
  }

  /** Reports when another page has let go of an upload. If it has finished it, there is nothing to report. @param {string} key */
  async #await(key) {
    if (this.#awaited.has(key)) return;
    this.#awaited.add(key);
    const free = await released(key, this.#ended.signal);
    this.#awaited.delete(key);
    if (free && this.#resumes?.list().some((one) => one.key === key)) this.#host.moreUnfinished();
  }

  /** The session has ended. */
  end() {
    this.#ended.abort();
  }

  /** @param {string} key */
  discard(key) {
    this.#resumes?.removeKey(key);
    this.#module.discard(key);
  }

  /**
   * @param {Request} request
   * @param {{ size: number, group: number, remember: () => void, onProgress: (progress: import('../attache.js').Progress) => void }} sending
   *   `remember` is called unless the file is sent whole, in one message
   * @returns {Promise<ChatFile>}
   */
  #send(request, { size, group, remember, onProgress }) {
    return this.#module.call((module, handle, call) => {
      const pump = new Pump(
        request.file,
        size,
        (view) => this.#module.report(handle, 'filled', call, view),
        (before) => this.#module.report(handle, 'unread', call, before),
        remember,
      );
      module.upload(handle, call, pump, group, request.key, request.name, size, request.type, request.uploadType, request.description, request.digest, request.visibility, ...request.custom);
      return pump;
    }, { signal: request.signal, onProgress });
  }
}
