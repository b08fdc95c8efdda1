import { Download } from './download.js';
import { randomKey } from './key.js';

/** @typedef {ReturnType<typeof import('./options.js').readDownload>} Request */
/** @typedef {{ readonly base: string, readonly session: string, readonly credentials: RequestCredentials }} TicketHost */

/** The attempt that each file's latest download counts as, while the page lives. @type {Map<string, string>} */
const attempts = new Map();

/** The proxy's permissions to fetch files of one session. */
export class Tickets {
  #module;
  #host;

  /** @param {import('./modulesession.js').ModuleSession} module @param {TicketHost} host */
  constructor(module, host) {
    this.#module = module;
    this.#host = host;
  }

  /** Returns a download link. @param {Request} request */
  async link({ id, signal, onState }) {
    return (await this.#ticket(id, this.#attempt(id, false), signal, onState)).url;
  }

  /** @param {Request} request */
  download({ id, size, offset, signal, idleTimeout, onState }) {
    const attempt = this.#attempt(id, offset > 0);
    const ask = (/** @type {AbortSignal | undefined} */ given) => this.#ticket(id, attempt, given, onState);
    return new Download({ ask, size, offset, signal, idleTimeout, credentials: this.#host.credentials });
  }

  /** Returns the attempt that a download counts as: a new one, unless it continues the file's latest. @param {string} file @param {boolean} continues */
  #attempt(file, continues) {
    const which = `${this.#host.session}/${file}`;
    const attempt = (continues && attempts.get(which)) || randomKey();
    attempts.set(which, attempt);
    return attempt;
  }

  /**
   * Returns where a file can be fetched.
   *
   * @param {string} file
   * @param {string} attempt
   * @param {AbortSignal | undefined} signal
   * @param {((state: 'scanning' | 'downloading') => unknown) | undefined} onState
   * @returns {Promise<import('./download.js').Ticket>}
   */
  async #ticket(file, attempt, signal, onState) {
    let scanning = false;
    const onProgress = () => {
      scanning = true;
      onState?.('scanning');
    };
    const ticket = await this.#module.call((module, handle, call) => module.ask(handle, call, file, attempt), { signal, onProgress });
    if (scanning) queueMicrotask(() => onState?.('downloading'));
    const { path, size = 0, digest = '' } = JSON.parse(ticket);
    return { url: this.#host.base + path, size, digest };
  }
}
