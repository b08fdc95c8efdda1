import { Dialog } from './dialog.js';
import { make } from './dom.js';
import { glyph } from './glyphs.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('./content.js').Content} Content */
/** @typedef {import('./locale.js').Locale} Locale */

/**
 * Shows the content of one file over the page, and runs nothing of it: pictures, sounds and
 * videos by elements that only draw or play, from a URL whose type is one of a closed list
 * ({@link import('./content.js').contentOf}); a text as a text node.
 */
export class Viewer {
  #dialog;
  #url = '';

  /**
   * @param {Locale} locale
   * @param {ChatFile} file
   * @param {Content} content
   * @param {{ save: () => void, closed: () => void }} host
   */
  constructor(locale, file, content, { save, closed }) {
    const dialog = new Dialog(locale, {
      title: file.name, part: 'viewer',
      closed: () => {
        if (this.#url !== '') URL.revokeObjectURL(this.#url);
        closed();
      },
    });
    this.#dialog = dialog;
    const label = locale.say('download', { name: file.name, kind: locale.say(`kind-${file.kind}`), size: locale.size(file.size) });
    const button = make('button', { type: 'button', class: 'text-button', part: 'button save', 'aria-label': label }, glyph('download'), locale.say('save'));
    button.addEventListener('click', save);
    dialog.actions.append(button);
    dialog.body.append(this.#shown(content, file, () => make('p', { class: 'viewer-note', role: 'alert', dir: locale.direction }, locale.say('notShown'))));
  }

  /** @param {Content} content @param {ChatFile} file @param {() => HTMLElement} instead returns what is shown if the browser cannot show it */
  #shown(content, { name }, instead) {
    if (content.kind === 'text') return make('pre', { class: 'viewer-text', part: 'viewer-text', dir: 'auto', tabindex: 0, 'aria-label': name, role: 'document' }, content.text);
    this.#url = URL.createObjectURL(content.blob);
    const media = this.#media(content.kind, name);
    media.addEventListener('error', () => media.replaceWith(instead()), { once: true });
    media.src = this.#url;
    return media;
  }

  /** @param {'image' | 'audio' | 'video'} kind @param {string} name */
  #media(kind, name) {
    if (kind === 'image') return make('img', { class: 'viewer-media', part: 'viewer-media', alt: name, decoding: 'async' });
    return make(kind, { class: 'viewer-media', part: 'viewer-media', controls: true, preload: 'metadata', 'aria-label': name });
  }

  /** @param {Node} parent */
  open(parent) {
    const { node } = this.#dialog;
    this.#dialog.open(parent, node.querySelector('pre') ?? undefined);
  }

  close() {
    this.#dialog.close();
  }
}
