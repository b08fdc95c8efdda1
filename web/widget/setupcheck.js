/** Milliseconds that a page has to give an element its url and token. */
const delay = 2000;

/**
 * Logs, once, that an element has nothing to connect with. Frameworks set properties
 * some time after they have inserted an element.
 */
export class SetupCheck {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #finished = false;

  /** The element was complete once. If the page removes something later, it means to. */
  pass() {
    clearTimeout(this.#timer);
    this.#finished = true;
  }

  /** @param {() => string[]} missing returns what is missing after the delay; nothing if all is well or the element is in no document */
  schedule(missing) {
    clearTimeout(this.#timer);
    if (this.#finished) return;
    this.#timer = setTimeout(() => {
      const names = missing();
      if (names.length === 0) return;
      this.#finished = true;
      console.warn(`attache: <attache-chat> is not connected, because it has no ${names.join(' and no ')}: set them (the attribute url="" means the server that element.js comes from), or its property session. If a framework sets them, load element.js before it renders: a framework does not set properties that the element does not have yet.`);
    }, delay);
  }
}
