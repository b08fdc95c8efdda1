import { departure } from './departure.js';
import { make } from './dom.js';
import { pushedURL } from './pushedurl.js';

/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('./locale.js').Locale} Locale */

/** The lines for events that are no party's text or file: joins, names, pushed addresses, idle alerts. */
export class News {
  #locale;
  /** The last nickname of each party, by user id. @type {Map<string, string>} */
  #names = new Map();

  /** @param {Locale} locale */
  constructor(locale) {
    this.#locale = locale;
  }

  /** Learns the nicknames in an event; a later one may refer to its party. @param {TranscriptEvent} event */
  note({ from }) {
    this.#names.set(from.userId, from.nickname);
  }

  /** Returns the last nickname of a party, or undefined. @param {string} userId */
  nameOf(userId) {
    return this.#names.get(userId);
  }

  /** @param {TranscriptEvent} event */
  line(event) {
    return make('span', { class: 'line', part: 'line', dir: this.#locale.direction }, ...this.#words(event));
  }

  /** @param {TranscriptEvent} event @returns {(Node | string)[]} */
  #words(event) {
    const name = event.from.nickname;
    switch (event.type) {
      case 'join':
        return [this.#locale.say('joined', { name })];
      case 'leave':
        return [departure(event, this.#locale, (userId) => this.#names.get(userId))];
      case 'nickname':
        return [this.#locale.say('renamed', { old: this.#names.get(event.from.userId) ?? '', name })];
      case 'url':
        return [this.#locale.say(event.own ? 'pushedOwn' : 'pushed', { name }), ' ', pushedURL(this.#locale, event.url)];
      case 'idle':
        return [event.text || this.#locale.say(event.closed ? 'idleClosed' : 'idleAlert')];
      default:
        return [];
    }
  }
}
