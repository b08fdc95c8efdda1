import { codes } from './codes.js';

/** @typedef {import('./error.js').AttacheError} AttacheError */

/**
 * What only who made or runs the page can mend. The sentence of such an error is
 * for him, in the console; whoever chats is told in words of the dictionary that
 * it is not their doing.
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
  return mistakes[code];
}

/**
 * Tells who made the page what an element was given that cannot work. Of all
 * else that fails the session has told.
 *
 * @param {AttacheError} error
 */
export function complain({ code, message, hint }) {
  if (code === 'message-invalid') console.error(`attache: <attache-chat> cannot connect: ${message}; ${hint}`);
}

/** Milliseconds that a page has to say what an element is to show. */
const soon = 2000;

/**
 * Tells, once, of an element that was given nothing to connect with. Frameworks
 * set properties some time after they have put it in place.
 */
export class Lack {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #told = false;

  /** It had all once: that something was taken away is the page's will. */
  done() {
    clearTimeout(this.#timer);
    this.#told = true;
  }

  /** @param {() => string[]} lacks what it lacks by then; nothing where it is well, or nowhere */
  look(lacks) {
    clearTimeout(this.#timer);
    if (this.#told) return;
    this.#timer = setTimeout(() => {
      const names = lacks();
      if (names.length === 0) return;
      this.#told = true;
      console.warn(`attache: <attache-chat> is not connected, because it has no ${names.join(' and no ')}: set them (the attribute url="" is the server that element.js comes from), or its property session.`);
    }, soon);
  }
}
