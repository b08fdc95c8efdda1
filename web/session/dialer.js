import { askProxy, blockedByBrowser, blockedFromLocalNetwork, explain, failMessage, probe } from './diagnosis.js';
import { onViolation } from './policy.js';

/** @typedef {import('./diagnosis.js').Cause} Cause */

/** The close event of a dial whose cause is known: a `fail` as the proxy would have sent it. */
class DialFailure extends Event {
  /** @param {string} fail */
  constructor(fail) {
    super('close');
    this.fail = fail;
  }
}

/** Stands in for a socket that the browser refused to create. */
class FailedSocket extends EventTarget {
  protocol = '';
  bufferedAmount = 0;
  send() {}
  close() {}
}

/**
 * Dials a session's sockets. The browser does not say why a dial fails, so the
 * proxy is asked before the module gets the close event, and the console gets the
 * cause and the remedy, once until the session is connected.
 */
export class Dialer {
  #base;
  /** What was logged since the session was connected. @type {Set<string>} */
  #logged = new Set();
  /** Dials in a row that failed although the proxy answers requests. */
  #blocked = 0;
  /** Dials in a row that failed while no proxy answered. */
  #unanswered = 0;

  /** @param {string} base the proxy, an http URL */
  constructor(base) {
    this.#base = base;
  }

  /**
   * Creates a socket, with its first listeners added.
   *
   * @param {string} url
   * @param {string} protocol
   * @param {() => boolean} wanted whether the session still waits for it
   * @param {WebSocket} [dialed] earlier, to that URL
   * @returns {WebSocket}
   */
  open(url, protocol, wanted, dialed) {
    /** @type {import('./policy.js').Violation | undefined} */
    let violation;
    const done = onViolation(() => url, (found) => { violation = found; });
    /** @type {WebSocket} */
    let socket;
    /** @param {unknown} [thrown] */
    const failed = async (thrown) => {
      const cause = await this.#diagnose(url, protocol, () => ({ thrown, violation }));
      done();
      socket.dispatchEvent(new DialFailure(cause ? failMessage(cause.code) : ''));
    };
    try {
      socket = dialed ?? new WebSocket(url, protocol);
    } catch (thrown) {
      socket = /** @type {WebSocket} */ (/** @type {unknown} */ (new FailedSocket()));
      failed(thrown);
      return socket;
    }
    const opened = () => {
      done();
      socket.removeEventListener('close', closed);
      this.#blocked = 0;
      this.#unanswered = 0;
    };
    let over = false;
    /** @param {Event} [event] */
    const closed = (event) => {
      if (event instanceof DialFailure) return;
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
    // For a socket that a policy blocks, Chromium fires `error` and no `close`. Otherwise `close` follows in the same task.
    socket.addEventListener('error', () => setTimeout(() => {
      if (!over && socket.readyState === 3 && violation) closed();
    }));
    return socket;
  }

  /**
   * @param {string} url
   * @param {string} protocol
   * @param {() => { thrown?: unknown, violation?: import('./policy.js').Violation }} found
   * @returns {Promise<Cause | undefined>}
   */
  async #diagnose(url, protocol, found) {
    const page = globalThis.location ?? {};
    let cause = blockedByBrowser(url, page, found());
    if (!cause) {
      const answer = await askProxy(this.#base);
      // The browser may report a policy violation one task after the socket's close.
      cause = blockedByBrowser(url, page, found());
      if (!cause && answer) cause = explain(this.#base, answer, protocol, globalThis.origin ?? '') ?? this.#countBlocked();
      else cause ??= await blockedFromLocalNetwork(url, page, /** @type {any} */ (globalThis.navigator?.permissions));
      if (!cause && !answer) await this.#countUnanswered();
    }
    if (cause?.remedy) this.log(`cannot connect: ${cause.remedy}`);
    return cause?.code ? cause : undefined;
  }

  /** The proxy answers requests and has not refused this dial. Once, it restarted; three times in a row, WebSockets are blocked. */
  #countBlocked() {
    this.#blocked += 1;
    if (this.#blocked === 3) {
      this.log(`cannot connect: the proxy at ${this.#base} answers requests, but WebSockets to it do not get through. Check whether a firewall, a reverse proxy or a browser extension blocks them.`);
    }
    return undefined;
  }

  /** No proxy answers. Once, it is down for a moment; three times in a row, the address may be wrong. */
  async #countUnanswered() {
    this.#unanswered += 1;
    if (this.#unanswered === 3 && globalThis.navigator?.onLine !== false) this.log(`cannot connect: ${await probe(this.#base)}`);
  }

  /** The session is connected: failures from now on are logged again. */
  connected() {
    this.#logged.clear();
  }

  /** Logs to the console, once until the session is connected. @param {string} text @param {string} [kind] only one text of a kind is logged */
  log(text, kind = text) {
    if (this.#logged.has(kind)) return;
    this.#logged.add(kind);
    console.error(`attache: ${text}`);
  }
}
