import { Dialog } from './dialog.js';
import { make } from './dom.js';

/** @typedef {import('./locale.js').Locale} Locale */

/**
 * Asks before something that cannot be taken back, or that leaves the chat. Nothing
 * happens unless the person presses the button that says so.
 *
 * @param {Locale} locale
 * @param {object} question
 * @param {string} question.title
 * @param {(Node | string)[]} question.text
 * @param {HTMLElement} question.yes the button or link that does it
 * @param {Node} parent
 */
export function ask(locale, { title, text, yes }, parent) {
  const dialog = new Dialog(locale, { title, part: 'question' });
  const no = make('button', { type: 'button', class: 'text-button', part: 'button no' }, locale.say('no'));
  no.addEventListener('click', () => dialog.close());
  yes.addEventListener('click', () => dialog.close());
  dialog.body.append(
    make('p', { class: 'question-text', dir: locale.direction }, ...text),
    make('div', { class: 'question-buttons' }, no, yes));
  // Not the button that does it: Enter opened this, and may be pressed twice.
  dialog.open(parent, no);
  return dialog;
}
