import { within } from './timelimit.js';

/** Milliseconds that one file may keep those after it from beginning, all before it together. */
const longest = 5000;

/**
 * Files that are given in one turn of the event loop were chosen together, and
 * are begun in the order in which they were given: finding out what may be sent
 * takes longer for one than for another.
 */
export class Line {
  #group = 0;
  #open = false;
  /** Ended once all before have begun. @type {Promise<unknown>} */
  #last = Promise.resolve();

  /**
   * Takes the next place.
   *
   * @returns {{ group: number, turn: Promise<unknown>, begun: () => void }} to begin once
   *   `turn` resolves; `begun` must be called then, or when it comes to nothing
   */
  join() {
    if (!this.#open) {
      this.#group += 1;
      this.#open = true;
      this.#last = Promise.resolve();
      setTimeout(() => { this.#open = false; });
    }
    const before = this.#last;
    let begun = () => {};
    this.#last = new Promise((resolve) => { begun = () => resolve(before); });
    return { group: this.#group, turn: within(longest, before, () => undefined), begun };
  }
}
