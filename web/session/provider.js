import { AttacheError, invalidCall } from './error.js';
import { stringify } from './json.js';
import { within } from './timelimit.js';

/** @typedef {string | (() => string | Promise<string>)} Token */

/**
 * The application's answer: a token, or the reason why there is none. `fixed` is
 * set if the application will never have another one.
 *
 * @typedef {{ token: string, fixed: boolean, problem: string, cause?: unknown }} Answer
 */

/** Milliseconds that the application has to return a token. A fetch over a connection that died during sleep never ends. */
const answerTimeout = 10_000;
/** Bytes. The proxy accepts 4 KiB for the token, the secure key and the rest of a hello. */
const maxLength = 3800;

/**
 * Gets a session's tokens from the application, whose server may be down for a
 * moment, as the proxy may. A failure is logged to the console, once for each kind
 * until a token arrives, and never ends a chat.
 */
export class TokenProvider {
  #source;
  #timeout;
  #maxLength;
  /** The earlier call that has not answered yet; its answer still counts. @type {Promise<unknown> | undefined} */
  #pending;
  /** Kinds of problems that were logged. @type {Set<string>} */
  #logged = new Set();

  /** @param {Token} source @param {{ timeout?: number, secureKey?: string }} [options] milliseconds; the key in the same hello */
  constructor(source, { timeout = answerTimeout, secureKey = '' } = {}) {
    this.#source = source;
    this.#timeout = timeout;
    this.#maxLength = maxLength - new TextEncoder().encode(stringify(secureKey)).length + 2;
  }

  /** @param {Token} source */
  set source(source) {
    this.#source = source;
    this.#pending = undefined;
    this.#logged.clear();
  }

  /** @returns {Promise<Answer>} */
  async ask() {
    const source = this.#source;
    const fixed = typeof source !== 'function';
    try {
      const token = readToken(fixed ? source : await this.#call(source), this.#maxLength);
      this.#logged.clear();
      return { token, fixed, problem: '' };
    } catch (cause) {
      const problem = cause instanceof TokenProblem ? cause : new TokenProblem('failed', 'the token function failed',
        'catch its exceptions, or ignore this: the function is called again', cause);
      if (!isSessionInvalid(cause) && !this.#logged.has(problem.kind)) this.#log(problem);
      return { token: '', fixed, problem: problem.message, cause: problem.cause ?? invalidCall(problem.message) };
    }
  }

  /** @param {() => string | Promise<string>} source */
  async #call(source) {
    const earlier = this.#pending;
    // The module is in the middle of a call: the application's code runs later.
    const asked = Promise.resolve().then(source);
    this.#pending = asked;
    const settled = () => {
      if (this.#pending === asked) this.#pending = undefined;
    };
    asked.then(settled, settled);
    const first = earlier ? Promise.race([asked, earlier.catch(() => asked)]) : asked;
    return within(this.#timeout, first, () => {
      throw new TokenProblem('late', `the token function has not answered for ${this.#timeout / 1000} s`,
        'give its request a time limit (AbortSignal.timeout)');
    });
  }

  /** @param {TokenProblem} problem */
  #log({ kind, message, hint, cause }) {
    this.#logged.add(kind);
    console.warn(`attache: ${message}. It is called again; to fix this, ${hint}.`, ...(cause === undefined ? [] : [cause]));
  }
}

/**
 * Reports whether a token function has thrown `session-invalid`: its token is not
 * for this session, so the session ends.
 *
 * @param {unknown} cause
 * @returns {cause is AttacheError}
 */
export function isSessionInvalid(cause) {
  return cause instanceof AttacheError && cause.code === 'session-invalid';
}

class TokenProblem extends Error {
  /** @param {string} kind @param {string} message @param {string} hint @param {unknown} [cause] */
  constructor(kind, message, hint, cause) {
    super(message, { cause });
    this.kind = kind;
    this.hint = hint;
  }
}

/**
 * Returns the answer if it can be a token. No problem quotes it: it may be a secret.
 *
 * @param {unknown} given
 * @param {number} most bytes
 */
function readToken(given, most) {
  if (typeof given !== 'string') {
    const what = given === null ? 'null' : Array.isArray(given) ? 'an array' : `a value of type ${typeof given}`;
    throw new TokenProblem(`type ${what}`, `the token function returned ${what}, not a string`,
      'return the token itself, for instance (await response.json()).token');
  }
  const token = given.trim().replace(/^bearer\s+/i, '');
  if (token === '') throw new TokenProblem('empty', 'the token is an empty string', 'check response.ok, and that the user is signed in');
  if (token.startsWith('<')) throw new TokenProblem('markup', 'the token function returned an HTML page', 'check response.ok before reading the answer');
  if (/^["{[]/.test(token)) throw new TokenProblem('json', 'the token function returned JSON', 'parse the answer with response.json(), and return the token in it');
  if (/^(async\b|function\b|\()|=>/.test(token)) {
    throw new TokenProblem('source', 'the token is the source text of a function',
      'load element.js before the page is rendered: a framework that does not know the property yet writes an attribute');
  }
  if (!/^[\w.~+/=-]+$/.test(token) || isWord(token)) throw new TokenProblem('words', 'the token function returned text that is not a token', 'check response.ok before reading the answer');
  if (token.length > most) throw new TokenProblem('long', `the token has ${token.length} bytes; the limit is ${most}`, 'leave out claims that the proxy does not read');
  return token;
}

/**
 * Reports whether a text is more likely a word than a token. A server or reverse proxy in trouble answers
 * with plain text as often as with a page ("Bad Gateway", "Unauthorized", "undefined"), and a proxy that
 * receives two of these takes the second for a new token that is wrong: it would close the chat for good.
 * A token is a JWT, which has dots, or of another kind, which is longer than a word.
 *
 * @param {string} token
 */
function isWord(token) {
  return token.length < 20 && !token.includes('.');
}
