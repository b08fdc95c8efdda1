import { make } from './dom.js';

const pause = 750;

/**
 * Tells screen readers what happened, in two voices: news waits its turn, a
 * refusal does not. What comes within a short time is said together, so ten
 * files dropped at once are one announcement.
 */
export class Announcer {
  #news = make('div', { class: 'heard', role: 'status' });
  #alerts = make('div', { class: 'heard', role: 'alert' });
  /** @type {Map<HTMLElement, string[]>} */
  #waiting = new Map();
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  #timers = new Set();

  get nodes() {
    return [this.#news, this.#alerts];
  }

  /** @param {string} text */
  tell(text) {
    this.#say(this.#news, text);
  }

  /** @param {string} text */
  alert(text) {
    this.#say(this.#alerts, text);
  }

  /** Says nothing more. */
  detach() {
    this.#timers.forEach(clearTimeout);
    this.#timers.clear();
  }

  /** @param {HTMLElement} voice @param {string} text */
  #say(voice, text) {
    const waiting = this.#waiting.get(voice);
    if (waiting) {
      waiting.push(text);
      return;
    }
    this.#waiting.set(voice, [text]);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      voice.replaceChildren(...(this.#waiting.get(voice) ?? []).map((words) => make('p', {}, words)));
      this.#waiting.delete(voice);
    }, pause);
    this.#timers.add(timer);
  }
}
