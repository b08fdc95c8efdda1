/** @typedef {import('./attache.js').Progress} Progress */

/**
 * One upload is sent by one tab at a time. Another one with the same key waits,
 * is told how far it is, and takes over when the first tab is closed.
 *
 * The lock is the browser's, which gives it back however a tab ends. Where there
 * are none (the page is not in a secure context) the proxy still lets only the
 * last one write.
 */
export class Turns {
  #channel = globalThis.document && globalThis.BroadcastChannel ? new BroadcastChannel('attache uploads') : undefined;
  #locks = globalThis.document && globalThis.navigator?.locks;
  #closed = new AbortController();

  /** Tells the other tabs. @param {Progress} progress */
  tell(progress) {
    this.#channel?.postMessage(progress);
  }

  /** Of a new key: nobody else can have it. @template T @param {string} key @param {() => Promise<T>} send @returns {Promise<T>} */
  begin(key, send) {
    const sent = send();
    this.#locks?.request(lockOf(key), () => sent.then(() => {}, () => {})).catch(() => {});
    return sent;
  }

  /**
   * Of a key that another tab may be sending.
   *
   * @template T
   * @param {string} key
   * @param {number} total
   * @param {() => Promise<T>} send
   * @param {{ signal?: AbortSignal, onProgress?: (progress: Progress) => unknown }} options
   * @returns {Promise<T>}
   */
  async join(key, total, send, { signal, onProgress }) {
    const locks = this.#locks;
    if (!locks) return send();
    /** @type {{ sent: Promise<T> } | undefined} */
    const mine = await new Promise((resolve, reject) => {
      locks.request(lockOf(key), { ifAvailable: true }, async (lock) => {
        if (!lock) return resolve(undefined);
        const sent = send();
        resolve({ sent });
        await sent.catch(() => {});
      }).catch(reject);
    });
    if (mine) return mine.sent;

    const waiting = new AbortController();
    onProgress?.({ key, state: 'offered', sent: 0, stored: 0, total, elsewhere: true });
    this.#channel?.addEventListener('message', ({ data }) => {
      if (data?.key === key) onProgress?.({ ...data, elsewhere: true });
    }, { signal: waiting.signal });
    const given = AbortSignal.any([this.#closed.signal, ...(signal ? [signal] : [])]);
    try {
      return await locks.request(lockOf(key), { signal: given }, () => {
        waiting.abort();
        return send();
      });
    } finally {
      waiting.abort();
    }
  }

  /** Nobody waits any more. @param {unknown} reason */
  close(reason) {
    this.#closed.abort(reason);
    this.#channel?.close();
    this.#channel = undefined;
  }
}

/** @param {string} key */
const lockOf = (key) => `attache upload ${key}`;
