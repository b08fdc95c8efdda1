import { asAttacheError } from '../session/error.js';
import { Dialog } from './dialog.js';
import { make, write, writeFacts } from './dom.js';

/** @typedef {import('../attache.js').StandardResponse} StandardResponse */
/** @typedef {import('./locale.js').Locale} Locale */

/**
 * What a library needs.
 *
 * @typedef {object} LibraryHost
 * @property {(words: string, after?: string) => Promise<{ responses: readonly StandardResponse[], more: boolean }>} find
 * @property {(response: StandardResponse) => Promise<unknown>} attach
 */

/** Milliseconds without a key before the library is searched. */
const searchDelay = 150;

/**
 * A dialog that lists and searches the standard responses, and attaches the one that is
 * chosen. The focus stays in the search field; arrow keys move through the list.
 */
export class Library {
  #dialog;
  #locale;
  #host;
  #search;
  #list = make('div', { class: 'responses', part: 'responses', role: 'listbox', id: 'responses' });
  #status = make('p', { class: 'responses-status', role: 'status', dir: 'auto' });
  #error = make('p', { class: 'refusal', role: 'alert', dir: 'auto' });
  #more;
  /** @type {{ response: StandardResponse, node: HTMLElement }[]} */
  #options = [];
  #active = -1;
  /** The newest search: the answer to an older one is not shown. */
  #searches = 0;
  /** The words that the list is the answer to; undefined: none yet. @type {string | undefined} */
  #listed;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #attaching = false;

  /** @param {Locale} locale @param {LibraryHost} host */
  constructor(locale, host) {
    this.#locale = locale;
    this.#host = host;
    this.#search = make('input', {
      type: 'search', class: 'responses-search', part: 'responses-search', dir: 'auto', autocomplete: 'off', spellcheck: 'false',
      role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'true', 'aria-controls': 'responses',
      'aria-label': locale.say('searchResponses'), placeholder: locale.say('searchResponses'),
    });
    this.#list.setAttribute('aria-label', locale.say('responses'));
    this.#more = make('button', { type: 'button', class: 'text-button', part: 'button more', hidden: true }, locale.say('moreResponses'));
    this.#dialog = new Dialog(locale, { title: locale.say('responses'), part: 'library', closed: () => clearTimeout(this.#timer) });
    this.#dialog.body.append(this.#search, this.#status, this.#list, this.#more, this.#error);
    this.#search.addEventListener('input', () => this.#searchSoon());
    this.#search.addEventListener('keydown', (event) => this.#pressed(event));
    this.#more.addEventListener('click', () => this.#loadMore());
  }

  /** @param {Node} parent */
  open(parent) {
    this.#dialog.open(parent, this.#search);
    this.#load();
  }

  close() {
    this.#dialog.close();
  }

  #searchSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), searchDelay);
  }

  /** Lists what fits the words, or its next page. @param {string} [after] the last document that is listed */
  async #load(after) {
    this.#searches += 1;
    const search = this.#searches;
    const words = this.#search.value.trim();
    this.#list.setAttribute('aria-busy', 'true');
    try {
      const { responses, more } = await this.#host.find(words, after);
      if (search !== this.#searches) return;
      this.#listed = words;
      if (after === undefined) this.#empty();
      for (const response of responses) this.#add(response);
      this.#more.hidden = !more;
      if (after === undefined) this.#activate(this.#options.length > 0 ? 0 : -1);
      write(this.#error, '');
      write(this.#status, this.#locale.say(more ? 'responsesMore' : 'responsesFound', { count: this.#options.length }));
    } catch (error) {
      if (search === this.#searches) write(this.#error, this.#locale.reason(asAttacheError(error)));
    } finally {
      if (search === this.#searches) this.#list.removeAttribute('aria-busy');
    }
  }

  /** Whether the list is for other words than those in the field; searches for them if so. */
  #outdated() {
    if (this.#listed === this.#search.value.trim()) return false;
    clearTimeout(this.#timer);
    this.#load();
    return true;
  }

  async #loadMore() {
    if (this.#outdated()) return;
    const last = this.#options.at(-1);
    const before = this.#options.length;
    await this.#load(last?.response.documentId);
    this.#search.focus();
    if (this.#options.length > before) this.#activate(before);
  }

  #empty() {
    this.#options = [];
    this.#active = -1;
    this.#list.replaceChildren();
  }

  /** @param {StandardResponse} response */
  #add(response) {
    const { name, description, size } = response;
    const index = this.#options.length;
    const facts = make('span', { class: 'response-facts' });
    writeFacts(facts, this.#locale.direction, this.#locale.size(size), ...(description === '' ? [] : [description]));
    const node = make('div', { class: 'response', part: 'response', role: 'option', id: `response-${index}`, 'aria-selected': 'false' },
      make('bdi', { class: 'response-name' }, name), facts);
    // The field keeps the focus.
    node.addEventListener('mousedown', (event) => event.preventDefault());
    node.addEventListener('click', () => this.#choose(index));
    this.#options.push({ response, node });
    this.#group(response.folder).append(node);
  }

  /** Returns the group of a folder: the last one, if it is that folder's. @param {string} folder */
  #group(folder) {
    const last = /** @type {HTMLElement | null} */ (this.#list.lastElementChild);
    if (last?.dataset.folder === folder) return last;
    const words = folder === '' ? this.#locale.say('noFolder') : folder.split('/').join(' › ');
    const group = make('div', { class: 'responses-folder', role: 'group', 'aria-label': words, 'data-folder': folder },
      make('div', { class: 'responses-heading', dir: 'auto', 'aria-hidden': 'true' }, words));
    this.#list.append(group);
    return group;
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.isComposing) return;
    const last = this.#options.length - 1;
    const page = 8;
    /** @type {Record<string, number>} */
    const to = {
      ArrowDown: this.#active + 1, ArrowUp: this.#active - 1, PageDown: Math.min(this.#active + page, last), PageUp: Math.max(this.#active - page, 0),
    };
    if (event.key in to) {
      event.preventDefault();
      if (to[event.key] > last && !this.#more.hidden) this.#loadMore();
      else if (last >= 0) this.#activate(Math.max(0, Math.min(last, to[event.key])));
    } else if (event.key === 'Enter' && this.#active >= 0) {
      event.preventDefault();
      // A held key would attach the next one as well, and a fast one what is not wanted any more.
      if (!event.repeat && !this.#outdated()) this.#choose(this.#active);
    }
  }

  /** Marks an option as the one that Enter attaches. @param {number} index */
  #activate(index) {
    this.#options[this.#active]?.node.setAttribute('aria-selected', 'false');
    this.#active = index;
    const node = this.#options[index]?.node;
    if (!node) {
      this.#search.removeAttribute('aria-activedescendant');
      return;
    }
    node.setAttribute('aria-selected', 'true');
    node.scrollIntoView({ block: 'nearest' });
    this.#search.setAttribute('aria-activedescendant', node.id);
  }

  /** @param {number} index */
  async #choose(index) {
    if (this.#attaching) return;
    this.#activate(index);
    this.#attaching = true;
    this.#list.setAttribute('aria-disabled', 'true');
    try {
      await this.#host.attach(this.#options[index].response);
      this.close();
    } catch (error) {
      write(this.#error, this.#locale.reason(asAttacheError(error)));
    } finally {
      this.#attaching = false;
      this.#list.removeAttribute('aria-disabled');
    }
  }
}
