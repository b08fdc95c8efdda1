import { AttacheError, parseError } from './error.js';
import { onViolation } from './policy.js';
import { DownloadResponse } from './response.js';
import { Sha256 } from './sha256.js';

/** Where a file can be fetched, and its announced size and digest. @typedef {{ url: string, size: number, digest: string }} Ticket */

/**
 * @typedef {object} DownloadRequest
 * @property {(signal: AbortSignal | undefined) => Promise<Ticket>} ask requests a ticket; after a refusal, another one for the same download attempt
 * @property {number} [size] bytes, as announced in the chat
 * @property {number} offset of the first byte wanted
 * @property {AbortSignal | undefined} signal
 * @property {number} idleTimeout milliseconds without a byte after which the download fails
 * @property {RequestCredentials} credentials
 */

/** Milliseconds without a byte after which a connection is replaced. */
const stallTimeout = 30_000;
const maxPause = 10_000;
/** The Content-Type that the proxy sends for every file. */
const contentType = 'application/octet-stream';

/**
 * Fetches one file until it is complete. A body that breaks off is resumed without the
 * reader noticing; a body whose size or digest is not the announced one makes the stream
 * fail. An answer of another server, such as a login page of the network, is recognized.
 */
export class Download {
  #request;
  /** @type {Ticket | undefined} */
  #ticket;
  /** @type {Ticket} */
  #expected = { url: '', size: 0, digest: '' };
  /** The next byte. */
  #offset;
  /** Bytes to skip: a reverse proxy that does not support ranges sends them again. */
  #skip = 0;
  /** @type {Sha256 | undefined} */
  #hash;
  #etag = '';
  /** @type {ReadableStreamDefaultReader<Uint8Array> | undefined} */
  #reader;
  #aborting = new AbortController();
  /** Whether the page's policy blocked a redirect to another origin. */
  #redirected = false;
  /** What the body failed with. @type {unknown} */
  #error;
  /** Milliseconds since the last byte; time during which the computer slept does not count. */
  #idle = 0;
  /** Connections tried since the last byte. */
  #tries = 0;
  /** Of those, bodies that ended without an error before the file was complete. */
  #truncated = 0;
  /** Answers in a row that the browser got, but this page may not read. */
  #unreadable = 0;

  /** @param {DownloadRequest} request */
  constructor(request) {
    this.#request = request;
    this.#offset = request.offset;
  }

  /** Resolves with the response once it is known to be the file. @returns {Promise<Response>} */
  async open() {
    await this.#requestTicket();
    const { size, digest } = this.#expected;
    if (this.#offset > 0 && this.#offset >= size) return new Response(null, { status: 206 });
    if (this.#offset === 0 && digest !== '') this.#hash = new Sha256();
    const answer = await this.#connect();
    const headers = new Headers(answer.headers);
    let { status, statusText } = answer;
    if (this.#skip > 0) {
      [status, statusText] = [206, 'Partial Content'];
      headers.set('Content-Length', String(size - this.#offset));
    }
    const body = new ReadableStream({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#stop(),
    }, { highWaterMark: 0 });
    return new DownloadResponse(body, { status, statusText, headers }, () => this.#error);
  }

  /** Checks that the link is answered with the file, and resolves with the link. @returns {Promise<string>} */
  async check() {
    await this.#requestTicket();
    await this.#connect('HEAD');
    this.#stop();
    return /** @type {Ticket} */ (this.#ticket).url;
  }

  async #requestTicket() {
    const { ask, size, signal } = this.#request;
    this.#ticket = await ask(signal);
    this.#expected = this.#ticket;
    if (size !== undefined && size !== this.#expected.size) throw mismatch(`${size} bytes were announced; the store has ${this.#expected.size}`);
    this.#etag = this.#expected.digest && `"${this.#expected.digest}"`;
  }

  /** @param {ReadableStreamDefaultController<Uint8Array>} controller */
  async #pull(controller) {
    try {
      const piece = await this.#next();
      if (piece) controller.enqueue(piece);
      else controller.close();
    } catch (error) {
      this.#stop();
      this.#error = error;
      controller.error(error);
    }
  }

  /** Returns the next bytes, or undefined at the end. @returns {Promise<Uint8Array | undefined>} */
  async #next() {
    const { size } = this.#expected;
    for (;;) {
      if (!this.#reader) await this.#connect();
      const piece = await this.#read();
      if (piece === undefined) {
        if (this.#offset < size) {
          await this.#waitToResume();
          continue;
        }
        this.#verify();
        this.#stop();
        return undefined;
      }
      if (piece.length === 0) continue;
      this.#idle = 0;
      this.#tries = 0;
      this.#truncated = 0;
      this.#offset += piece.length;
      if (this.#offset > size) throw mismatch(`more than the announced ${size} bytes arrived`);
      this.#hash?.write(piece);
      // Before the reader gets the last bytes.
      if (this.#offset === size) this.#verify();
      return piece;
    }
  }

  /** Decides whether to open another connection, and waits before it if this one brought nothing. */
  async #waitToResume() {
    const { idleTimeout } = this.#request;
    if (this.#truncated > 2) throw mismatch(`the answer ends after ${this.#offset} of ${this.#expected.size} bytes`);
    if (this.#tries > 0 && this.#idle >= idleTimeout) throw new AttacheError({ code: 'offline', message: '' });
    if (this.#tries > 0) await this.#pause(0);
  }

  /** Compares the digest with the announced one. */
  #verify() {
    const { digest } = this.#expected;
    const hash = this.#hash;
    this.#hash = undefined;
    if (hash && hash.hex() !== digest) throw mismatch('');
  }

  /** Returns the next bytes of this connection, or undefined if it has ended, with or without an error. @returns {Promise<Uint8Array | undefined>} */
  async #read() {
    const { signal } = this.#request;
    const since = Date.now();
    const timer = setTimeout(() => this.#aborting.abort(), stallTimeout);
    try {
      const read = await /** @type {ReadableStreamDefaultReader<Uint8Array>} */ (this.#reader).read();
      signal?.throwIfAborted();
      if (read.done) {
        this.#truncated += 1;
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
      this.#addIdle(since);
    }
  }

  /** @param {number} since */
  #addIdle(since) {
    this.#idle += Math.min(Date.now() - since, stallTimeout);
  }

  #stop() {
    this.#reader = undefined;
    this.#aborting.abort();
  }

  /** Opens a connection for the missing bytes, and retries while that may succeed. @param {'GET' | 'HEAD'} [method] */
  async #connect(method = 'GET') {
    // The browser reports a blocked redirect a moment after the fetch failed.
    const done = onViolation(() => this.#ticket?.url ?? 'about:blank', ({ effectiveDirective }) => {
      this.#redirected ||= effectiveDirective === 'connect-src';
    });
    try {
      return await this.#retry(method);
    } finally {
      done();
    }
  }

  /** @param {'GET' | 'HEAD'} method */
  async #retry(method) {
    for (;;) {
      const since = Date.now();
      try {
        this.#tries += 1;
        return await this.#fetch(method);
      } catch (error) {
        this.#aborting.abort();
        this.#request.signal?.throwIfAborted();
        if (!(error instanceof Retryable)) throw error;
        this.#addIdle(since);
        if (this.#idle + error.after >= this.#request.idleTimeout) throw error.cause;
        await this.#pause(error.after);
      }
    }
  }

  /** @param {'GET' | 'HEAD'} method @returns {Promise<Response>} */
  async #fetch(method) {
    const { ask, signal, credentials } = this.#request;
    this.#aborting = new AbortController();
    const given = AbortSignal.any([this.#aborting.signal, ...(signal ? [signal] : [])]);
    const timer = setTimeout(() => this.#aborting.abort(), stallTimeout);
    try {
      this.#ticket ??= await ask(given).catch((error) => {
        if (this.#aborting.signal.aborted) throw new Retryable(new AttacheError({ code: 'timeout', message: '' }));
        throw error instanceof AttacheError && error.retryable ? new Retryable(error) : error;
      });
      const { url, size, digest } = this.#ticket;
      if (size !== this.#expected.size || digest !== this.#expected.digest) throw new AttacheError({ code: 'document-changed', message: '' });
      /** @type {Record<string, string>} */
      const headers = {};
      if (this.#offset > 0) headers.Range = `bytes=${this.#offset}-`;
      if (this.#offset > 0 && this.#etag) headers['If-Range'] = this.#etag;
      const response = await this.#fetchOnce(url, { method, headers, signal: given, credentials, referrerPolicy: 'no-referrer', cache: 'no-store' });
      if (!response.ok) throw await this.#errorOf(response);
      this.#verifyHeaders(response, method);
      this.#reader = response.body?.getReader() ?? new Response('').body?.getReader();
      return response;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {string} url @param {RequestInit} init @returns {Promise<Response>} */
  async #fetchOnce(url, init) {
    try {
      const response = await fetch(url, init);
      this.#unreadable = 0;
      return response;
    } catch (cause) {
      this.#request.signal?.throwIfAborted();
      if (await isAnswered(url, init)) this.#unreadable += 1;
      else this.#unreadable = 0;
      // Once, the network may just have come back.
      if (this.#redirected || this.#unreadable > 1) throw intercepted('this page may not read the answer, or the answer redirects to another origin', cause);
      throw new Retryable(new AttacheError({ code: 'offline', message: '', cause }));
    }
  }

  /** Returns the error that an answer without the file means. @param {Response} response @returns {Promise<unknown>} */
  async #errorOf(response) {
    const text = await response.text().catch(() => '');
    /** @type {AttacheError | undefined} */
    let error;
    try {
      error = parseError(text);
    } catch {
      // Not an answer of the proxy.
    }
    const seconds = Number(response.headers.get('Retry-After'));
    const after = Number.isFinite(seconds) ? Math.min(seconds * 1000, 60_000) : 0;
    const { status } = response;
    if (error) {
      const stale = error.code === 'ticket-expired' || error.code === 'ticket-invalid';
      if (stale && this.#tries < 3) {
        this.#ticket = undefined;
        return new Retryable(error, after);
      }
      const final = stale || error.code === 'document-changed';
      return error.retryable && !final ? new Retryable(error, after) : error;
    }
    if (status === 416) return new AttacheError({ code: 'document-changed', message: '' });
    if (status >= 500 && status !== 511 || status === 429 || status === 408) {
      return new Retryable(new AttacheError({ code: 'busy', message: `a server in front of the file service answered ${status}` }), after);
    }
    return intercepted(`the status is ${status}`);
  }

  /** Throws unless the headers are those of the file. @param {Response} response @param {'GET' | 'HEAD'} method */
  #verifyHeaders({ status, headers, redirected }, method) {
    const { size, digest } = this.#expected;
    const type = headers.get('Content-Type');
    if (type !== null && type.split(';')[0].trim() !== contentType) throw intercepted(`the Content-Type is ${type.slice(0, 100)}`);
    if (redirected && digest === '') throw intercepted('the request was redirected');
    // A reverse proxy that compresses makes the ETag weak (nginx) or appends the encoding (Apache, Caddy, Jetty), for the whole file but not for a range.
    const tag = headers.get('ETag')?.replace(/^W\//, '').replace(/(?:--?|;)(?:gzip|br|zstd|deflate)"$/, '"') ?? '';
    this.#etag ||= tag;
    const other = this.#offset > 0 && tag !== '' && tag !== this.#etag;
    const whole = status !== 206;
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('Content-Range') ?? '') ?? [];
    if (other || !whole && total !== undefined && Number(total) !== size) throw new AttacheError({ code: 'document-changed', message: '' });
    if (!whole && (this.#offset === 0 || from !== undefined && Number(from) !== this.#offset)) throw intercepted('the answer is another part of the file');
    this.#skip = whole ? this.#offset : 0;
    const length = headers.get('Content-Length');
    if (method === 'HEAD' && length !== null && Number(length) !== size) throw mismatch(`the file has ${length} bytes; ${size} were announced`);
  }

  /** Waits longer each time, but only until the browser is online again. @param {number} least milliseconds */
  #pause(least) {
    const { signal } = this.#request;
    const since = Date.now();
    const tries = this.#tries;
    const most = tries <= 1 ? 0 : Math.min(maxPause, 250 * 2 ** (tries - 2));
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        globalThis.removeEventListener?.('online', done);
        signal?.removeEventListener('abort', done);
        this.#addIdle(since);
        resolve(undefined);
      };
      const timer = setTimeout(done, Math.max(least, most * (0.5 + Math.random() / 2)));
      globalThis.addEventListener?.('online', done);
      signal?.addEventListener('abort', done);
    });
  }
}

/** An error after which a retry may succeed. */
class Retryable extends Error {
  /** @param {unknown} cause @param {number} [after] milliseconds */
  constructor(cause, after = 0) {
    super('', { cause });
    this.after = after;
  }
}

/**
 * Reports whether a server answers although fetch fails: with a redirect, or without
 * the CORS header that lets this page read the answer.
 *
 * @param {string} url
 * @param {RequestInit} init
 */
async function isAnswered(url, { signal, credentials }) {
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
