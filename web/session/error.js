import { codes } from '../codes.js';

/** @typedef {import('../codes.js').Code} Code */

/** Every rejection except an abort. */
export class AttacheError extends Error {
  /** @type {'AttacheError'} */
  name = 'AttacheError';

  /** @param {{ code: Code, message: string, hint?: string, retryable?: boolean, id?: string, cause?: unknown }} init */
  constructor({ code, message, hint, retryable, id = '', cause }) {
    const rule = isCode(code) ? codes[code] : codes.internal;
    super(message || rule.message, cause === undefined ? undefined : { cause });
    this.code = code;
    const advice = hint ?? rule.hint;
    // An error that never reached the proxy has no id to report.
    this.hint = id === '' && advice === codes.internal.hint ? 'try again' : advice;
    this.retryable = retryable ?? rule.retry;
    this.id = id;
  }
}

/** The caller's mistake. @param {string} message @param {unknown} [cause] */
export function invalidCall(message, cause) {
  const hint = 'compare the call with attache.d.ts';
  return new AttacheError({ code: 'message-invalid', message, hint, cause });
}

/** A token was given that is not for the session that asked for it. */
export function otherPartyError() {
  return new AttacheError({ code: 'session-invalid', message: 'the new token names another chat session or user', hint: 'open a separate session for it' });
}

/** A file was chosen for a chat that is not shown any more. */
export function otherChatError() {
  return new AttacheError({ code: 'cancelled', message: 'this file was chosen for another chat than the one shown now', hint: 'choose it again if it is meant for this one' });
}

/** Files were given to a chat that has no composer. */
export function readOnlyError() {
  return new AttacheError({ code: 'forbidden', message: 'this chat is read-only', hint: '' });
}

/** A drop or a paste on an element that offers no uploads. */
export function uploadsHiddenError() {
  return new AttacheError({ code: 'forbidden', message: 'files cannot be sent here', hint: '' });
}

/**
 * Returns the error in a JSON text: one from the module, or the body of an HTTP refusal.
 * @param {string} text
 * @param {unknown} [cause]
 */
export function parseError(text, cause) {
  return errorFromWire(JSON.parse(text).error, cause);
}

/** @param {{ code: Code, message: string, hint?: string, retry?: boolean, id?: string }} wire @param {unknown} [cause] */
export function errorFromWire({ code, message, hint = '', retry = false, id }, cause) {
  return new AttacheError({ code, message, hint, retryable: retry, id, cause });
}

/**
 * Returns any thrown value as an error with a code. An error that this module did
 * not create is an accident, so a retry may succeed.
 *
 * @param {unknown} cause
 * @returns {AttacheError}
 */
export function asAttacheError(cause) {
  if (cause instanceof AttacheError) return cause;
  const { name = '', message = '', hint, retryable = true, code, id } = /** @type {Partial<AttacheError>} */ (cause ?? {});
  if (name === /** @type {string} */ ('AbortError')) return new AttacheError({ code: 'cancelled', message: '', cause });
  if (!isCode(code)) return new AttacheError({ code: 'internal', message, hint: hint ?? '', retryable, id, cause });
  return new AttacheError({ code, message, hint, retryable, id, cause });
}

/** Returns an error in one line, for the console. @param {{ message: string, hint: string }} error */
export function inOneLine({ message, hint }) {
  return [message, hint].filter((part) => part !== '').join('; ');
}

/** Reports whether a value is a code of the closed list, and not a member that every object inherits. @param {unknown} code @returns {code is Code} */
function isCode(code) {
  return typeof code === 'string' && Object.hasOwn(codes, code);
}
