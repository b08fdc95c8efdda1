import { make } from './dom.js';

/** @typedef {import('../attache.js').AttacheError} AttacheError */
/** @typedef {import('./conversation.js').Conversation} Conversation */
/** @typedef {import('./locale.js').Locale} Locale */

/** Says what is wrong with the connection, above the transcript. */
export class Banner {
  node = make('div', { class: 'banner', part: 'banner', role: 'alert', hidden: true });
  #locale;
  #reconnected;

  /** @param {Locale} locale @param {() => void} reconnected called after the person has asked for another connection */
  constructor(locale, reconnected) {
    this.#locale = locale;
    this.#reconnected = reconnected;
  }

  /** @param {Conversation} conversation */
  show({ phase, error, retryIn, reconnect, mayReturn }) {
    const delayed = phase === 'connecting' && error !== undefined;
    this.node.hidden = !delayed && !['reconnecting', 'closed', 'unreachable'].includes(phase);
    if (delayed) this.#showDelayed(error);
    if (phase === 'reconnecting') this.#showLost(retryIn);
    if (phase === 'closed') this.#showEnd('ended', error, mayReturn ? reconnect : undefined);
    if (phase === 'unreachable') this.#showEnd('unreachable', error, mayReturn ? reconnect : undefined);
  }

  /** @param {number} [retryIn] milliseconds */
  #showLost(retryIn) {
    const seconds = Math.ceil((retryIn ?? 0) / 1000);
    const words = seconds > 1 ? this.#locale.say('lostRetry', { count: seconds }) : this.#locale.say('lost');
    this.node.classList.remove('ended');
    this.node.replaceChildren(make('p', { dir: 'auto' }, words));
  }

  /** The first connect has failed and is retried. @param {AttacheError} error */
  #showDelayed(error) {
    const words = this.#locale.text(this.#locale.say('delayed'), this.#locale.reason(error));
    // The next attempt may fail in the same way; screen readers announce the text once.
    if (this.node.textContent === words) return;
    this.node.classList.remove('ended');
    this.node.replaceChildren(make('p', { dir: 'auto' }, words));
  }

  /** @param {'unreachable' | 'ended'} word @param {AttacheError} [error] @param {() => void} [reconnect] */
  #showEnd(word, error, reconnect) {
    const words = this.#locale.text(this.#locale.say(word), error ? this.#locale.reason(error) : '');
    this.node.classList.add('ended');
    this.node.replaceChildren(make('p', { dir: 'auto' }, words));
    if (!reconnect) return;
    const button = make('button', { type: 'button', class: 'text-button', part: 'button reconnect' }, this.#locale.say('connectAgain'));
    button.addEventListener('click', () => {
      reconnect();
      this.#reconnected();
    });
    this.node.append(button);
  }
}
