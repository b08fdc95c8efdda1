import { make } from './dom.js';
import { glyph } from './glyphs.js';

/** @typedef {import('./locale.js').Locale} Locale */

/** Milliseconds. The second click of a double click on what opened the dialog must not press a button in it. */
const doubleClick = 500;

/**
 * A modal dialog over the page. The browser keeps the focus in it, closes it with Escape,
 * and returns the focus to the control that had it before.
 */
export class Dialog {
  node;
  body = make('div', { class: 'dialog-body' });
  /** Its buttons beside the one that closes it. */
  actions = make('div', { class: 'dialog-actions' });
  #close;
  #openedAt = 0;

  /**
   * @param {Locale} locale
   * @param {object} options
   * @param {string} options.title
   * @param {string} options.part its name as a part and class
   * @param {() => void} [options.closed] called once it is closed
   */
  constructor(locale, { title, part, closed }) {
    this.#close = make('button', { type: 'button', class: 'round dialog-close', part: 'button close', 'aria-label': locale.say('close'), title: locale.say('close') }, glyph('cancel'));
    this.#close.addEventListener('click', () => this.close());
    this.node = make('dialog', { class: `dialog ${part}`, part: `dialog ${part}`, 'aria-labelledby': `${part}-title` },
      make('div', { class: 'dialog-head' }, make('h3', { class: 'dialog-title', id: `${part}-title`, dir: 'auto' }, title), this.actions, this.#close),
      this.body);
    this.node.addEventListener('click', (event) => this.#clicked(event), { capture: true });
    // Keys and pastes in a dialog are not for the chat under it.
    for (const type of ['keydown', 'paste', 'dragenter', 'dragover', 'drop']) this.node.addEventListener(type, (event) => event.stopPropagation());
    this.node.addEventListener('close', () => {
      this.node.remove();
      closed?.();
    });
  }

  /** Shows it as a child of a node, which needs to be in a document. @param {Node} parent @param {HTMLElement} [first] what gets the focus; default: the button that closes it */
  open(parent, first = this.#close) {
    parent.appendChild(this.node);
    this.#openedAt = performance.now();
    this.node.showModal();
    first.focus();
  }

  close() {
    if (this.node.open) this.node.close();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    if (event.detail < 2 || performance.now() - this.#openedAt > doubleClick) return;
    event.stopPropagation();
    event.preventDefault();
  }
}
