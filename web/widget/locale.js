import { neutralWord } from './faults.js';
import en from './locales/en.js';

/** @typedef {import('./locales/en.js').Word} Word */
/** @typedef {import('./locales/en.js').Dictionary} Dictionary */

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
const dayLength = 24 * 60 * 60_000;
// Values from outside, in any writing direction.
const foreign = new Set(['name', 'reason', 'party', 'old']);

const rightToLeft = new Set(['ar', 'arc', 'ckb', 'dv', 'fa', 'he', 'iw', 'ks', 'nqo', 'prs', 'ps', 'sd', 'syr', 'ug', 'ur', 'yi']);

/** @type {Map<string, Dictionary>} */
const dictionaries = new Map([['en', en]]);

/**
 * Adds or replaces the words of a language.
 *
 * @param {string} tag a BCP 47 tag: `de`, `pt-BR`
 * @param {Dictionary} words entries as in `locales/en.js`; missing ones stay English
 */
export function addLocale(tag, words) {
  dictionaries.set(tag.toLowerCase(), words);
}

/** The words of one language, and its formats of numbers, sizes and times. */
export class Locale {
  /** The tag for numbers and times. */
  tag;
  /** @type {Dictionary} */
  #words;
  /** @type {Map<string, any>} */
  #formatters = new Map();
  #plural;
  #number;
  #percent;

  /** @param {string} [wanted] a BCP 47 tag; without a translation everything is English */
  constructor(wanted = 'en') {
    const tag = supported(wanted) ? wanted : 'en';
    this.tag = tag;
    this.#words = dictionaries.get(tag.toLowerCase()) ?? dictionaries.get(base(tag)) ?? en;
    this.#plural = new Intl.PluralRules(tag);
    this.#number = new Intl.NumberFormat(tag);
    this.#percent = new Intl.NumberFormat(tag, { style: 'percent' });
  }

  /** Returns the locale of an element: of its own `lang`, an ancestor's, or the browser's language. @param {Element} element */
  static of(element) {
    return new Locale(declared(element) || globalThis.navigator?.language);
  }

  /**
   * @param {Word} word
   * @param {Record<string, string | number>} [values]
   */
  say(word, values = {}) {
    const phrase = this.#words[word] ?? en[word];
    const text = typeof phrase === 'string' ? phrase : this.#choose(phrase, Number(values.count));
    return text.replace(/\{(\w+)\}/g, (hole, key) => this.#fill(key, values[key] ?? hole));
  }

  /** @param {Partial<Record<Intl.LDMLPluralRule, string>>} forms @param {number} count */
  #choose(forms, count) {
    return forms[this.#plural.select(count)] ?? forms.other ?? '';
  }

  /** @param {string} key @param {string | number} value */
  #fill(key, value) {
    if (typeof value === 'number') return this.#number.format(value);
    // Isolated, so that its direction does not reorder the sentence around it, nor the
    // Latin units of a size a right-to-left one.
    return foreign.has(key) || this.direction === 'rtl' ? `\u2068${value}\u2069` : value;
  }

  /** The writing direction of the words, whatever the page's is. @returns {'ltr' | 'rtl'} */
  get direction() {
    return rightToLeft.has(base(this.tag)) ? 'rtl' : 'ltr';
  }

  /**
   * Returns a size in units of 1024, as limits are set: a file of exactly the limit must not
   * look larger.
   *
   * @param {number} bytes
   */
  size(bytes) {
    let value = bytes;
    let step = 0;
    while (Math.round(value) >= 1024 && step < units.length - 1) {
      value /= 1024;
      step += 1;
    }
    const digits = value < 10 ? 1 : 0;
    return this.#kept(`${units[step]} ${digits}`, () => new Intl.NumberFormat(this.tag, {
      style: 'unit',
      unit: units[step],
      unitDisplay: step === 0 ? 'long' : 'short',
      maximumFractionDigits: digits,
    })).format(value);
  }

  /** @param {number} part 0 to 1; rounded down, so that 100 % means all of it */
  percent(part) {
    return this.#percent.format(Math.floor(part * 100) / 100);
  }

  /** @param {number} at milliseconds since 1970 */
  time(at) {
    return this.#kept('time', () => new Intl.DateTimeFormat(this.tag, { timeStyle: 'short' })).format(at);
  }

  /** @param {number} at milliseconds since 1970 */
  moment(at) {
    return this.#kept('moment', () => new Intl.DateTimeFormat(this.tag, { dateStyle: 'medium', timeStyle: 'medium' })).format(at);
  }

  /** @param {number} at milliseconds since 1970 @param {number} [now] */
  day(at, now = Date.now()) {
    const days = Math.round((midnight(now) - midnight(at)) / dayLength);
    if (days === 0) return this.say('today');
    if (days === 1) return this.say('yesterday');
    return new Intl.DateTimeFormat(this.tag, { dateStyle: 'full' }).format(at);
  }

  /**
   * Caches a formatter: making one costs more than a hundred uses.
   *
   * @template T
   * @param {string} name
   * @param {() => T} make
   * @returns {T}
   */
  #kept(name, make) {
    const kept = this.#formatters.get(name) ?? make();
    this.#formatters.set(name, kept);
    return kept;
  }

  /** @param {string[]} items @param {'conjunction' | 'unit'} [type] */
  list(items, type = 'conjunction') {
    return new Intl.ListFormat(this.tag, { type, style: type === 'unit' ? 'short' : 'long' }).format(items);
  }

  /** Returns a message as a sentence, with a capital letter and a full stop. @param {string} text */
  sentence(text) {
    const words = text.trim();
    if (words === '') return '';
    const [first] = words;
    const capital = first.toLocaleUpperCase(this.tag) + words.slice(first.length);
    return /[.!?…。؟]$/u.test(words) ? capital : `${capital}.`;
  }

  /** Returns why something was refused, what to do, and the id if it is to be reported; a neutral sentence if only the page's developer or operator can fix it. @param {{ message?: string, hint?: string, code?: string, id?: string }} error */
  reason({ message = '', hint = '', code = '', id = '' }) {
    const word = /** @type {Word} */ (`error-${code}`);
    const instead = neutralWord({ code, message });
    const named = (code === 'internal' || instead) && id !== '' ? this.say('errorId', { id }) : '';
    if (instead) return this.text(this.say(instead), named);
    if (Object.hasOwn(en, word)) return this.say(word);
    return this.text(this.sentence(message), this.sentence(hint), named);
  }

  /** Joins sentences; empty ones are left out. @param {...string} sentences */
  text(...sentences) {
    return sentences.filter((sentence) => sentence !== '').join(' ');
  }
}

/** @param {string} tag */
function base(tag) {
  return tag.toLowerCase().split('-')[0];
}

/** @param {string} tag */
function supported(tag) {
  try {
    Intl.getCanonicalLocales(tag);
  } catch {
    return false; // an attribute may hold anything
  }
  return dictionaries.has(tag.toLowerCase()) || dictionaries.has(base(tag));
}

/** @param {Element} element @returns {string} */
function declared(element) {
  const holder = element.closest('[lang]');
  if (holder) return holder.getAttribute('lang') ?? '';
  const root = element.getRootNode();
  return 'host' in root ? declared(/** @type {ShadowRoot} */ (root).host) : '';
}

/** @param {number} at */
function midnight(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}
