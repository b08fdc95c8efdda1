import { make, write } from './dom.js';
import { Enter } from './enterkey.js';
import { glyph } from './glyphs.js';

/** @typedef {import('../attache.js').AttacheError} AttacheError */
/** @typedef {import('./conversation.js').Draft} Draft */
/** @typedef {import('./locale.js').Locale} Locale */

/**
 * @typedef {object} ComposerHost
 * @property {(text: string) => unknown} send
 * @property {(files: FileList) => void} add
 * @property {(draft: Draft) => void} drafted
 */

/** Where a text is written and files are chosen. */
export class Composer {
  node = make('form', { class: 'composer', part: 'composer' });
  #field;
  #file = make('input', { type: 'file', multiple: true, class: 'file-input', tabindex: -1, 'aria-hidden': 'true' });
  #attach;
  #send;
  #allowance = make('p', { class: 'allowance', part: 'allowance', id: 'allowance', dir: 'auto' });
  #error = make('p', { class: 'refusal', part: 'composer-error', role: 'alert', dir: 'auto' });
  #locale;
  #host;
  #enter = new Enter();
  #open = true;
  #live = false;
  /** The file that the picker was opened for. @type {{ name: string, shown: string } | undefined} */
  #wanted;

  /** @param {Locale} locale @param {ComposerHost} host */
  constructor(locale, host) {
    this.#locale = locale;
    this.#host = host;
    this.#field = make('textarea', { class: 'field', part: 'field', rows: 1, dir: 'auto', enterkeyhint: 'send', placeholder: locale.say('write'), 'aria-label': locale.say('write') });
    this.#attach = make('button', { type: 'button', class: 'round attach', part: 'button attach', 'aria-label': locale.say('attach'), 'aria-describedby': 'allowance', title: locale.say('attach') }, glyph('attach'));
    this.#send = make('button', { type: 'submit', class: 'round send', part: 'button send', 'aria-label': locale.say('send'), title: locale.say('send') }, glyph('send'));
    this.node.append(make('div', { class: 'field-row', part: 'field-row' }, this.#attach, this.#file, this.#field, this.#send), this.#allowance, this.#error);
    this.#listen();
    this.enable(false);
  }

  focus() {
    this.#field.focus();
  }

  /**
   * Opens the file picker; the browser asks for a person's action first.
   *
   * @param {string} [wanted] the file to be chosen, where only that will do: its own name, and the one that people see
   * @param {string} [shown]
   */
  pick(wanted, shown = wanted) {
    if (this.#attach.disabled) return;
    this.#wanted = wanted === undefined || shown === undefined ? undefined : { name: wanted, shown };
    this.complain('');
    this.#file.click();
  }

  /** @param {boolean} live whether there is a session to write to @param {boolean} writable whether there may be one later */
  enable(live, writable = live) {
    this.#live = live;
    this.#field.disabled = !writable;
    this.#update();
  }

  /** What is written, and where the caret is. */
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

  /** Why the last text came back. @param {AttacheError | undefined} error */
  set trouble(error) {
    write(this.#error, error ? this.#locale.say('unsent', { reason: this.#locale.reason(error) }) : '');
  }

  /** Says why something that was handed over was not taken. @param {string} why '' takes it back */
  complain(why) {
    write(this.#error, why);
  }

  /** @param {{ text: string, open: boolean }} allowance @param {boolean} permitted whether this party may send files at all */
  allow({ text, open }, permitted) {
    this.#open = open;
    this.#attach.hidden = !permitted;
    this.#allowance.hidden = !permitted || text === '';
    write(this.#allowance, text);
    this.#update();
  }

  #listen() {
    this.#attach.addEventListener('click', () => this.pick());
    this.#file.addEventListener('change', () => this.#chosen());
    this.#field.addEventListener('input', () => {
      this.#update();
      this.#host.drafted(this.draft);
    });
    this.#field.addEventListener('keydown', (event) => {
      if (this.#enter.pressed(event)) this.#pressed(event);
    });
    this.#field.addEventListener('beforeinput', (event) => {
      if (this.#enter.writes(event)) this.#pressed(event);
    });
    this.node.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.node.addEventListener('click', (event) => {
      if (event.target === this.#field.parentElement) this.#field.focus();
    });
  }

  #chosen() {
    const { files } = this.#file;
    const wanted = this.#wanted;
    this.#wanted = undefined;
    if (wanted && files?.length && ![...files].some(({ name }) => name === wanted.name)) {
      // Another file would go to the others at once, although nobody asked to send it.
      this.complain(this.#locale.say('chooseOther', { name: wanted.shown, attach: this.#locale.say('attach') }));
    } else if (files?.length) this.#host.add(files);
    // The same file may be chosen again.
    this.#file.value = '';
  }

  /** @param {Event} event Enter, where it is there to send */
  #pressed(event) {
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.#field.value.trim();
    if (text !== '' && this.#live) this.#host.send(text);
  }

  #update() {
    this.#attach.disabled = !this.#live || !this.#open;
    this.#send.disabled = !this.#live || this.#field.value.trim() === '';
    if (globalThis.CSS?.supports?.('field-sizing', 'content')) return;
    this.#field.style.setProperty('block-size', 'auto');
    this.#field.style.setProperty('block-size', `${this.#field.scrollHeight}px`);
  }
}
