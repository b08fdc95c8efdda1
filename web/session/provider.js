import { AttacheError, misuse } from './error.js';
import { within } from './timelimit.js';

/** @typedef {string | (() => string | Promise<string>)} Token */

/**
 * What the application answered: a token, or why there is none. `fixed` is set
 * where it will never have another one.
 *
 * @typedef {{ token: string, fixed: boolean, problem: string, cause?: unknown }} Answer
 */

/** Milliseconds that the application has for a token. A fetch over a connection that died during sleep never ends. */
const answerTime = 10_000;
/** Bytes: with the rest of a hello the proxy takes 4 KiB. */
const longest = 3800;

/**
 * Where a session gets its tokens. The application's server may be away for a
 * moment, as the proxy may: whatever it does is reported in the console, once for
 * each kind until a token arrives, and never ends a chat.
 */
export class Provider {
  #source;
  #patience;
  /** What has not been answered yet: it may still be, while it is asked again. @type {Promise<unknown> | undefined} */
  #open;
  /** Kinds of trouble that were told. @type {Set<string>} */
  #told = new Set();

  /** @param {Token} source @param {number} [patience] milliseconds */
  constructor(source, patience = answerTime) {
    this.#source = source;
    this.#patience = patience;
  }

  /** @param {Token} source */
  set source(source) {
    this.#source = source;
    this.#open = undefined;
    this.#told.clear();
  }

  /** @returns {Promise<Answer>} */
  async ask() {
    const source = this.#source;
    const fixed = typeof source !== 'function';
    try {
      const token = readToken(fixed ? source : await this.#call(source));
      this.#told.clear();
      return { token, fixed, problem: '' };
    } catch (cause) {
      const trouble = cause instanceof Trouble ? cause : new Trouble('failed', 'the token function failed',
        'catch what it throws, or leave it: the function is called again', cause);
      if (!astray(cause) && !this.#told.has(trouble.kind)) this.#tell(trouble);
      return { token: '', fixed, problem: trouble.message, cause: trouble.cause ?? misuse(trouble.message) };
    }
  }

  /** @param {() => string | Promise<string>} source */
  async #call(source) {
    const earlier = this.#open;
    // What the module says it is in the middle of: the application's own code runs later.
    const asked = Promise.resolve().then(source);
    this.#open = asked;
    const settled = () => {
      if (this.#open === asked) this.#open = undefined;
    };
    asked.then(settled, settled);
    const first = earlier ? Promise.race([asked, earlier.catch(() => asked)]) : asked;
    return within(this.#patience, first, () => {
      throw new Trouble('late', `the token function has not answered for ${this.#patience / 1000} s`,
        'give the request that it makes a time limit (AbortSignal.timeout)');
    });
  }

  /** @param {Trouble} trouble */
  #tell({ kind, message, hint, cause }) {
    this.#told.add(kind);
    console.warn(`attache: ${message}. It is called again; to fix this, ${hint}.`, ...(cause === undefined ? [] : [cause]));
  }
}

/**
 * Whether a token function says that its token is not for this session: that is
 * no trouble, but the session's end.
 *
 * @param {unknown} cause
 * @returns {cause is AttacheError}
 */
export function astray(cause) {
  return cause instanceof AttacheError && cause.code === 'session-invalid';
}

class Trouble extends Error {
  /** @param {string} kind @param {string} message @param {string} hint @param {unknown} [cause] */
  constructor(kind, message, hint, cause) {
    super(message, { cause });
    this.kind = kind;
    this.hint = hint;
  }
}

/**
 * What was answered, if it can be a token. What it holds is not told: it may be
 * a secret.
 *
 * @param {unknown} given
 */
function readToken(given) {
  if (typeof given !== 'string') {
    const what = given === null ? 'null' : Array.isArray(given) ? 'an array' : `a value of type ${typeof given}`;
    throw new Trouble(`type ${what}`, `the token function returned ${what}, not a string`,
      'return the token itself, for instance (await response.json()).token');
  }
  const token = given.trim().replace(/^bearer\s+/i, '');
  if (token === '') throw new Trouble('empty', 'the token is an empty string', 'check response.ok, and that the user is signed in');
  if (token.startsWith('<')) throw new Trouble('markup', 'the token function returned a page of HTML', 'check response.ok before reading the answer');
  if (/^["{[]/.test(token)) throw new Trouble('json', 'the token function returned JSON', 'read the answer with response.json(), and return the token in it');
  if (/^(async\b|function\b|\()|=>/.test(token)) {
    throw new Trouble('source', 'the token is the source text of a function',
      'load element.js before the page is rendered: a framework that does not know the property yet writes an attribute');
  }
  if (!/^[\w.~+/=-]+$/.test(token) || wordlike(token)) throw new Trouble('words', 'the token function returned text that is not a token', 'check response.ok before reading the answer');
  if (token.length > longest) throw new Trouble('long', `the token has ${token.length} bytes; it may have ${longest}`, 'leave out claims that the proxy does not read');
  return token;
}

/**
 * Whether a text is rather a word than a token. What a server or a reverse proxy says in
 * trouble is plain text as often as a page ("Bad Gateway", "Unauthorized", "undefined"), and
 * a proxy that is sent two such texts takes the second for a new token that is wrong: it
 * would close the chat for good. A token is a JWT, which has dots, or of another kind, which
 * is longer than words are.
 *
 * @param {string} token
 */
function wordlike(token) {
  return token.length < 20 && !token.includes('.');
}
