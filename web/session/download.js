import { Answer } from './response.js';
import { AttacheError, readError } from './error.js';
import { isAbout } from './policy.js';
import { Sha256 } from './sha256.js';

/** Where a file is and what must come from there. @typedef {{ url: string, size: number, digest: string }} Ticket */

/**
 * @typedef {object} Wish
 * @property {(signal: AbortSignal | undefined) => Promise<Ticket>} ask asks for a ticket: again of the same attempt, when the last one is refused
 * @property {number} [size] that the file was announced with
 * @property {number} offset the first byte wanted
 * @property {AbortSignal | undefined} signal
 * @property {number} patience milliseconds without a byte after which it is given up
 * @property {RequestCredentials} credentials
 */

/** A connection that brings nothing for so long, in milliseconds, is given up for another one. */
const silence = 30_000;
const longestPause = 10_000;
/** What the proxy calls every file. */
const opaque = 'application/octet-stream';

/**
 * One file, fetched until it is whole. A body that breaks off goes on where it
 * was, unseen by whoever reads it; one that is not what was announced, by its
 * size or digest, is an error of the stream. Whatever else a network or a front
 * end puts in the proxy's place is told from the file.
 */
export class Download {
  #wish;
  /** @type {Ticket | undefined} */
  #ticket;
  /** @type {Ticket} */
  #first = { url: '', size: 0, digest: '' };
  /** The next byte, counted from the file's beginning. */
  #at;
  /** Bytes to leave out: a reverse proxy that knows no ranges sends them again. */
  #skip = 0;
  /** @type {Sha256 | undefined} */
  #hash;
  #tag = '';
  /** @type {ReadableStreamDefaultReader<Uint8Array> | undefined} */
  #reader;
  #aborting = new AbortController();
  /** Whether the page's policy stopped an answer that leads elsewhere. */
  #led = false;
  /** The browser reports a redirect that was blocked a moment after it failed. @param {any} event */
  #violated = (event) => {
    this.#led ||= event.effectiveDirective === 'connect-src' && isAbout(event, this.#ticket?.url ?? 'about:blank');
  };
  /** Why the body is an error. @type {unknown} */
  #failed;
  /** Milliseconds without a byte; those of a sleeping computer do not count. */
  #idle = 0;
  /** Tries since then. */
  #tries = 0;
  /** Connections since then that ended in good order before the file did. */
  #short = 0;
  /** Answers in a row that only the page's script may not read. */
  #hidden = 0;

  /** @param {Wish} wish */
  constructor(wish) {
    this.#wish = wish;
    this.#at = wish.offset;
  }

  /** Begins, and resolves with the answer once it is known to be the file's. @returns {Promise<Response>} */
  async open() {
    await this.#begin();
    const { size, digest } = this.#first;
    if (this.#at > 0 && this.#at >= size) return new Response(null, { status: 206 });
    if (this.#at === 0 && digest !== '') this.#hash = new Sha256();
    const answer = await this.#reach();
    const headers = new Headers(answer.headers);
    let { status, statusText } = answer;
    if (this.#skip > 0) {
      [status, statusText] = [206, 'Partial Content'];
      headers.set('Content-Length', String(size - this.#at));
    }
    const body = new ReadableStream({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#stop(),
    }, { highWaterMark: 0 });
    return new Answer(body, { status, statusText, headers }, () => this.#failed);
  }

  /** Asks whether a link would be answered with the file, and resolves with it. @returns {Promise<string>} */
  async check() {
    await this.#begin();
    await this.#reach('HEAD');
    this.#stop();
    return /** @type {Ticket} */ (this.#ticket).url;
  }

  async #begin() {
    const { ask, size, signal } = this.#wish;
    this.#ticket = await ask(signal);
    this.#first = this.#ticket;
    if (size !== undefined && size !== this.#first.size) throw mismatch(`${size} bytes were announced, and the store holds ${this.#first.size}`);
    this.#tag = this.#first.digest && `"${this.#first.digest}"`;
  }

  /** @param {ReadableStreamDefaultController<Uint8Array>} controller */
  async #pull(controller) {
    try {
      const piece = await this.#next();
      if (piece) controller.enqueue(piece);
      else controller.close();
    } catch (error) {
      this.#stop();
      this.#failed = error;
      controller.error(error);
    }
  }

  /** The next bytes; none at the end. @returns {Promise<Uint8Array | undefined>} */
  async #next() {
    const { size } = this.#first;
    for (;;) {
      if (!this.#reader) await this.#reach();
      const piece = await this.#read();
      if (piece === undefined) {
        if (this.#at < size) {
          await this.#brokeOff();
          continue;
        }
        this.#judge();
        this.#stop();
        return undefined;
      }
      if (piece.length === 0) continue;
      this.#idle = 0;
      this.#tries = 0;
      this.#short = 0;
      this.#at += piece.length;
      if (this.#at > size) throw mismatch(`more than the ${size} bytes came that were announced`);
      this.#hash?.write(piece);
      // Known before the last bytes are handed on.
      if (this.#at === size) this.#judge();
      return piece;
    }
  }

  /** Waits for the next connection where this one has brought nothing. */
  async #brokeOff() {
    const { patience } = this.#wish;
    if (this.#short > 2) throw mismatch(`it ends after ${this.#at} of ${this.#first.size} bytes`);
    if (this.#tries > 0 && this.#idle >= patience) throw new AttacheError({ code: 'offline', message: '' });
    if (this.#tries > 0) await this.#pause(0);
  }

  /** Compares what came with what was announced. */
  #judge() {
    const { digest } = this.#first;
    const hash = this.#hash;
    this.#hash = undefined;
    if (hash && hash.hex() !== digest) throw mismatch('');
  }

  /** Reads on; nothing where the connection ended, in whatever way. @returns {Promise<Uint8Array | undefined>} */
  async #read() {
    const { signal } = this.#wish;
    const since = Date.now();
    const timer = setTimeout(() => this.#aborting.abort(), silence);
    try {
      const read = await /** @type {ReadableStreamDefaultReader<Uint8Array>} */ (this.#reader).read();
      signal?.throwIfAborted();
      if (read.done) {
        this.#short += 1;
        this.#reader = undefined;
        return undefined;
      }
      const skipped = Math.min(this.#skip, read.value.length);
      this.#skip -= skipped;
      return read.value.subarray(skipped);
    } catch {
      signal?.throwIfAborted();
      this.#reader = undefined;
      return undefined;
    } finally {
      clearTimeout(timer);
      this.#spend(since);
    }
  }

  /** @param {number} since */
  #spend(since) {
    this.#idle += Math.min(Date.now() - since, silence);
  }

  #stop() {
    this.#reader = undefined;
    this.#aborting.abort();
  }

  /** Opens a connection for the bytes that are missing, trying for as long as there is hope. @param {'GET' | 'HEAD'} [method] */
  async #reach(method = 'GET') {
    globalThis.addEventListener?.('securitypolicyviolation', this.#violated);
    try {
      return await this.#insist(method);
    } finally {
      globalThis.removeEventListener?.('securitypolicyviolation', this.#violated);
    }
  }

  /** @param {'GET' | 'HEAD'} method */
  async #insist(method) {
    for (;;) {
      const since = Date.now();
      try {
        this.#tries += 1;
        return await this.#fetch(method);
      } catch (error) {
        this.#aborting.abort();
        this.#wish.signal?.throwIfAborted();
        if (!(error instanceof Again)) throw error;
        this.#spend(since);
        if (this.#idle + error.after >= this.#wish.patience) throw error.cause;
        await this.#pause(error.after);
      }
    }
  }

  /** @param {'GET' | 'HEAD'} method @returns {Promise<Response>} */
  async #fetch(method) {
    const { ask, signal, credentials } = this.#wish;
    this.#aborting = new AbortController();
    const given = AbortSignal.any([this.#aborting.signal, ...(signal ? [signal] : [])]);
    const timer = setTimeout(() => this.#aborting.abort(), silence);
    try {
      this.#ticket ??= await ask(given).catch((error) => {
        if (this.#aborting.signal.aborted) throw new Again(new AttacheError({ code: 'timeout', message: '' }));
        throw error instanceof AttacheError && error.retryable ? new Again(error) : error;
      });
      const { url, size, digest } = this.#ticket;
      if (size !== this.#first.size || digest !== this.#first.digest) throw new AttacheError({ code: 'document-changed', message: '' });
      /** @type {Record<string, string>} */
      const headers = {};
      if (this.#at > 0) headers.Range = `bytes=${this.#at}-`;
      if (this.#at > 0 && this.#tag) headers['If-Range'] = this.#tag;
      const response = await this.#call(url, { method, headers, signal: given, credentials, referrerPolicy: 'no-referrer', cache: 'no-store' });
      if (!response.ok) throw await this.#refusal(response);
      this.#recognise(response, method);
      this.#reader = response.body?.getReader() ?? new Response('').body?.getReader();
      return response;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {string} url @param {RequestInit} init @returns {Promise<Response>} */
  async #call(url, init) {
    try {
      const response = await fetch(url, init);
      this.#hidden = 0;
      return response;
    } catch (cause) {
      this.#wish.signal?.throwIfAborted();
      if (await answered(url, init)) this.#hidden += 1;
      else this.#hidden = 0;
      // Once may be a line that has come back meanwhile.
      if (this.#led || this.#hidden > 1) throw intercepted('its answer may not be read here, or leads to another place', cause);
      throw new Again(new AttacheError({ code: 'offline', message: '', cause }));
    }
  }

  /** Why there is no file. @param {Response} response @returns {Promise<unknown>} */
  async #refusal(response) {
    const text = await response.text().catch(() => '');
    /** @type {AttacheError | undefined} */
    let error;
    try {
      error = readError(text);
    } catch {
      // It is nobody's that knows our errors.
    }
    const seconds = Number(response.headers.get('Retry-After'));
    const after = Number.isFinite(seconds) ? Math.min(seconds * 1000, 60_000) : 0;
    const { status } = response;
    if (error) {
      const stale = error.code === 'ticket-expired' || error.code === 'ticket-invalid';
      if (stale && this.#tries < 3) {
        this.#ticket = undefined;
        return new Again(error, after);
      }
      return error.retryable && !stale ? new Again(error, after) : error;
    }
    if (status === 416) return new AttacheError({ code: 'document-changed', message: '' });
    if (status >= 500 && status !== 511 || status === 429 || status === 408) {
      return new Again(new AttacheError({ code: 'busy', message: `the way to the file service answered ${status}` }), after);
    }
    return intercepted(`it answered ${status}`);
  }

  /** Takes an answer for the file's only if it looks like that. @param {Response} response @param {'GET' | 'HEAD'} method */
  #recognise({ status, headers, redirected }, method) {
    const { size, digest } = this.#first;
    const type = headers.get('Content-Type');
    if (type !== null && type.split(';')[0].trim() !== opaque) throw intercepted(`it sent ${type.slice(0, 100)}`);
    if (redirected && digest === '') throw intercepted('it sent the browser to another place');
    // A reverse proxy that compresses makes the tag weak (nginx) or appends the encoding (Apache, Caddy, Jetty), of the whole and not of the rest.
    const tag = headers.get('ETag')?.replace(/^W\//, '').replace(/(?:--?|;)(?:gzip|br|zstd|deflate)"$/, '"') ?? '';
    this.#tag ||= tag;
    const other = this.#at > 0 && tag !== '' && tag !== this.#tag;
    const whole = status !== 206;
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('Content-Range') ?? '') ?? [];
    if (other || !whole && total !== undefined && Number(total) !== size) throw new AttacheError({ code: 'document-changed', message: '' });
    if (!whole && (this.#at === 0 || from !== undefined && Number(from) !== this.#at)) throw intercepted('it sent another part of the file');
    this.#skip = whole ? this.#at : 0;
    const length = headers.get('Content-Length');
    if (method === 'HEAD' && length !== null && Number(length) !== size) throw mismatch(`the file has ${length} bytes, and ${size} were announced`);
  }

  /** Waits longer each time, and no longer than until the network is back. @param {number} least milliseconds */
  #pause(least) {
    const { signal } = this.#wish;
    const since = Date.now();
    const tries = this.#tries;
    const most = tries <= 1 ? 0 : Math.min(longestPause, 250 * 2 ** (tries - 2));
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        globalThis.removeEventListener?.('online', done);
        signal?.removeEventListener('abort', done);
        this.#spend(since);
        resolve(undefined);
      };
      const timer = setTimeout(done, Math.max(least, most * (0.5 + Math.random() / 2)));
      globalThis.addEventListener?.('online', done);
      signal?.addEventListener('abort', done);
    });
  }
}

/** What may succeed at another try. */
class Again extends Error {
  /** @param {unknown} cause @param {number} [after] milliseconds */
  constructor(cause, after = 0) {
    super('', { cause });
    this.after = after;
  }
}

/**
 * Whether somebody answers where fetch says that nobody does: with a redirect,
 * or without the word that lets this page read it.
 *
 * @param {string} url
 * @param {RequestInit} init
 */
async function answered(url, { signal, credentials }) {
  const asked = { method: 'HEAD', signal, credentials, referrerPolicy: /** @type {const} */ ('no-referrer'), cache: /** @type {const} */ ('no-store') };
  for (const how of [{ redirect: /** @type {const} */ ('manual') }, { mode: /** @type {const} */ ('no-cors') }]) {
    const { type, status } = await fetch(url, { ...asked, ...how }).catch(() => Response.error());
    if (type === 'opaqueredirect' || type === 'opaque' || status >= 300 && status < 400) return true;
  }
  return false;
}

/** @param {string} what @param {unknown} [cause] */
function intercepted(what, cause) {
  return new AttacheError({ code: 'download-intercepted', message: '', cause: cause ?? new Error(what) });
}

/** @param {string} message */
function mismatch(message) {
  return new AttacheError({ code: 'download-mismatch', message });
}
