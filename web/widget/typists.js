import { make, write } from './dom.js';

/** @typedef {import('./locale.js').Locale} Locale */
/** @typedef {import('../attache.js').TypingEvent} TypingEvent */

/** Says which other parties type. The session reports the end of it, too. */
export class Typists {
  node = make('p', { class: 'typing', part: 'typing', role: 'status' });
  #words = make('bdi');
  #locale;
  /** The nicknames, by user id. @type {Map<string, string>} */
  #names = new Map();

  /** @param {Locale} locale */
  constructor(locale) {
    this.#locale = locale;
    this.#words.dir = locale.direction;
    this.node.append(this.#words);
  }

  /** @param {TypingEvent} event */
  show({ from, own, on }) {
    if (own) return;
    if (on) this.#names.set(from.userId, from.nickname);
    else this.#names.delete(from.userId);
    this.#write();
  }

  /** Nobody is known to type any more. */
  clear() {
    this.#names.clear();
    this.#write();
  }

  #write() {
    const names = [...this.#names.values()];
    this.node.classList.toggle('on', names.length > 0);
    write(this.#words, names.length === 0 ? '' : this.#locale.say('typing', { count: names.length, name: this.#locale.list(names) }));
  }
}
