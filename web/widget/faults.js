import { codes } from '../codes.js';
import { inOneLine } from '../session/error.js';

/** @typedef {import('../session/error.js').AttacheError} AttacheError */

/**
 * Errors that only the page's developer or operator can fix. The sentence of such
 * an error is for them, in the console; whoever chats reads a neutral one from the
 * dictionary.
 *
 * @type {Record<string, 'notSetUp' | 'notSignedIn' | 'outdated'>}
 */
const mistakes = {
  'origin-refused': 'notSetUp',
  'upgrade-missing': 'notSetUp',
  'connection-blocked': 'notSetUp',
  'message-invalid': 'notSetUp',
  'session-invalid': 'notSetUp',
  'custom-key-refused': 'notSetUp',
  'notice-incomplete': 'notSetUp',
  'token-invalid': 'notSignedIn',
  'token-expired': 'notSignedIn',
  'token-early': 'notSignedIn',
  'version-unsupported': 'outdated',
  'frame-invalid': 'outdated',
};

/**
 * The words for whoever chats instead of an error's own; none where that is for them.
 *
 * @param {{ code?: string, message?: string }} error
 */
export function neutral({ code = '', message = '' }) {
  // A refusal that says what may not be done here has nothing to do with the token.
  if (code === 'forbidden') return message === codes.forbidden.message ? 'notAllowed' : undefined;
  return Object.hasOwn(mistakes, code) ? mistakes[code] : undefined;
}

/**
 * Reports to the page's developer what an element was given that cannot work. The
 * session reports everything else that fails.
 *
 * @param {AttacheError} error
 */
export function complain(error) {
  if (error.code === 'message-invalid') console.error(`attache: <attache-chat> cannot connect: ${inOneLine(error)}`);
}

/** Milliseconds that a page has to give an element its url and token. */
const soon = 2000;

/**
 * Reports, once, an element that was given nothing to connect with. Frameworks
 * set properties some time after they have inserted it.
 */
export class SetupCheck {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #told = false;

  /** It had all once: that something was taken away is the page's will. */
  done() {
    clearTimeout(this.#timer);
    this.#told = true;
  }

  /** @param {() => string[]} missing what is missing by then; nothing where all is well, or the element is nowhere */
  look(missing) {
    clearTimeout(this.#timer);
    if (this.#told) return;
    this.#timer = setTimeout(() => {
      const names = missing();
      if (names.length === 0) return;
      this.#told = true;
      console.warn(`attache: <attache-chat> is not connected, because it has no ${names.join(' and no ')}: set them (the attribute url="" is the server that element.js comes from), or its property session. If a framework sets them, load element.js before it renders: it sets no properties that are not there yet.`);
    }, soon);
  }
}
