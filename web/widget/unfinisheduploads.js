import { OutgoingFile } from './outgoingfile.js';

/** @typedef {import('../attache.js').FileName} FileName */
/** @typedef {import('../attache.js').Session} Session */

/**
 * What the unfinished uploads need of their conversation.
 *
 * @typedef {object} UnfinishedHost
 * @property {(outgoing: OutgoingFile) => void} add
 * @property {(outgoing: OutgoingFile) => void} remove
 * @property {(name: string, type: string) => Promise<FileName>} describe
 * @property {(key: string) => boolean} isSending whether this page sends under that key
 */

/** The uploads that earlier pages of this party did not finish, as files to be chosen again. */
export class UnfinishedUploads {
  #host;
  /** @type {Session | undefined} */
  #session;
  /** By key. @type {Map<string, OutgoingFile>} */
  #files = new Map();

  /** @param {UnfinishedHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** Shows those of a session that are not shown yet. @param {Session} session */
  async show(session) {
    this.#session = session;
    for (const { key, name, size, stored } of await session.unfinishedUploads?.().catch(() => []) ?? []) {
      // The proxy has all of it and finishes by itself.
      if (stored >= size) continue;
      const named = await this.#host.describe(name, '');
      if (session !== this.#session || this.#files.has(key) || this.#host.isSending(key)) continue;
      const outgoing = new OutgoingFile();
      outgoing.label(named);
      outgoing.showUnfinished({ key, name, stored, total: size });
      this.#files.set(key, outgoing);
      this.#host.add(outgoing);
    }
  }

  /** It was resumed, or has ended. @param {string} key */
  remove(key) {
    const outgoing = this.#files.get(key);
    this.#files.delete(key);
    if (outgoing) this.#host.remove(outgoing);
  }

  /** The session is left. */
  clear() {
    this.#session = undefined;
    for (const key of [...this.#files.keys()]) this.remove(key);
  }
}
