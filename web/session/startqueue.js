import { within } from './timelimit.js';

/** Milliseconds that one file may delay the start of those after it, all before it together. */
const maxDelay = 5000;

/**
 * Starts files in the order in which they were given. Files given in one task of
 * the event loop were chosen together, and the checks before an upload take longer
 * for one than for another.
 */
export class StartQueue {
  #group = 0;
  #open = false;
  /** Settles once all files before have started. @type {Promise<unknown>} */
  #last = Promise.resolve();

  /**
   * Adds a file at the end.
   *
   * @returns {{ group: number, ready: Promise<unknown>, started: () => void }} the file may start once `ready` resolves;
   *   call `started` then, or when it will not start at all
   */
  join() {
    if (!this.#open) {
      this.#group += 1;
      this.#open = true;
      this.#last = Promise.resolve();
      setTimeout(() => { this.#open = false; });
    }
    const before = this.#last;
    let started = () => {};
    this.#last = new Promise((resolve) => { started = () => resolve(before); });
    return { group: this.#group, ready: within(maxDelay, before, () => undefined), started };
  }
}
