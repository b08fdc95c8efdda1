import { make } from './dom.js';
import { Library } from './library.js';
import { ask } from './question.js';
import { Viewer } from './viewer.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('./conversation.js').Conversation} Conversation */
/** @typedef {import('./locale.js').Locale} Locale */

/** The dialogs over one pane, of which one is open at a time. */
export class Dialogs {
  #locale;
  #conversation;
  #parent;
  /** The one that was opened last. @type {{ close: () => void } | undefined} */
  #last;
  /** The file in the viewer. */
  #shown = '';
  #detached = false;

  /** @param {Locale} locale @param {Conversation} conversation @param {HTMLElement} parent */
  constructor(locale, conversation, parent) {
    this.#locale = locale;
    this.#conversation = conversation;
    this.#parent = parent;
  }

  /** Shows the content of a file, once it is fetched. @param {ChatFile} file */
  async openFile(file) {
    const content = await this.#conversation.open(file);
    if (!content) return;
    // A file that was opened meanwhile waits until the one before it is closed: it was charged.
    for (let other; (other = this.#parent.querySelector('dialog'));) {
      const open = other;
      await new Promise((closed) => open.addEventListener('close', closed, { once: true }));
      if (this.#detached) return;
    }
    if (this.#detached || !this.#parent.isConnected || !this.#conversation.downloads.of(file.id)) return;
    const viewer = new Viewer(this.#locale, file, content, {
      save: () => this.#conversation.download(file),
      closed: () => { this.#shown = ''; },
    });
    this.#shown = file.id;
    this.#last = viewer;
    viewer.open(this.#parent);
  }

  /** Closes the viewer if it shows that file. @param {string} id */
  fileDeleted(id) {
    if (this.#shown === id) this.close();
  }

  /** Deletes a file if the person confirms that. @param {ChatFile} file @param {(error: unknown) => void} failed */
  deleteFile(file, failed) {
    const yes = make('button', { type: 'button', class: 'text-button danger', part: 'button yes' }, this.#locale.say('deleteYes'));
    yes.addEventListener('click', () => this.#conversation.delete(file).catch(failed));
    this.#last = ask(this.#locale, {
      title: this.#locale.say('deleteAsk', { name: file.name }), text: [this.#locale.say('deleteText')], yes,
    }, this.#parent);
  }

  showLibrary() {
    const library = new Library(this.#locale, this.#conversation.responses);
    this.#last = library;
    library.open(this.#parent);
  }

  close() {
    this.#last?.close();
  }

  /** Closes and opens nothing any more. */
  detach() {
    this.#detached = true;
    this.close();
  }
}
