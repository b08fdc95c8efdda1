import { Bar } from './bar.js';
import { focusIn, hasFocus, make, removeNode, writeFacts } from './dom.js';
import { glyph } from './glyphs.js';
import { icon } from './icons.js';
import { shownAs } from './content.js';
import { linked } from './links.js';
import { truncate } from './name.js';
import { maxBlobSize } from './saving.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').FileName} FileName */
/** @typedef {import('../attache.js').Progress} Progress */
/** @typedef {import('./locale.js').Locale} Locale */
/** @typedef {Pick<FileName, 'name' | 'extension' | 'kind'> & Partial<Pick<FileName, 'caution'>>} Named */
/** @typedef {{ message: string, hint: string, retryable: boolean, code?: string, id?: string }} Refusal */

/**
 * The actions of a tile's buttons.
 *
 * @typedef {object} TileActions
 * @property {(tile: Tile) => void} download
 * @property {(tile: Tile) => void} open
 * @property {(tile: Tile) => void} delete
 * @property {(tile: Tile) => void} cancel
 * @property {(tile: Tile) => void} retry
 * @property {(tile: Tile) => void} dismiss
 * @property {(tile: Tile) => void} choose
 * @property {(reason: string) => void} explain says why a button does nothing
 */

const customShown = 2;
// The proxy has all of it and finishes by itself.
const complete = ['accepted', 'scanning', 'stored', 'announced'];
// In these states the file cannot be cancelled any more.
const uncancellable = ['stored', 'announced'];

/**
 * One file, from the moment it is chosen until it is downloaded. It is the same node all
 * the time, so nothing flickers when an upload becomes a file of the chat. `data-state` is
 * the upload's state, later `ready`, `unavailable`, `downloading`, `downloaded`, or
 * `handed` to the browser, which does not report whether it saved the file.
 */
export class Tile {
  node = make('div', { class: 'tile', part: 'file' });
  /** @type {ChatFile | undefined} */
  announced;

  #locale;
  #actions;
  #bar = new Bar();
  #icon = make('span', { class: 'tile-icon', part: 'file-icon' });
  #body = make('div', { class: 'tile-body' });
  /** @type {HTMLElement} */
  #name = make('span', { class: 'tile-name', part: 'file-name' });
  #meta = make('div', { class: 'tile-meta', part: 'file-meta' });
  #note = make('div', { class: 'tile-note', part: 'file-note' });
  #extra = make('div', { class: 'tile-more' });
  #side = make('div', { class: 'tile-side' });
  /** @type {Named | undefined} */
  #named;
  /** Why a downloadable file is not offered. */
  #blockedReason = '';
  /** How many download attempts are left, in words. */
  #attempts = '';
  #deletable = false;

  /** @param {Locale} locale @param {TileActions} actions */
  constructor(locale, actions) {
    this.#locale = locale;
    this.#actions = actions;
    this.#body.append(this.#name, this.#meta, this.#note, this.#extra);
    this.node.append(this.#icon, this.#body, this.#side);
  }

  get name() {
    return this.#named?.name ?? '';
  }

  /** Shows the file's name and icon. @param {Named} named */
  label(named) {
    const { extension, kind, caution = '' } = named;
    const old = this.#named;
    this.#named = named;
    if (old?.name !== named.name || old.extension !== extension) this.#writeName();
    if (old && old.extension === extension && old.kind === kind && (old.caution ?? '') === caution) return;
    this.node.dataset.kind = kind;
    this.node.dataset.extension = extension;
    this.#icon.replaceChildren(icon(kind, extension, caution !== ''));
  }

  /** Shows an upload's progress. @param {Progress} progress @param {boolean} cancellable @param {boolean} [offline] whether there is no connection at the moment */
  upload(progress, cancellable, offline = false) {
    const { key, state, sent, stored, total } = progress;
    const waiting = state === 'offered' || total === 0;
    const words = offline && !complete.includes(state) ? this.#offlineWords(progress) : this.#uploadWords(progress);
    this.node.dataset.key = key;
    this.node.toggleAttribute('data-cut', offline);
    this.#facts(words);
    this.#bar.show({ sent: total ? sent / total : 0, stored: total ? stored / total : 0, waiting }, this.name, words);
    this.#changeState(state, () => {
      this.#showBar();
      this.#note.replaceChildren();
      if (!cancellable || uncancellable.includes(state)) this.#side.replaceChildren();
      else if (!this.#side.hasChildNodes()) this.#offerCancel('cancel');
    });
  }

  /** Shows why the file was not sent. @param {Refusal} error */
  refuse(error) {
    const name = this.name;
    const buttons = make('div', { class: 'tile-actions' });
    if (error.retryable) buttons.append(this.#button('retry', this.#locale.say('retryName', { name })));
    buttons.append(this.#button('dismiss', this.#locale.say('dismissName', { name })));
    this.#facts(this.#locale.say('failed'));
    this.#changeState('failed', () => {
      removeNode(this.#bar.node);
      this.#note.replaceChildren(this.#refusal(error), buttons);
      this.#side.replaceChildren();
    });
  }

  /** Shows what an earlier page sent of it. @param {{ key: string, stored: number, total: number }} left */
  showUnfinished({ key, stored, total }) {
    const name = this.name;
    const part = total === 0 ? 0 : stored / total;
    this.node.dataset.key = key;
    this.#facts(part < 0.01 ? this.#locale.say('unfinishedNone') : this.#locale.say('unfinished', { percent: this.#locale.percent(part) }));
    this.#changeState('unfinished', () => {
      this.#note.replaceChildren(make('div', { class: 'tile-actions' },
        this.#button('choose', this.#locale.say('chooseName', { name })),
        this.#button('dismiss', this.#locale.say('dismissName', { name }))));
      this.#side.replaceChildren();
    });
  }

  /** Shows the file as announced in the chat. @param {ChatFile} file */
  file(file) {
    this.announced = file;
    this.label(file);
    if (file.key) this.node.dataset.key = file.key;
    this.node.dataset.id = file.id;
    this.#showFile(this.#offered(file) ? 'ready' : 'unavailable', file);
  }

  /** Why a downloadable file cannot be downloaded at the moment; empty: it can. @param {string} reason */
  set blocked(reason) {
    if (this.#blockedReason === reason) return;
    this.#blockedReason = reason;
    const { state } = this.node.dataset;
    if (!this.announced) return;
    if (state === 'ready' || state === 'unavailable') this.file(this.announced);
    if (state === 'downloaded' || state === 'handed') this.#showFile(state, this.announced);
  }

  /** Whether this party may delete the file. @param {boolean} deletable */
  set deletable(deletable) {
    if (this.#deletable === deletable) return;
    this.#deletable = deletable;
    if (this.announced && this.node.dataset.state !== 'downloading') this.#offerDeletion();
  }

  /** How many download attempts are left, in words; empty: they are not limited. @param {string} attempts */
  set attempts(attempts) {
    if (this.#attempts === attempts) return;
    this.#attempts = attempts;
    const { state } = this.node.dataset;
    if (this.announced && state !== 'downloading') this.#fileFacts(this.announced, state);
  }

  /** @param {ChatFile} file */
  #offered(file) {
    return file.downloadable && this.#blockedReason === '';
  }

  /** Shows a download's progress. @param {number} [part] 0 to 1, if it is known @param {boolean} [scanning] whether the proxy scans the file first */
  downloading(part, scanning = false) {
    const words = part === undefined
      ? this.#locale.say(scanning ? 'scanning' : 'downloadStarting')
      : this.#locale.say('downloading', { percent: this.#locale.percent(part) });
    if (this.node.dataset.state !== 'downloading') {
      this.#changeState('downloading', () => {
        this.#writeName();
        this.#note.replaceChildren();
        this.#offerCancel('cancelDownload');
      });
    }
    this.#facts(words);
    this.#bar.show({ sent: part ?? 0, stored: part ?? 0, waiting: part === undefined }, this.name, words);
    this.#showBar();
  }

  /**
   * Shows that a download ended.
   *
   * @param {'downloaded' | 'handed' | 'ready'} state `ready` if it was stopped or has failed
   * @param {{ error?: Refusal, instead?: boolean }} [why] `instead`: it was saved because it cannot be shown
   */
  downloaded(state, { error, instead = false } = {}) {
    if (!this.announced) return;
    this.#showFile(state === 'ready' && !this.#offered(this.announced) ? 'unavailable' : state, this.announced);
    if (instead) this.#note.append(make('p', { class: 'reason', dir: 'auto' }, this.#locale.say('savedInstead')));
    if (error) this.#note.append(this.#refusal(error));
  }

  /**
   * Changes the state. If that removes the control that has the focus, the focus stays in
   * the tile.
   *
   * @param {string} state
   * @param {() => void} change
   */
  #changeState(state, change) {
    const focused = hasFocus(this.node);
    this.node.dataset.state = state;
    change();
    // A click beside its controls, such as the second one of a double click, focuses the tile itself.
    if (!focused || hasFocus(this.node) && focusIn(this.node) !== this.node) return;
    this.node.tabIndex = -1;
    (this.node.querySelector('button') ?? this.node).focus();
  }

  #showBar() {
    if (!this.#bar.node.parentNode) this.#meta.after(this.#bar.node);
  }

  /** The progress without a connection. @param {Progress} progress */
  #offlineWords({ stored, total }) {
    const locale = this.#locale;
    if (stored === 0) return locale.say('waiting');
    return locale.say('waitingPart', { done: locale.size(stored), size: locale.size(total) });
  }

  /** @param {Progress} progress */
  #uploadWords({ state, sent, total }) {
    const locale = this.#locale;
    switch (state) {
      case 'offered':
      case 'announced':
      case 'stored':
      case 'scanning':
        return locale.say(state);
      case 'receiving':
        return sent < total ? locale.say('sending', { done: locale.size(sent), size: locale.size(total) }) : locale.say('storing');
      default:
        return locale.say('storing');
    }
  }

  /** Writes the name: a button that opens or downloads, or plain text if there is nothing to download. */
  #writeName() {
    const { name, extension } = this.#named ?? { name: '', extension: '' };
    const { head, tail, suffix } = truncate(name, extension);
    const file = this.announced;
    const ready = file?.downloadable && this.node.dataset.state !== 'downloading';
    const node = ready ? this.#fileButton(file, shownAs(file, maxBlobSize) ? 'open' : 'download') : make('span');
    node.className = 'tile-name';
    node.setAttribute('part', 'file-name');
    node.title = name;
    node.append(make('bdi', {},
      make('span', { class: 'name-head' }, head),
      tail !== '' && make('span', { class: 'name-tail' }, tail),
      suffix !== '' && make('span', { class: 'name-suffix' }, suffix)));
    this.#name.replaceWith(node);
    this.#name = node;
  }

  /** @param {ChatFile} file @param {'open' | 'download'} action */
  #fileButton(file, action) {
    const blocked = !this.#offered(file);
    const button = make('button', {
      type: 'button',
      'aria-label': this.#locale.say(action, { name: file.name, kind: this.#locale.say(`kind-${file.kind}`), size: this.#locale.size(file.size) }),
      // It keeps the focus, so that screen readers read why it does nothing.
      'aria-disabled': blocked && 'true', 'aria-describedby': blocked && this.#reasonId,
    });
    button.addEventListener('click', (event) => {
      if (blocked) this.#actions.explain(this.#blockedReason);
      // The second click of a double click does not cost a second attempt.
      else if (event.detail < 2) this.#actions[action](this);
    });
    return button;
  }

  /** @param {...string} facts */
  #facts(...facts) {
    writeFacts(this.#meta, this.#locale.direction, ...facts);
  }

  /** @param {ChatFile} file */
  #writeFacts(file) {
    const locale = this.#locale;
    this.#note.replaceChildren();
    if (file.caution) this.#note.append(make('p', { class: 'caution', dir: 'auto' }, locale.say(file.caution)));
    if (file.changed) this.#note.append(make('p', { class: 'reason', part: 'file-changed', dir: 'auto' }, locale.say(file.changed)));
    if (file.downloadable && this.#blockedReason) this.#note.append(make('p', { class: 'reason', id: this.#reasonId, dir: 'auto' }, this.#blockedReason));
    if (!file.downloadable && file.reason) this.#note.append(make('p', { class: 'reason', dir: 'auto' }, locale.sentence(file.reason)));
    if (this.#extra.hasChildNodes()) return;
    if (file.description) this.#extra.append(make('p', { class: 'tile-description', part: 'file-description', dir: 'auto' }, ...linked(file.description)));
    this.#extra.append(...this.#custom(Object.entries(file.custom)));
  }

  /** @param {[string, string][]} entries @returns {HTMLElement[]} */
  #custom(entries) {
    if (entries.length === 0) return [];
    const list = make('dl', { class: 'tile-custom', part: 'file-custom' });
    for (const [key, value] of entries) {
      list.append(make('div', {}, make('dt', { dir: 'auto' }, key), make('dd', { dir: 'auto' }, value)));
    }
    if (entries.length <= customShown) return [list];
    return [make('details', {}, make('summary', { dir: this.#locale.direction }, this.#locale.say('details', { count: entries.length })), list)];
  }

  /** Shows a file of the chat that is not being downloaded. @param {'ready' | 'unavailable' | 'downloaded' | 'handed'} state @param {ChatFile} file */
  #showFile(state, file) {
    this.#changeState(state, () => {
      removeNode(this.#bar.node);
      this.#side.replaceChildren();
      this.#writeName();
      this.#writeFacts(file);
      this.#fileFacts(file, state);
      const sign = state === 'ready' ? 'download' : state === 'downloaded' ? 'done' : undefined;
      if (this.#offered(file) && shownAs(file, maxBlobSize)) this.#offerSave(file, sign ?? 'download');
      else if (sign) this.#side.append(glyph(sign));
      this.#offerDeletion();
    });
  }

  #offerDeletion() {
    removeNode(this.#side.querySelector('.tile-delete'));
    if (!this.#deletable) return;
    const words = this.#locale.say('delete', { name: this.name });
    const button = make('button', { type: 'button', class: 'tile-delete', part: 'button delete', 'aria-haspopup': 'dialog', 'aria-label': words, title: words }, glyph('delete'));
    button.addEventListener('click', () => this.#actions.delete(this));
    this.#side.append(button);
  }

  /** Offers to save a file whose name opens it. @param {ChatFile} file @param {'download' | 'done'} sign */
  #offerSave(file, sign) {
    const button = this.#fileButton(file, 'download');
    button.className = 'tile-save';
    button.setAttribute('part', 'button save');
    button.title = this.#locale.say('save');
    button.append(glyph(sign));
    this.#side.append(button);
  }

  get #reasonId() {
    return `reason-${this.announced?.id}`;
  }

  /** Writes its size and kind, what was done with it, and how often it can be downloaded. @param {ChatFile} file @param {string} [state] */
  #fileFacts(file, state) {
    const locale = this.#locale;
    const facts = [locale.size(file.size), locale.say(`kind-${file.kind}`)];
    if (state === 'downloaded' || state === 'handed') facts.push(locale.say(state));
    if (file.downloadable && this.#attempts) facts.push(this.#attempts);
    this.#facts(...facts);
  }

  /** @param {'cancel' | 'cancelDownload'} word */
  #offerCancel(word) {
    const button = make('button', { type: 'button', class: 'tile-cancel', part: 'button cancel', 'aria-label': this.#locale.say(word, { name: this.name }) }, glyph('cancel'));
    button.addEventListener('click', () => this.#actions.cancel(this));
    this.#side.replaceChildren(button);
  }

  /** @param {'retry' | 'dismiss' | 'choose'} action @param {string} label */
  #button(action, label) {
    const button = make('button', { type: 'button', class: `text-button ${action}`, part: `button ${action}`, 'aria-label': label },
      action === 'retry' && glyph('retry'), this.#locale.say(action));
    button.addEventListener('click', () => this.#actions[action](this));
    return button;
  }

  /** @param {Refusal} error */
  #refusal(error) {
    return make('p', { class: 'refusal', dir: 'auto' }, this.#locale.reason(error) || this.#locale.say('broken'));
  }
}
