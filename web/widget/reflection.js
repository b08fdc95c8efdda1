import { warnOfMisspelling } from '../session/misspelling.js';

// The module can be imported without a DOM.
const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

const attributes = ['url', 'token', 'conversation', 'heading', 'lang', 'nickname', 'readonly', 'uploads-enabled', 'credentials'];
const properties = ['url', 'token', 'conversation', 'heading', 'nickname', 'readOnly', 'uploadsEnabled', 'session'];

/** The properties of the chat's element that are attributes and nothing more. */
export class Reflection extends Base {
  get url() {
    return this.getAttribute('url') ?? '';
  }

  set url(value) {
    this.setAttribute('url', value);
  }

  get conversation() {
    return this.getAttribute('conversation') ?? '';
  }

  set conversation(value) {
    if (value) this.setAttribute('conversation', value);
    else this.removeAttribute('conversation');
  }

  get heading() {
    return this.getAttribute('heading') ?? '';
  }

  set heading(value) {
    this.setAttribute('heading', value);
  }

  get nickname() {
    return this.getAttribute('nickname') ?? '';
  }

  set nickname(value) {
    this.setAttribute('nickname', value);
  }

  get readOnly() {
    return this.hasAttribute('readonly');
  }

  set readOnly(value) {
    this.toggleAttribute('readonly', value);
  }
}

/** Applies the properties that were set before the element was defined. @param {Reflection} element */
export function applyEarlyProperties(element) {
  const self = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (element));
  for (const name of properties) {
    if (!Object.hasOwn(element, name)) continue;
    const value = self[name];
    delete self[name];
    self[name] = value;
  }
}

/** Logs attributes and properties that the page has set and that are nearly those of the element. @param {Reflection} element */
export function warnOfMisspellings(element) {
  for (const name of element.getAttributeNames()) warnOfMisspelling('<attache-chat> has no attribute', name, attributes);
  for (const name of Object.keys(element)) warnOfMisspelling('<attache-chat> has no property', name, properties);
}
