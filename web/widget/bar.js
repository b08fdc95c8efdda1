import { make } from './dom.js';

/**
 * A progress bar of two layers: the bytes passed to the network, and over them the bytes
 * stored durably, from where an interrupted upload resumes.
 */
export class Bar {
  node = make('div', { class: 'bar', part: 'bar', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 });
  #sent = make('span', { class: 'bar-sent', part: 'bar-sent' });
  #stored = make('span', { class: 'bar-stored', part: 'bar-stored' });

  constructor() {
    this.node.append(this.#sent, this.#stored);
  }

  /**
   * @param {object} progress
   * @param {number} progress.sent 0 to 1
   * @param {number} progress.stored 0 to 1
   * @param {boolean} [progress.waiting] whether the progress is unknown at the moment
   * @param {string} label the file's name
   * @param {string} text the same in words
   */
  show({ sent, stored, waiting = false }, label, text) {
    this.#sent.style.setProperty('inline-size', `${100 * sent}%`);
    this.#stored.style.setProperty('inline-size', `${100 * stored}%`);
    this.node.classList.toggle('waiting', waiting);
    this.node.setAttribute('aria-label', label);
    this.node.setAttribute('aria-valuetext', text);
    if (waiting) this.node.removeAttribute('aria-valuenow');
    else this.node.setAttribute('aria-valuenow', String(Math.floor(100 * stored)));
  }
}
