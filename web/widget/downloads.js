import { asAttacheError } from '../session/error.js';
import { save } from './saving.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').Session} Session */

/**
 * How far the download of one file is.
 *
 * @typedef {object} Fetched
 * @property {'downloading' | import('./saving.js').Saved | 'stopped'} state
 * @property {number} [part] of 1, when it is known
 * @property {import('../attache.js').AttacheError} [error] why it was stopped, where nobody stopped it
 */

/** The downloads that were begun in one conversation, by the files' ids. They outlive the tiles. */
export class Downloads {
  /** @type {Map<string, Fetched>} */
  #known = new Map();
  /** @type {Map<string, AbortController>} */
  #running = new Map();
  #changed;

  /** @param {(file: ChatFile, fetched: Fetched) => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** @param {string} id @returns {Fetched | undefined} */
  of(id) {
    return this.#known.get(id);
  }

  /** Fetches a file, once at a time. @param {Session} session @param {ChatFile} file */
  async start(session, file) {
    if (this.#running.has(file.id)) return;
    const controller = new AbortController();
    const { signal } = controller;
    this.#running.set(file.id, controller);
    this.#note(file, { state: 'downloading' });
    try {
      const state = await save(session, file, { signal, onPart: (part) => this.#note(file, { state: 'downloading', part }) });
      this.#end(file, { state });
    } catch (error) {
      // Who closes the browser's dialogue stops it as well.
      const stopped = signal.aborted || error instanceof DOMException && error.name === 'AbortError';
      this.#end(file, stopped ? { state: 'stopped' } : { state: 'stopped', error: asAttacheError(error) });
    }
  }

  /** @param {string} id */
  stop(id) {
    this.#running.get(id)?.abort();
  }

  /** @param {ChatFile} file @param {Fetched} fetched */
  #end(file, fetched) {
    this.#running.delete(file.id);
    this.#note(file, fetched);
  }

  /** @param {ChatFile} file @param {Fetched} fetched */
  #note(file, fetched) {
    this.#known.set(file.id, fetched);
    this.#changed(file, fetched);
  }
}
