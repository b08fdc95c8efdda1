import { codes } from '../codes.js';
import { inOneLine } from '../session/error.js';

/** @typedef {import('../session/error.js').AttacheError} AttacheError */

/**
 * Errors that only the page's developer or operator can fix. Their sentence is for
 * the console; the person who chats reads a neutral one from the dictionary.
 *
 * @type {Record<string, 'notSetUp' | 'notSignedIn' | 'notRegistered' | 'outdated'>}
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
  'party-logged-out': 'notSignedIn',
  // The element addresses no party, so it has this code only of a secure key's user.
  'party-unknown': 'notRegistered',
  'password-refused': 'notSignedIn',
  'version-unsupported': 'outdated',
  'frame-invalid': 'outdated',
};

/**
 * Returns the dictionary's word to show instead of an error's own sentence, or
 * undefined if that sentence is meant for the person who chats.
 *
 * @param {{ code?: string, message?: string }} error
 */
export function neutralWord({ code = '', message = '' }) {
  // A more exact sentence, such as "this chat is read-only", has nothing to do with the token.
  if (code === 'forbidden') return message === codes.forbidden.message ? 'notAllowed' : undefined;
  return Object.hasOwn(mistakes, code) ? mistakes[code] : undefined;
}

/**
 * Logs, for the page's developer, that an element was given values that cannot work.
 * The session logs all other failures.
 *
 * @param {AttacheError} error
 */
export function logMistake(error) {
  if (error.code === 'message-invalid') console.error(`attache: <attache-chat> cannot connect: ${inOneLine(error)}`);
}
