import { asAttacheError } from '../session/error.js';
import { save } from './saving.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').Session} Session */

/**
 * The state of one file's download.
 *
 * @typedef {object} Download
 * @property {'downloading' | import('./saving.js').Saved | 'stopped'} state
 * @property {number} [part] 0 to 1, if it is known
 * @property {import('../attache.js').AttacheError} [error] why it stopped, unless the person stopped it
 */

/** The downloads of one conversation, by file id. They outlive the tiles. */
export class Downloads {
  /** @type {Map<string, Download>} */
  #downloads = new Map();
  /** @type {Map<string, AbortController>} */
  #running = new Map();
  #onChange;

  /** @param {(file: ChatFile, download: Download) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** @param {string} id @returns {Download | undefined} */
  of(id) {
    return this.#downloads.get(id);
  }

  /** Downloads a file, unless that is under way. @param {Session} session @param {ChatFile} file */
  async start(session, file) {
    if (this.#running.has(file.id)) return;
    const controller = new AbortController();
    const { signal } = controller;
    this.#running.set(file.id, controller);
    this.#set(file, { state: 'downloading' });
    try {
      const state = await save(session, file, { signal, onPart: (part) => this.#set(file, { state: 'downloading', part }) });
      this.#end(file, { state });
    } catch (error) {
      // Closing the browser's save dialogue stops it as well.
      const stopped = signal.aborted || error instanceof DOMException && error.name === 'AbortError';
      this.#end(file, stopped ? { state: 'stopped' } : { state: 'stopped', error: asAttacheError(error) });
    }
  }

  /** @param {string} id */
  stop(id) {
    this.#running.get(id)?.abort();
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
