import { neutral } from './faults.js';
import en from './locales/en.js';

/** @typedef {keyof typeof en} Word */
/** @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Phrase */
/** @typedef {Partial<Record<Word, Phrase>>} Dictionary */

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
const dayLength = 24 * 60 * 60_000;
// What comes from outside and may be written in any direction.
const foreign = new Set(['name', 'reason']);

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

/** One language's words, numbers, sizes and times. */
export class Locale {
  /** The tag that numbers and times are written for. */
  tag;
  /** @type {Dictionary} */
  #words;
  /** @type {Map<string, any>} */
  #formatters = new Map();
  #plural;
  #number;
  #percent;

  /** @param {string} [wanted] a BCP 47 tag; one that nobody translated gives English throughout */
  constructor(wanted = 'en') {
    const tag = supported(wanted) ? wanted : 'en';
    this.tag = tag;
    this.#words = dictionaries.get(tag.toLowerCase()) ?? dictionaries.get(base(tag)) ?? en;
    this.#plural = new Intl.PluralRules(tag);
    this.#number = new Intl.NumberFormat(tag);
    this.#percent = new Intl.NumberFormat(tag, { style: 'percent' });
  }

  /** The language of an element: its own `lang`, an ancestor's, the browser's. @param {Element} element */
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
    // Isolated, so that its direction never reorders the sentence around it; nor
    // do the Latin units of a size one that is written from the right.
    return foreign.has(key) || this.direction === 'rtl' ? `\u2068${value}\u2069` : value;
  }

  /** Which way the words are written, whatever the page around them. @returns {'ltr' | 'rtl'} */
  get direction() {
    return rightToLeft.has(base(this.tag)) ? 'rtl' : 'ltr';
  }

  /**
   * A size in units of 1024, which is how limits are set: a file of exactly
   * the limit must not look larger than it.
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

  /** @param {number} part of 1; rounded down, so that 100 % means all of it */
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
   * A formatter costs more to make than a hundred uses of it.
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

  /** A refusal's words as a sentence: with a capital and a full stop. @param {string} text */
  sentence(text) {
    const words = text.trim();
    if (words === '') return '';
    const [first] = words;
    const capital = first.toLocaleUpperCase(this.tag) + words.slice(first.length);
    return /[.!?…。؟]$/u.test(words) ? capital : `${capital}.`;
  }

  /** Why something was refused, what to do, and the id where that is asked for; of what only others can mend, no more than that. @param {{ message?: string, hint?: string, code?: string, id?: string }} error */
  reason({ message = '', hint = '', code = '', id = '' }) {
    const word = /** @type {Word} */ (`error-${code}`);
    const instead = neutral({ code, message });
    const named = (code === 'internal' || instead) && id !== '' ? this.say('errorId', { id }) : '';
    if (instead) return this.text(this.say(instead), named);
    if (Object.hasOwn(en, word)) return this.say(word);
    return this.text(this.sentence(message), this.sentence(hint), named);
  }

  /** Sentences one after the other; empty ones are left out. @param {...string} sentences */
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
