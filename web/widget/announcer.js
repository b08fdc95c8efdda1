import { make } from './dom.js';

const pause = 750;

/**
 * Announces events to screen readers in two live regions: news is polite, a refusal
 * interrupts. Texts that come within a short time are announced together, so ten files
 * dropped at once are one announcement.
 */
export class Announcer {
  #news = make('div', { class: 'visually-hidden', role: 'status' });
  #alerts = make('div', { class: 'visually-hidden', role: 'alert' });
  /** @type {Map<HTMLElement, string[]>} */
  #waiting = new Map();
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  #timers = new Set();

  get nodes() {
    return [this.#news, this.#alerts];
  }

  /** @param {string} text */
  announce(text) {
    this.#add(this.#news, text);
  }

  /** @param {string} text */
  alert(text) {
    this.#add(this.#alerts, text);
  }

  /** Announces nothing more. */
  detach() {
    this.#timers.forEach(clearTimeout);
    this.#timers.clear();
  }

  /** @param {HTMLElement} region @param {string} text */
  #add(region, text) {
    const waiting = this.#waiting.get(region);
    if (waiting) {
      waiting.push(text);
      return;
    }
    this.#waiting.set(region, [text]);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      region.replaceChildren(...(this.#waiting.get(region) ?? []).map((words) => make('p', {}, words)));
      this.#waiting.delete(region);
    }, pause);
    this.#timers.add(timer);
  }
}
