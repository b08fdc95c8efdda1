import { make, write } from './dom.js';
import { EnterKey } from './enterkey.js';
import { glyph } from './glyphs.js';

/** @typedef {import('../attache.js').AttacheError} AttacheError */
/** @typedef {import('../attache.js').Visibility} Visibility */
/** @typedef {import('./conversation.js').Draft} Draft */
/** @typedef {import('./locale.js').Locale} Locale */

/**
 * @typedef {object} ComposerHost
 * @property {(text: string) => unknown} send
 * @property {(files: FileList) => void} add
 * @property {(draft: Draft) => void} draftChanged
 * @property {(visibility: Visibility) => void} chooseVisibility
 * @property {(on: boolean) => void} typed
 * @property {() => void} showLibrary
 */

/** The form in which texts are written and files are chosen. */
export class Composer {
  node = make('form', { class: 'composer', part: 'composer' });
  #field;
  #file = make('input', { type: 'file', multiple: true, class: 'file-input', tabindex: -1, 'aria-hidden': 'true' });
  #attach;
  #send;
  #responses;
  #visibility = make('select', { class: 'visibility-choice', part: 'visibility', hidden: true });
  #allowance = make('p', { class: 'allowance', part: 'allowance', id: 'allowance', dir: 'auto' });
  #error = make('p', { class: 'refusal', part: 'composer-error', role: 'alert', dir: 'auto' });
  #locale;
  #host;
  #enterKey = new EnterKey();
  #open = true;
  #live = false;
  /** The only file that the picker was opened for. @type {{ name: string, shown: string } | undefined} */
  #wanted;

  /** @param {Locale} locale @param {ComposerHost} host */
  constructor(locale, host) {
    this.#locale = locale;
    this.#host = host;
    this.#field = make('textarea', { class: 'field', part: 'field', rows: 1, dir: 'auto', enterkeyhint: 'send', placeholder: locale.say('write'), 'aria-label': locale.say('write') });
    this.#attach = make('button', { type: 'button', class: 'round attach', part: 'button attach', 'aria-label': locale.say('attach'), 'aria-describedby': 'allowance', title: locale.say('attach') }, glyph('attach'));
    this.#responses = make('button', { type: 'button', class: 'round responses-button', part: 'button responses', hidden: true, 'aria-haspopup': 'dialog', 'aria-label': locale.say('responses'), title: locale.say('responses') }, glyph('library'));
    this.#send = make('button', { type: 'submit', class: 'round send', part: 'button send', 'aria-label': locale.say('send'), title: locale.say('send') }, glyph('send'));
    this.node.append(make('div', { class: 'field-row', part: 'field-row' }, this.#attach, this.#responses, this.#file, this.#field, this.#send),
      make('div', { class: 'composer-row' }, this.#visibility, this.#allowance), this.#error);
    this.#visibility.setAttribute('aria-label', locale.say('seenBy'));
    this.#visibility.title = locale.say('seenBy');
    this.#listen();
    this.enable(false);
  }

  focus() {
    this.#field.focus();
  }

  /**
   * Opens the file picker; browsers require a user gesture.
   *
   * @param {string} [wanted] the name of the only file that will do
   * @param {string} [shown] the name that people see
   */
  showPicker(wanted, shown = wanted) {
    if (this.#attach.disabled) return;
    this.#wanted = wanted === undefined || shown === undefined ? undefined : { name: wanted, shown };
    this.showError('');
    this.#file.click();
  }

  /** @param {boolean} live whether there is a session that can send @param {boolean} writable whether there may be one later */
  enable(live, writable = live) {
    this.#live = live;
    this.#field.disabled = !writable;
    this.#update();
  }

  /** The text that is not sent yet, and the selection in it. */
  get draft() {
    const { value: text, selectionStart: start, selectionEnd: end } = this.#field;
    return { text, start, end };
  }

  set draft({ text, start, end }) {
    if (this.#field.value === text) return;
    this.#field.value = text;
    this.#field.setSelectionRange(start, end);
    this.#update();
  }

  /** Why the last text was not sent. @param {AttacheError | undefined} error */
  set sendError(error) {
    write(this.#error, error ? this.#locale.say('unsent', { reason: this.#locale.reason(error) }) : '');
  }

  /** Shows why something was not accepted. @param {string} why '' removes it */
  showError(why) {
    write(this.#error, why);
  }

  /** @param {{ text: string, open: boolean }} allowance @param {boolean} permitted whether this party has the right to send files */
  showAllowance({ text, open }, permitted) {
    this.#open = open;
    this.#attach.hidden = !permitted;
    this.#allowance.hidden = !permitted || text === '';
    write(this.#allowance, text);
    this.#update();
  }

  /** Offers a choice of the parties that can see what is sent next, if there is one. @param {readonly Visibility[]} offered @param {Visibility} chosen */
  showVisibilities(offered, chosen) {
    if (this.#visibility.options.length !== offered.length) {
      this.#visibility.replaceChildren(...offered.map((one) => make('option', { value: one, dir: this.#locale.direction }, this.#locale.say(`seenBy${one}`))));
    }
    this.#visibility.hidden = offered.length < 2;
    this.#visibility.value = chosen;
    this.node.dataset.visibility = chosen;
    const words = this.#locale.say(chosen === 'ALL' ? 'write' : `write${chosen}`);
    this.#field.placeholder = words;
    this.#field.setAttribute('aria-label', words);
  }

  /** Whether there are standard responses to attach. @param {boolean} offered */
  set library(offered) {
    this.#responses.hidden = !offered;
  }

  #listen() {
    this.#responses.addEventListener('click', () => this.#host.showLibrary());
    this.#visibility.addEventListener('change', () => this.#host.chooseVisibility(/** @type {Visibility} */ (this.#visibility.value)));
    this.#attach.addEventListener('click', () => this.showPicker());
    this.#file.addEventListener('change', () => this.#addChosen());
    this.#field.addEventListener('input', () => {
      this.#update();
      this.#host.draftChanged(this.draft);
      this.#host.typed(this.#field.value.trim() !== '');
    });
    this.#field.addEventListener('keydown', (event) => {
      if (this.#enterKey.pressed(event)) this.#sendByKey(event);
    });
    this.#field.addEventListener('beforeinput', (event) => {
      if (this.#enterKey.writes(event)) this.#sendByKey(event);
    });
    this.node.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.node.addEventListener('click', (event) => {
      if (event.target === this.#field.parentElement) this.#field.focus();
    });
  }

  #addChosen() {
    const { files } = this.#file;
    const wanted = this.#wanted;
    this.#wanted = undefined;
    if (wanted && files?.length && ![...files].some(({ name }) => name === wanted.name)) {
      // Another file would be sent at once, without anyone asking for that.
      this.showError(this.#locale.say('chooseOther', { name: wanted.shown, attach: this.#locale.say('attach') }));
    } else if (files?.length) this.#host.add(files);
    // Without this, choosing the same file again fires no event.
    this.#file.value = '';
  }

  /** @param {Event} event an Enter that sends */
  #sendByKey(event) {
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.#field.value.trim();
    if (text !== '' && this.#live) this.#host.send(text);
  }

  #update() {
    this.#attach.disabled = !this.#live || !this.#open;
    this.#responses.disabled = !this.#live;
    this.#send.disabled = !this.#live || this.#field.value.trim() === '';
    if (globalThis.CSS?.supports?.('field-sizing', 'content')) return;
    this.#field.style.setProperty('block-size', 'auto');
    this.#field.style.setProperty('block-size', `${this.#field.scrollHeight}px`);
  }
}
