import { make, write } from './dom.js';
import { glyph } from './glyphs.js';

/** @typedef {import('./locale.js').Locale} Locale */

/**
 * @typedef {object} OverlayHost
 * @property {() => { text: string, open: boolean }} allowance
 * @property {(files: File[], folders: string[]) => void} add
 * @property {(dragging: boolean) => void} dragging
 */

/** Takes what is dropped or pasted anywhere on the element, and shows where it will go. */
export class Overlay {
  node = make('div', { class: 'overlay', part: 'overlay', 'aria-hidden': 'true', hidden: true });
  #title = make('p', { class: 'overlay-title' });
  #text = make('p', { class: 'overlay-text' });
  #locale;
  #host;

  /** @param {Locale} locale @param {OverlayHost} host */
  constructor(locale, host) {
    this.#locale = locale;
    this.#host = host;
    this.node.append(make('div', { class: 'overlay-card' }, glyph('drop'), this.#title, this.#text));
  }

  /** Listens on the frame that it covers. @param {HTMLElement} frame */
  cover(frame) {
    frame.addEventListener('dragenter', (event) => this.#over(event));
    frame.addEventListener('dragover', (event) => this.#over(event));
    frame.addEventListener('dragleave', (event) => {
      if (!frame.contains(/** @type {Node | null} */ (event.relatedTarget))) this.#show(false);
    });
    frame.addEventListener('drop', (event) => this.#dropped(event));
    frame.addEventListener('paste', (event) => this.#pasted(event));
  }

  /** @param {DragEvent} event */
  #over(event) {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    const { text, open } = this.#host.allowance();
    event.dataTransfer.dropEffect = open ? 'copy' : 'none';
    this.node.classList.toggle('closed', !open);
    write(this.#title, this.#locale.say(open ? 'drop' : 'dropOff'));
    write(this.#text, text);
    this.#show(true);
  }

  /** @param {DragEvent} event */
  #dropped(event) {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    this.#show(false);
    const { files, folders } = sorted(event.dataTransfer);
    if (this.#host.allowance().open) this.#host.add(files, folders);
  }

  /** @param {ClipboardEvent} event */
  #pasted(event) {
    const data = event.clipboardData;
    // Office programs put a picture beside the text that was copied: the text is meant.
    if (!data || data.files.length === 0 || data.types.includes('text/plain')) return;
    event.preventDefault();
    if (this.#host.allowance().open) this.#host.add([...data.files], []);
  }

  /** @param {boolean} shown */
  #show(shown) {
    if (this.node.hidden === !shown) return;
    this.node.hidden = !shown;
    this.#host.dragging(shown);
  }
}

/** Tells folders from files: a folder comes as a file that cannot be read. @param {DataTransfer} data */
function sorted(data) {
  /** @type {File[]} */
  const files = [];
  /** @type {string[]} */
  const folders = [];
  for (const item of data.items) {
    const file = item.kind === 'file' ? item.getAsFile() : null;
    if (!file) continue;
    if (item.webkitGetAsEntry()?.isDirectory) folders.push(file.name);
    else files.push(file);
  }
  return { files, folders };
}
