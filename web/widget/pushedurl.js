import { make } from './dom.js';
import { ask } from './question.js';

/** @typedef {import('./locale.js').Locale} Locale */

/**
 * Returns a button for an address that another party pushed. It asks before it opens
 * anything, shows the real host, and the page that opens gets no reference to this one.
 * An address that is not http or https is only text.
 *
 * @param {Locale} locale
 * @param {string} address
 * @returns {HTMLElement}
 */
export function pushedURL(locale, address) {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return make('bdi', { class: 'pushed-text', dir: 'ltr' }, address);
  // "https://your-bank.example@elsewhere.example" names the wrong host to a quick reader.
  url.username = '';
  url.password = '';
  const { host, href } = url;
  const button = make('button', { type: 'button', class: 'text-button pushed', part: 'button pushed', 'aria-haspopup': 'dialog' }, make('bdi', { dir: 'ltr' }, host));
  button.addEventListener('click', () => ask(locale, {
    title: locale.say('openPage', { name: host }),
    text: [make('bdi', { class: 'pushed-address', dir: 'ltr' }, href)],
    yes: make('a', { class: 'text-button primary', part: 'button yes', href, target: '_blank', rel: 'noopener noreferrer' }, locale.say('openPageYes')),
  }, button.getRootNode()));
  return button;
}
