import { codes } from '../codes.js';

/** @typedef {import('../codes.js').Code} Code */

/** Every rejection except an abort. */
export class AttacheError extends Error {
  /** @type {'AttacheError'} */
  name = 'AttacheError';

  /** @param {{ code: Code, message: string, hint?: string, retryable?: boolean, id?: string, cause?: unknown }} init */
  constructor({ code, message, hint, retryable, id = '', cause }) {
    const rule = known(code) ? codes[code] : codes.internal;
    super(message || rule.message, cause === undefined ? undefined : { cause });
    this.code = code;
    const advice = hint ?? rule.hint;
    // What never reached the proxy has no id that could be reported.
    this.hint = id === '' && advice === codes.internal.hint ? 'try again' : advice;
    this.retryable = retryable ?? rule.retry;
    this.id = id;
  }
}

/** What a caller did wrong. @param {string} message @param {unknown} [cause] */
export function misuse(message, cause) {
  const hint = 'compare the call with attache.d.ts';
  return new AttacheError({ code: 'message-invalid', message, hint, cause });
}

/** A token was given that is not for the session it was asked for. */
export function otherParty() {
  return new AttacheError({ code: 'session-invalid', message: 'the new token names another chat session or user', hint: 'open a separate session for it' });
}

/** What is handed to a chat that is only shown. */
export function forReading() {
  return new AttacheError({ code: 'forbidden', message: 'this chat is shown for reading only', hint: '' });
}

/**
 * The error in a JSON text: what the module hands over, and the body of an HTTP refusal.
 * @param {string} text
 * @param {unknown} [cause]
 */
export function readError(text, cause) {
  return makeError(JSON.parse(text).error, cause);
}

/** @param {{ code: Code, message: string, hint?: string, retry?: boolean, id?: string }} wire @param {unknown} [cause] */
export function makeError({ code, message, hint = '', retry = false, id }, cause) {
  return new AttacheError({ code, message, hint, retryable: retry, id, cause });
}

/**
 * Whatever was thrown, as an error with a code. What this module did not throw
 * itself went wrong by accident, and another try may do.
 *
 * @param {unknown} cause
 * @returns {AttacheError}
 */
export function asAttacheError(cause) {
  if (cause instanceof AttacheError) return cause;
  const { name = '', message = '', hint, retryable = true, code, id } = /** @type {Partial<AttacheError>} */ (cause ?? {});
  if (name === /** @type {string} */ ('AbortError')) return new AttacheError({ code: 'cancelled', message: '', cause });
  if (!known(code)) return new AttacheError({ code: 'internal', message, hint: hint ?? '', retryable, id, cause });
  return new AttacheError({ code, message, hint, retryable, id, cause });
}

/** An error in one line, for the console. @param {{ message: string, hint: string }} error */
export function inOneLine({ message, hint }) {
  return [message, hint].filter((part) => part !== '').join('; ');
}

/** Whether a code is one of the closed list: not any name that every object has. @param {unknown} code @returns {code is Code} */
function known(code) {
  return typeof code === 'string' && Object.hasOwn(codes, code);
}
