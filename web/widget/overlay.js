import { dragKind, pastesFiles, transferredFiles } from './datatransfer.js';
import { make, write } from './dom.js';
import { glyph } from './glyphs.js';

/** @typedef {import('./locale.js').Locale} Locale */

/**
 * @typedef {object} OverlayHost
 * @property {() => { text: string, open: boolean }} allowance
 * @property {(files: File[], folders: string[]) => void} add
 * @property {(dragging: boolean) => void} dragging
 * @property {(why: string) => void} showError shows why nothing was sent; '' removes it
 */

/** Milliseconds. A drag fires an event every 350 ms; not every browser fires one when it leaves. */
const dragTimeout = 1500;

/** Accepts files dropped or pasted anywhere on the element, and covers the element during a drag. */
export class Overlay {
  node = make('div', { class: 'overlay', part: 'overlay', 'aria-hidden': 'true', hidden: true });
  #title = make('p', { class: 'overlay-title', dir: 'auto' });
  #text = make('p', { class: 'overlay-text', dir: 'auto' });
  #locale;
  #host;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {Locale} locale @param {OverlayHost} host */
  constructor(locale, host) {
    this.#locale = locale;
    this.#host = host;
    this.node.append(make('div', { class: 'overlay-card' }, glyph('drop'), this.#title, this.#text));
  }

  /** Adds its listeners to the frame that it covers. @param {HTMLElement} frame */
  listen(frame) {
    frame.addEventListener('dragenter', (event) => this.#draggedOver(event));
    frame.addEventListener('dragover', (event) => this.#draggedOver(event));
    frame.addEventListener('dragleave', (event) => {
      if (!frame.contains(/** @type {Node | null} */ (event.relatedTarget))) this.#show(false);
    });
    frame.addEventListener('dragend', () => this.#show(false));
    frame.addEventListener('drop', (event) => this.#dropped(event));
    frame.addEventListener('paste', (event) => this.#pasted(event));
  }

  /** Ends a drag that is under way. */
  detach() {
    this.#show(false);
  }

  /** @param {DragEvent} event */
  #draggedOver(event) {
    const kind = this.#kind(event);
    if (kind === 'text' || !event.dataTransfer) return;
    event.preventDefault();
    const { text, open } = this.#host.allowance();
    const takes = open && kind === 'files';
    // Also accept what cannot be sent, to be able to say why, but without the cursor of a copy.
    event.dataTransfer.dropEffect = takes ? 'copy' : 'link';
    if (!event.dataTransfer.types.includes('Files')) return;
    this.node.classList.toggle('closed', !takes);
    write(this.#title, this.#locale.say(kind === 'nothing' ? 'dropNoFile' : open ? 'drop' : 'dropOff'));
    write(this.#text, kind === 'nothing' ? this.#locale.say('dropNoFileHint') : text);
    this.#show(true);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#show(false), dragTimeout);
  }

  /** @param {DragEvent} event */
  #dropped(event) {
    this.#show(false);
    if (this.#kind(event) === 'text' || !event.dataTransfer) return;
    event.preventDefault();
    const { files, folders } = transferredFiles(event.dataTransfer);
    if (files.length + folders.length === 0) {
      this.#host.showError(this.#locale.text(this.#locale.say('dropNothing'), this.#locale.say('dropNoFileHint')));
      return;
    }
    this.#add(files, folders);
  }

  /** A link or picture that is dropped into the text field is text. @param {DragEvent} event */
  #kind(event) {
    const kind = dragKind(event.dataTransfer);
    const field = /** @type {Partial<Element> | null} */ (event.target)?.closest?.('textarea, input');
    return field && !event.dataTransfer?.types.includes('Files') ? 'text' : kind;
  }

  /** @param {ClipboardEvent} event */
  #pasted(event) {
    const data = event.clipboardData;
    if (!data) return;
    const found = transferredFiles(data);
    if (!pastesFiles(data, found)) return;
    event.preventDefault();
    this.#add(found.files, found.folders);
  }

  /** @param {File[]} files @param {string[]} folders */
  #add(files, folders) {
    const { text, open } = this.#host.allowance();
    this.#host.showError(open ? '' : this.#locale.say('dropClosed', { reason: this.#locale.sentence(text) }).trim());
    // Each is refused by itself and has a tile and an event: once an agent joins, a retry succeeds.
    this.#host.add(files, folders);
  }

  /** @param {boolean} shown */
  #show(shown) {
    if (!shown) clearTimeout(this.#timer);
    if (this.node.hidden === !shown) return;
    this.node.hidden = !shown;
    if (shown) this.#host.showError('');
    this.#host.dragging(shown);
  }
}
