import { carried, dragged, meansFiles } from './datatransfer.js';
import { make, write } from './dom.js';
import { glyph } from './glyphs.js';

/** @typedef {import('./locale.js').Locale} Locale */

/**
 * @typedef {object} OverlayHost
 * @property {() => { text: string, open: boolean }} allowance
 * @property {(files: File[], folders: string[]) => void} add
 * @property {(dragging: boolean) => void} dragging
 * @property {(why: string) => void} complain says why nothing was sent; '' takes it back
 */

/** A drag tells every 350 ms that it is still there. Not every browser tells that it left. */
const gone = 1500;

/** Takes what is dropped or pasted anywhere on the element, and shows where it will go. */
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

  /** Listens on the frame that it covers. @param {HTMLElement} frame */
  cover(frame) {
    frame.addEventListener('dragenter', (event) => this.#over(event));
    frame.addEventListener('dragover', (event) => this.#over(event));
    frame.addEventListener('dragleave', (event) => {
      if (!frame.contains(/** @type {Node | null} */ (event.relatedTarget))) this.#show(false);
    });
    frame.addEventListener('dragend', () => this.#show(false));
    frame.addEventListener('drop', (event) => this.#dropped(event));
    frame.addEventListener('paste', (event) => this.#pasted(event));
  }

  /** Lets go of what is under way. */
  detach() {
    this.#show(false);
  }

  /** @param {DragEvent} event */
  #over(event) {
    const kind = this.#kind(event);
    if (kind === 'text' || !event.dataTransfer) return;
    event.preventDefault();
    const { text, open } = this.#host.allowance();
    const takes = open && kind === 'files';
    // What cannot be sent may still be dropped: only then can it be told why. It must not look like a copy.
    event.dataTransfer.dropEffect = takes ? 'copy' : 'link';
    if (!event.dataTransfer.types.includes('Files')) return;
    this.node.classList.toggle('closed', !takes);
    write(this.#title, this.#locale.say(kind === 'nothing' ? 'dropNoFile' : open ? 'drop' : 'dropOff'));
    write(this.#text, kind === 'nothing' ? this.#locale.say('dropNoFileHint') : text);
    this.#show(true);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#show(false), gone);
  }

  /** @param {DragEvent} event */
  #dropped(event) {
    this.#show(false);
    if (this.#kind(event) === 'text' || !event.dataTransfer) return;
    event.preventDefault();
    const { files, folders } = carried(event.dataTransfer);
    if (files.length + folders.length === 0) {
      this.#host.complain(this.#locale.text(this.#locale.say('dropNothing'), this.#locale.say('dropNoFileHint')));
      return;
    }
    this.#take(files, folders);
  }

  /** A link or picture that is dropped into the field is text there. @param {DragEvent} event */
  #kind(event) {
    const kind = dragged(event.dataTransfer);
    const field = /** @type {Partial<Element> | null} */ (event.target)?.closest?.('textarea, input');
    return field && !event.dataTransfer?.types.includes('Files') ? 'text' : kind;
  }

  /** @param {ClipboardEvent} event */
  #pasted(event) {
    const data = event.clipboardData;
    if (!data) return;
    const found = carried(data);
    if (!meansFiles(data, found)) return;
    event.preventDefault();
    this.#take(found.files, found.folders);
  }

  /** @param {File[]} files @param {string[]} folders */
  #take(files, folders) {
    const { text, open } = this.#host.allowance();
    this.#host.complain(open ? '' : this.#locale.say('dropClosed', { reason: this.#locale.sentence(text) }).trim());
    // Those are refused one by one, so that each has a tile and an event: an agent may come, and a retry do.
    this.#host.add(files, folders);
  }

  /** @param {boolean} shown */
  #show(shown) {
    if (!shown) clearTimeout(this.#timer);
    if (this.node.hidden === !shown) return;
    this.node.hidden = !shown;
    if (shown) this.#host.complain('');
    this.#host.dragging(shown);
  }
}
