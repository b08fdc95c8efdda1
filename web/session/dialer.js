import { isAbout } from './policy.js';
import { ask, confined, failMessage, obstacle, read, stranger } from './diagnosis.js';

/** @typedef {import('./diagnosis.js').Cause} Cause */

/** The end of a dial, with what is known of its cause: a `fail` as the proxy would have sent it. */
class Failure extends Event {
  /** @param {string} fail */
  constructor(fail) {
    super('close');
    this.fail = fail;
  }
}

/** Stands for a socket that the browser refused to make. */
class Stillborn extends EventTarget {
  protocol = '';
  bufferedAmount = 0;
  send() {}
  close() {}
}

/**
 * A session's dials. If one fails, the browser does not say why. So the proxy is
 * asked before the module hears of it, and the console gets the cause and the
 * remedy, once until the session is connected.
 */
export class Dials {
  #base;
  /** What the console has been told since the session was connected. @type {Set<string>} */
  #said = new Set();
  /** Dials in a row that failed, although the proxy answers. */
  #unexplained = 0;
  /** Dials in a row that failed, and no proxy answered. */
  #unanswered = 0;

  /** @param {string} base the proxy, an http URL */
  constructor(base) {
    this.#base = base;
  }

  /**
   * Makes a socket. Its first listeners are in place when it is returned.
   *
   * @param {string} url
   * @param {string} protocol
   * @param {() => boolean} wanted whether anybody still waits for it
   * @returns {WebSocket}
   */
  open(url, protocol, wanted) {
    /** @type {{ blockedURI?: string, effectiveDirective?: string } | undefined} */
    let violation;
    /** @param {any} event */
    const violated = (event) => {
      if (isAbout(event, url)) violation = event;
    };
    globalThis.addEventListener?.('securitypolicyviolation', violated);
    const done = () => globalThis.removeEventListener?.('securitypolicyviolation', violated);
    /** @type {WebSocket} */
    let socket;
    /** @param {unknown} [thrown] */
    const failed = async (thrown) => {
      const cause = await this.#explain(url, protocol, () => ({ thrown, violation }));
      done();
      socket.dispatchEvent(new Failure(cause ? failMessage(cause.code) : ''));
    };
    try {
      socket = new WebSocket(url, protocol);
    } catch (thrown) {
      socket = /** @type {WebSocket} */ (/** @type {unknown} */ (new Stillborn()));
      failed(thrown);
      return socket;
    }
    const opened = () => {
      done();
      socket.removeEventListener('close', closed);
      this.#unexplained = 0;
      this.#unanswered = 0;
    };
    let over = false;
    /** @param {Event} [event] */
    const closed = (event) => {
      if (event instanceof Failure) return;
      if (!wanted()) {
        done();
        return;
      }
      event?.stopImmediatePropagation();
      if (!over) failed();
      over = true;
    };
    socket.addEventListener('open', opened, { once: true });
    socket.addEventListener('close', closed);
    // Where a policy blocks it, Chromium tells of an error and of no end. Otherwise the end comes in the same task.
    socket.addEventListener('error', () => setTimeout(() => {
      if (!over && socket.readyState === 3 && violation) closed();
    }));
    return socket;
  }

  /**
   * @param {string} url
   * @param {string} protocol
   * @param {() => { thrown?: unknown, violation?: { blockedURI?: string, effectiveDirective?: string } }} found
   * @returns {Promise<Cause | undefined>}
   */
  async #explain(url, protocol, found) {
    const page = globalThis.location ?? {};
    let cause = obstacle(url, page, found());
    if (!cause) {
      const answer = await ask(this.#base);
      // What the browser reports of a policy may come a turn after the socket's end.
      cause = obstacle(url, page, found());
      if (!cause && answer) cause = read(this.#base, answer, protocol, globalThis.origin ?? '') ?? this.#silent();
      else cause ??= await confined(url, page, /** @type {any} */ (globalThis.navigator?.permissions));
      if (!cause && !answer) await this.#lost();
    }
    if (cause?.says) this.say(`cannot connect: ${cause.says}`);
    return cause?.code ? cause : undefined;
  }

  /** The proxy answers requests and has refused no dial. Once, that is a restart; again and again, something blocks WebSockets. */
  #silent() {
    this.#unexplained += 1;
    if (this.#unexplained === 3) {
      this.say(`cannot connect: the proxy at ${this.#base} answers requests, but WebSockets to it do not get through. Check whether a firewall, a reverse proxy or a browser extension blocks them.`);
    }
    return undefined;
  }

  /** No proxy answers. For a moment that is an outage; again and again, the address may be wrong. */
  async #lost() {
    this.#unanswered += 1;
    if (this.#unanswered === 3 && globalThis.navigator?.onLine !== false) this.say(`cannot connect: ${await stranger(this.#base)}`);
  }

  /** The session is connected: what fails from now on is reported again. */
  connected() {
    this.#said.clear();
  }

  /** Writes to the console, once until the session is connected. @param {string} text @param {string} [kind] of what only one is told */
  say(text, kind = text) {
    if (this.#said.has(kind)) return;
    this.#said.add(kind);
    console.error(`attache: ${text}`);
  }
}
