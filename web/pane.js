import { allowance } from './allowance.js';
import { Announcer } from './announcer.js';
import { Composer } from './composer.js';
import { make } from './dom.js';
import { Header } from './header.js';
import { Overlay } from './overlay.js';
import { present } from './roster.js';
import { save } from './saving.js';
import { Tile } from './tile.js';
import { Transcript } from './transcript.js';
import { Uploads } from './uploads.js';

/** @typedef {import('./attache.js').ChatFile} ChatFile */
/** @typedef {import('./attache.js').Session} Session */
/** @typedef {import('./attache.js').SessionState} SessionState */
/** @typedef {import('./attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('./locale.js').Locale} Locale */
/** @typedef {import('./tile.js').Refusal} Refusal */

/**
 * What the pane asks of the element around it.
 *
 * @typedef {object} PaneHost
 * @property {(type: string, detail: unknown) => void} fire
 * @property {(name: string, type: string) => Promise<import('./attache.js').FileName>} describe
 * @property {() => void} reconnect
 * @property {(dragging: boolean) => void} dragging
 */

/** Everything that is seen of one chat session, in one language. */
export class Pane {
  node = make('div', { class: 'frame', part: 'frame' });
  #header;
  #banner = make('div', { class: 'banner', part: 'banner', role: 'alert', hidden: true });
  #transcript;
  #composer;
  #announcer = new Announcer();
  #locale;
  #host;
  #readonly;
  /** @type {Session | undefined} */
  #session;
  /** @type {Uploads | undefined} */
  #uploads;
  #listening = new AbortController();
  /** Own texts on their way. @type {HTMLElement[]} */
  #unsaid = [];
  /** @type {WeakMap<Tile, AbortController>} */
  #downloads = new WeakMap();

  /** @param {Locale} locale @param {boolean} readonly @param {PaneHost} host */
  constructor(locale, readonly, host) {
    this.#locale = locale;
    this.#host = host;
    this.#readonly = readonly;
    this.#header = new Header(locale);
    this.#transcript = new Transcript(locale, readonly);
    this.#composer = new Composer(locale, {
      send: (text) => this.#send(text),
      add: (files) => this.add(files),
      unsent: (error) => host.fire('attache-error', error),
    });
    this.node.append(this.#header.node, this.#banner, this.#transcript.frame);
    if (!readonly) this.#writable();
    this.node.append(...this.#announcer.nodes);
  }

  #writable() {
    const overlay = new Overlay(this.#locale, {
      allowance: () => this.#allowance(),
      add: (files, folders) => {
        this.add(files);
        for (const name of folders) this.#uploads?.reject(name, this.#locale.say('folder'));
      },
      dragging: this.#host.dragging,
    });
    overlay.cover(this.node);
    this.node.append(this.#composer.node, overlay.node);
  }

  /** @param {string} heading */
  set heading(heading) {
    this.#header.heading = heading;
  }

  /** Shows that a connection is being made, or that none could be. @param {unknown} [error] */
  connecting(error) {
    this.#header.state = error === undefined ? 'connecting' : 'closed';
    if (error === undefined) this.#banner.hidden = true;
    else this.#showEnd('unreachable', error, true);
  }

  /** Shows a session: its transcript so far and what comes. @param {Session} session @param {boolean} ours whether it can be connected again from here */
  attach(session, ours) {
    this.#session = session;
    this.#uploads = new Uploads(session, {
      tile: () => this.#tile(),
      show: (tile) => this.#transcript.addPending(tile.node),
      remove: (tile) => this.#removed(tile),
      describe: this.#host.describe,
      refused: (tile, error) => this.#refused('saidRefused', tile, error),
      tell: (word, { name }, part = 0) => this.#announcer.tell(this.#locale.say(word, { name, percent: this.#locale.percent(part) })),
    });
    this.#banner.hidden = true;
    this.#transcript.replay(session.party, session.transcript, (event) => this.#show(event));
    this.#listen(session, ours);
    this.#showPeople();
    this.#showState(session.state, {}, ours);
  }

  /** Stops listening; what is shown stays. */
  detach() {
    this.#listening.abort();
    this.#composer.enable(false);
  }

  /** @param {Iterable<File | Blob>} files */
  add(files) {
    if (this.#readonly) return;
    this.#uploads?.add(files);
  }

  pick() {
    this.#composer.pick();
  }

  focus() {
    if (this.#readonly) this.#transcript.node.focus();
    else this.#composer.focus();
  }

  /** @param {Session} session @param {boolean} ours */
  #listen(session, ours) {
    const { signal } = this.#listening;
    for (const type of /** @type {const} */ (['join', 'leave', 'message', 'file'])) {
      session.addEventListener(type, ({ detail }) => this.#happened(detail), { signal });
    }
    session.addEventListener('upload', ({ detail }) => {
      this.#uploads?.step(detail);
      this.#host.fire('attache-upload', detail);
    }, { signal });
    session.addEventListener('limits', () => this.#showAllowance(), { signal });
    session.addEventListener('state', ({ detail }) => this.#showState(detail.state, detail, ours), { signal });
  }

  /** @param {TranscriptEvent} event */
  #happened(event) {
    const fresh = this.#show(event);
    if (event.type === 'join' || event.type === 'leave') this.#showPeople();
    if (fresh && event.type === 'file') this.#host.fire('attache-file', event);
  }

  /** @param {TranscriptEvent} event */
  #show(event) {
    // The event may come before the answer to its sender.
    if (event.type === 'message' && event.own) this.#said(this.#unsaid.find(({ textContent }) => textContent === event.text));
    if (event.type !== 'file') return this.#transcript.add(event);
    return this.#transcript.add(event, () => {
      const tile = this.#uploads?.release(event.key) ?? this.#tile();
      tile.file(event);
      return tile;
    });
  }

  #showPeople() {
    if (!this.#session) return;
    this.#header.people(present(this.#session.transcript), this.#session.party);
    this.#showAllowance();
  }

  /** @param {SessionState} state @param {{ error?: unknown, retryIn?: number }} detail @param {boolean} ours */
  #showState(state, { error, retryIn }, ours) {
    this.#header.state = state;
    this.#composer.enable(state !== 'closed' && (this.#session?.rights.includes('chat') ?? false));
    this.#showAllowance();
    this.#banner.hidden = state === 'connected';
    if (state === 'reconnecting') this.#showLost(retryIn);
    if (state === 'closed') this.#showEnd('ended', error, ours && error !== undefined);
    this.#host.fire('attache-state', { state, error });
  }

  /** @param {number} [retryIn] milliseconds */
  #showLost(retryIn) {
    const seconds = Math.ceil((retryIn ?? 0) / 1000);
    const words = seconds > 1 ? this.#locale.say('lostRetry', { count: seconds }) : this.#locale.say('lost');
    this.#banner.classList.remove('ended');
    this.#banner.replaceChildren(make('p', { dir: 'auto' }, words));
  }

  /** @param {'unreachable' | 'ended'} word @param {unknown} error @param {boolean} again */
  #showEnd(word, error, again) {
    const { message = '', hint = '' } = /** @type {Partial<Refusal>} */ (error ?? {});
    const sentences = [this.#locale.say(word), ...[message, hint].map((text) => this.#locale.sentence(text))];
    this.#banner.classList.add('ended');
    this.#banner.replaceChildren(make('p', { dir: 'auto' }, sentences.join(' ').trim()));
    this.#banner.hidden = false;
    if (!again) return;
    const button = make('button', { type: 'button', class: 'text-button', part: 'button reconnect' }, this.#locale.say('connectAgain'));
    button.addEventListener('click', () => this.#host.reconnect());
    this.#banner.append(button);
  }

  #allowance() {
    const session = this.#session;
    if (!session || session.state === 'closed') return { text: '', open: false };
    if (!session.rights.includes('upload:file-system')) return { text: this.#locale.say('uploadsOff'), open: false };
    const agentHere = present(session.transcript).some(({ userType }) => userType === 'AGENT' || userType === 'SUPERVISOR');
    return allowance(session.limits, this.#locale, agentHere);
  }

  #showAllowance() {
    this.#composer.allow(this.#allowance(), this.#session?.rights.includes('upload:file-system') ?? false);
  }

  /** @param {string} text */
  async #send(text) {
    if (!this.#session) return;
    const bubble = make('div', { class: 'bubble', dir: 'auto' }, text);
    this.#unsaid.push(bubble);
    this.#transcript.addPending(bubble);
    try {
      this.#show(await this.#session.send(text));
    } finally {
      this.#said(bubble);
    }
  }

  /** The text is in the transcript, or will not get there. @param {HTMLElement | undefined} bubble */
  #said(bubble) {
    if (!bubble) return;
    this.#unsaid = this.#unsaid.filter((one) => one !== bubble);
    this.#transcript.removePending(bubble);
  }

  #tile() {
    return new Tile(this.#locale, {
      download: (tile) => this.#download(tile),
      cancel: (tile) => {
        this.#downloads.get(tile)?.abort();
        this.#uploads?.cancel(tile);
      },
      retry: (tile) => this.#uploads?.retry(tile),
      dismiss: (tile) => this.#uploads?.dismiss(tile),
    });
  }

  /** @param {Tile} tile */
  #removed(tile) {
    const focused = tile.node.contains(/** @type {ShadowRoot | Document} */ (tile.node.getRootNode()).activeElement);
    this.#transcript.removePending(tile.node);
    if (focused) this.focus();
  }

  /** @param {Tile} tile */
  async #download(tile) {
    const file = tile.announced;
    if (!file || !this.#session) return;
    const controller = new AbortController();
    this.#downloads.set(tile, controller);
    tile.downloading();
    try {
      await save(this.#session, file, { signal: controller.signal, onPart: (part) => tile.downloading(part) });
      tile.downloaded(true);
      this.#announcer.tell(this.#locale.say('saidDownloaded', { name: file.name }));
    } catch (error) {
      if (controller.signal.aborted) {
        tile.downloaded(false);
        return;
      }
      const refusal = /** @type {Refusal} */ (error);
      tile.downloaded(false, refusal);
      this.#refused('saidNotDownloaded', tile, refusal);
    }
  }

  /** @param {'saidRefused' | 'saidNotDownloaded'} word @param {Tile} tile @param {Refusal} error */
  #refused(word, tile, error) {
    const reason = [error.message, error.hint].map((text) => this.#locale.sentence(text ?? '')).join(' ').trim();
    this.#announcer.alert(this.#locale.say(word, { name: tile.name, reason }));
    this.#host.fire('attache-error', error);
  }
}
