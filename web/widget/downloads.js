import { asAttacheError } from '../session/error.js';
import { contentOf, shownAs } from './content.js';
import { fetchBlob, maxBlobSize, save, saveBlob } from './saving.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').Session} Session */
/** @typedef {import('./content.js').Content} Content */

/**
 * The state of one file's download.
 *
 * @typedef {object} Download
 * @property {'downloading' | 'opened' | import('./saving.js').Saved | 'stopped'} state
 * @property {number} [part] 0 to 1, if it is known
 * @property {boolean} [scanning] whether the proxy scans the file first
 * @property {boolean} [instead] whether it was saved because it cannot be shown
 * @property {import('../attache.js').AttacheError} [error] why it stopped, unless the person stopped it
 */

/** The downloads of one conversation, by file id. They outlive the tiles. */
export class Downloads {
  /** @type {Map<string, Download>} */
  #downloads = new Map();
  /** @type {Map<string, AbortController>} */
  #running = new Map();
  /** The contents of files that were opened, the latest last: opening or saving them again costs no attempt. @type {Map<string, Blob>} */
  #fetched = new Map();
  #onChange;

  /** @param {(file: ChatFile, download: Download) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** @param {string} id @returns {Download | undefined} */
  of(id) {
    return this.#downloads.get(id);
  }

  /** Whether the page has the content of a file. @param {string} id */
  has(id) {
    return this.#fetched.has(id);
  }

  /** Downloads a file, unless that is under way. @param {Session} session @param {ChatFile} file */
  async start(session, file) {
    const fetched = this.#fetched.get(file.id);
    await this.#run(file, async (options) => ({ state: fetched ? saveBlob(fetched, file.name) : await save(session, file, options) }));
  }

  /**
   * Fetches a file to show it, unless that is under way. If the content turns out not to be
   * what its name says, it is saved instead.
   *
   * @param {Session} session @param {ChatFile} file @returns {Promise<Content | undefined>} undefined if there is nothing to show
   */
  async open(session, file) {
    const kind = shownAs(file, maxBlobSize);
    if (kind === undefined) {
      await this.start(session, file);
      return undefined;
    }
    /** @type {Content | undefined} */
    let content;
    await this.#run(file, async (options) => {
      const blob = this.#fetched.get(file.id) ?? await fetchBlob(session, file, options);
      this.#keep(file.id, blob);
      const found = await contentOf(blob, kind);
      options.signal.throwIfAborted();
      content = found;
      return content ? { state: 'opened' } : { state: saveBlob(blob, file.name), instead: true };
    });
    return content;
  }

  /** @param {string} id */
  stop(id) {
    this.#running.get(id)?.abort();
  }

  /** Forgets a file that is not in the chat any more. @param {string} id */
  forget(id) {
    this.stop(id);
    this.#fetched.delete(id);
    this.#downloads.delete(id);
  }

  /** @param {ChatFile} file @param {(options: { signal: AbortSignal, onPart: (part: number) => void, onState: (state: 'scanning' | 'downloading') => void }) => Promise<Download>} run */
  async #run(file, run) {
    if (this.#running.has(file.id)) return;
    const controller = new AbortController();
    const { signal } = controller;
    this.#running.set(file.id, controller);
    this.#set(file, { state: 'downloading' });
    try {
      this.#end(file, await run({
        signal,
        onPart: (part) => this.#set(file, { state: 'downloading', part }),
        onState: (state) => this.#set(file, { state: 'downloading', scanning: state === 'scanning' }),
      }));
    } catch (error) {
      // Closing the browser's save dialogue stops it as well.
      const stopped = signal.aborted || error instanceof DOMException && error.name === 'AbortError';
      this.#end(file, stopped ? { state: 'stopped' } : { state: 'stopped', error: asAttacheError(error) });
    }
  }

  /** Keeps the contents that were opened last, together as large as one can be. @param {string} id @param {Blob} blob */
  #keep(id, blob) {
    this.#fetched.delete(id);
    this.#fetched.set(id, blob);
    let size = [...this.#fetched.values()].reduce((sum, one) => sum + one.size, 0);
    for (const [oldest, one] of this.#fetched) {
      if (size <= maxBlobSize) return;
      size -= one.size;
      this.#fetched.delete(oldest);
    }
  }

  /** @param {ChatFile} file @param {Download} download */
  #end(file, download) {
    this.#running.delete(file.id);
    this.#set(file, download);
  }

  /** @param {ChatFile} file @param {Download} download */
  #set(file, download) {
    this.#downloads.set(file.id, download);
    this.#onChange(file, download);
  }
}
