import { write } from '../widget/dom.js';

/** @typedef {import('../element.js').AttacheChat} AttacheChat */

/** The button that kills the demo's proxy, and the status text after it. */
export class Plug {
  #button;
  #outage;
  /** The panes, each with whether it is connected. @type {Map<AttacheChat, boolean>} */
  #panes = new Map();
  /** When the plug was pulled; 0: it was not. */
  #since = 0;
  #lost = false;

  /** @param {HTMLElement} button @param {HTMLElement} outage */
  constructor(button, outage) {
    this.#button = /** @type {HTMLButtonElement} */ (button);
    this.#outage = outage;
    this.#button.hidden = false;
    this.#button.addEventListener('click', () => this.#pull());
  }

  /** @param {AttacheChat} chat */
  watch(chat) {
    this.#panes.set(chat, false);
    chat.addEventListener('attache-state', ({ detail }) => {
      this.#panes.set(chat, detail.state === 'connected');
      this.#update();
    });
  }

  async #pull() {
    this.#button.disabled = true;
    this.#since = performance.now();
    this.#lost = false;
    write(this.#outage, 'Pulling the plug…');
    try {
      const answer = await fetch(new URL('demo/plug', document.baseURI), { method: 'POST' });
      if (!answer.ok) this.#end(`The plug could not be pulled: ${answer.status} ${answer.statusText}`);
    } catch {
      // The proxy may die before its answer is read.
    }
  }

  #update() {
    if (this.#since === 0) return;
    const back = [...this.#panes.values()].every((connected) => connected);
    if (!back && !this.#lost) {
      this.#lost = true;
      write(this.#outage, 'The proxy was killed. Reconnecting…');
    } else if (back && this.#lost) {
      const seconds = ((performance.now() - this.#since) / 1000).toFixed(1);
      this.#end(`The proxy was killed and started again: back after ${seconds} s.`);
    }
  }

  /** @param {string} words */
  #end(words) {
    this.#since = 0;
    this.#button.disabled = false;
    write(this.#outage, words);
  }
}
