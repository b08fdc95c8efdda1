/** WebSocket.OPEN. */
const open = 1;

/**
 * A socket that is dialed while the module still loads, which will use it: the handshake
 * then costs a first visit no time. It carries nothing until the module has it.
 */
export class EarlyDial {
  #url;
  #protocol;
  /** @type {WebSocket | undefined} */
  #socket;

  /** @param {string} url @param {string} protocol */
  constructor(url, protocol) {
    this.#url = url;
    this.#protocol = protocol;
    try {
      this.#socket = new WebSocket(url, protocol);
    } catch {
      // The module's own dial reports it.
    }
  }

  /**
   * Returns the socket, once, to whoever dials the same address, unless it has failed
   * meanwhile: that one dials anew, and learns why.
   *
   * @param {string} url
   * @param {string} protocol
   */
  take(url, protocol) {
    const socket = this.#socket;
    if (!socket || url !== this.#url || protocol !== this.#protocol) return undefined;
    this.#socket = undefined;
    if (socket.readyState > open) return undefined;
    if (socket.readyState === open) {
      // Its listeners, which are added after this, have missed the event.
      queueMicrotask(() => {
        if (socket.readyState === open) socket.dispatchEvent(new Event('open'));
      });
    }
    return socket;
  }

  /** Closes the socket if nobody has taken it. */
  drop() {
    this.#socket?.close();
    this.#socket = undefined;
  }
}
