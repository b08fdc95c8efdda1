import { AttacheError, readOnlyError } from '../session/error.js';
import { allowance } from './allowance.js';
import { Announcer } from './announcer.js';
import { Composer } from './composer.js';
import { all, focusIn, hasFocus, make } from './dom.js';
import { Header } from './header.js';
import { linked } from './links.js';
import { OutgoingFile } from './outgoingfile.js';
import { Overlay } from './overlay.js';
import { isRename, present } from './roster.js';
import { Tile } from './tile.js';
import { Transcript } from './transcript.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('../attache.js').UploadEvent} UploadEvent */
/** @typedef {import('./conversation.js').Conversation} Conversation */
/** @typedef {import('./conversation.js').Pending} Pending */
/** @typedef {import('./conversation.js').Announcement} Announcement */
/** @typedef {import('./conversation.js').View} View */
/** @typedef {import('./downloads.js').Download} Download */
/** @typedef {import('./locale.js').Locale} Locale */

/**
 * The reader's position in a pane, for a new pane to restore.
 *
 * @typedef {object} ViewState
 * @property {{ part: string, key: string, id: string } | undefined} focus the focused control, and the tile around it
 * @property {number | undefined} scroll pixels from the transcript's top; undefined at its end
 */

/**
 * What a pane needs of its element.
 *
 * @typedef {object} PaneHost
 * @property {(type: string, detail: unknown) => void} fire
 * @property {(files: Iterable<File | Blob>) => void} add
 * @property {(dragging: boolean) => void} dragging
 * @property {() => void} phaseChanged
 */

/**
 * The whole view of one conversation, in one language and document. It holds no state that
 * another pane could not show as well.
 *
 * @implements {View}
 */
export class Pane {
  node = make('div', { class: 'frame', part: 'frame' });
  #header;
  #banner = make('div', { class: 'banner', part: 'banner', role: 'alert', hidden: true });
  #transcript;
  #composer;
  /** @type {Overlay | undefined} */
  #overlay;
  #announcer = new Announcer();
  #locale;
  #host;
  #readonly;
  #conversation;
  /** The session that it was made for. */
  #session;
  /** @type {Map<Pending, { node: HTMLElement, tile?: Tile }>} */
  #pending = new Map();
  /** The tiles of the transcript, by file id. @type {Map<string, Tile>} */
  #files = new Map();

  /** @param {Locale} locale @param {boolean} readonly @param {Conversation} conversation @param {PaneHost} host */
  constructor(locale, readonly, conversation, host) {
    this.#locale = locale;
    this.#host = host;
    this.#readonly = readonly;
    this.#conversation = conversation;
    this.#session = conversation.session;
    this.#header = new Header(locale);
    this.#transcript = new Transcript(locale, readonly);
    this.#composer = new Composer(locale, {
      send: (text) => conversation.send(text),
      add: host.add,
      draftChanged: (draft) => conversation.setDraft(draft, this),
    });
    this.node.append(this.#header.node, this.#banner, this.#transcript.frame);
    if (!readonly) this.node.append(this.#composer.node);
    this.#addOverlay();
    this.node.append(...this.#announcer.nodes);
    this.#draw();
    conversation.join(this);
  }

  /** Accepts drops even if no files may be sent: otherwise the browser leaves the page and opens the file. */
  #addOverlay() {
    const conversation = this.#conversation;
    const overlay = new Overlay(this.#locale, {
      allowance: () => this.#readonly ? { text: '', open: false } : this.#allowance(),
      add: (files, folders) => {
        if (this.#readonly) {
          this.#host.fire('attache-error', readOnlyError());
          return;
        }
        this.#host.add(files);
        const error = new AttacheError({ code: 'file-unreadable', message: this.#locale.say('folder'), hint: '' });
        conversation.refuse(folders.map((name) => ({ name })), error);
      },
      dragging: this.#host.dragging,
      showError: (why) => {
        if (!this.#readonly) this.#composer.showError(why);
        else if (why !== '') this.#announcer.alert(why);
      },
    });
    overlay.listen(this.node);
    this.#overlay = overlay;
    this.node.append(overlay.node);
  }

  /** Draws the conversation. */
  #draw() {
    const session = this.#session;
    if (session) this.#transcript.replay(session.party, session.transcript, (event) => this.#show(event));
    for (const one of this.#conversation.pending) this.pendingAdded(one);
    this.draftChanged();
    if (session) this.#showParticipants();
    this.#showState();
  }

  /** @param {string} heading */
  set heading(heading) {
    this.#header.heading = heading;
  }

  /** The focus and the scroll position. @returns {ViewState} */
  get viewState() {
    return { focus: this.#focus(), scroll: this.#transcript.scroll };
  }

  /** Restores another pane's focus and scroll position. @param {ViewState} viewState */
  set viewState({ focus, scroll }) {
    this.#transcript.scroll = scroll;
    if (focus === undefined) return;
    const node = this.#find(focus);
    if (node) node.focus({ preventScroll: true });
    else this.focus();
  }

  /** Call it when the node is in its document. */
  mounted() {
    this.#transcript.mounted();
  }

  /** Stops showing the conversation. */
  detach() {
    if (!this.#readonly) this.#conversation.setDraft(this.#composer.draft, this);
    this.#conversation.leave(this);
    for (const [one, { tile }] of this.#pending) if (one instanceof OutgoingFile && tile) one.detach(tile);
    this.#transcript.detach();
    this.#announcer.detach();
    this.#overlay?.detach();
  }

  showPicker() {
    this.#composer.showPicker();
  }

  focus() {
    if (this.#readonly) this.#transcript.node.focus();
    else this.#composer.focus();
  }

  phaseChanged() {
    this.#showState();
    this.#host.phaseChanged();
  }

  #showState() {
    const { phase, error, retryIn } = this.#conversation;
    this.#header.state = phase === 'unreachable' ? 'closed' : phase;
    this.#transcript.usable = phase !== 'idle';
    this.#enable();
    this.#showAllowance();
    const delayed = phase === 'connecting' && error !== undefined;
    this.#banner.hidden = !delayed && !['reconnecting', 'closed', 'unreachable'].includes(phase);
    if (delayed) this.#showDelayed(error);
    if (phase === 'reconnecting') this.#showLost(retryIn);
    if (phase === 'closed') this.#showEnd('ended', error);
    if (phase === 'unreachable') this.#showEnd('unreachable', error);
  }

  #enable() {
    const { phase, mayReturn } = this.#conversation;
    const may = this.#session?.rights.includes('chat') ?? true;
    const live = this.#session !== undefined && (phase === 'connected' || phase === 'reconnecting');
    // The person may continue writing, and send the text when there is a session again.
    const later = phase === 'connecting' || phase === 'unreachable' || (phase === 'closed' && mayReturn);
    this.#composer.enable(live && may, (live || later) && may);
  }

  limitsChanged() {
    this.#showAllowance();
    for (const [id, tile] of this.#files) this.#allowDownload(id, tile);
  }

  /** @param {TranscriptEvent} event @param {OutgoingFile} [outgoing] */
  eventAdded(event, outgoing) {
    const fresh = this.#show(event, outgoing);
    if (outgoing) this.pendingRemoved(outgoing);
    if (event.type === 'join' || event.type === 'leave' || isRename(event)) this.#showParticipants();
    if (fresh && event.type === 'file') this.#host.fire('attache-file', event);
  }

  /** @param {Pending} one */
  pendingAdded(one) {
    if (one instanceof OutgoingFile) {
      if (one.unfinished && this.#readonly) return;
      const tile = this.#tile(one);
      one.attach(tile);
      this.#pending.set(one, { node: tile.node, tile });
      this.#transcript.addPending(tile.node, one.at);
    } else {
      const node = make('div', { class: 'bubble', dir: 'auto' }, ...linked(one.text));
      this.#pending.set(one, { node });
      this.#transcript.addPending(node, one.at);
    }
  }

  /** @param {Pending} one */
  pendingRemoved(one) {
    const drawn = this.#pending.get(one);
    if (!drawn) return;
    this.#pending.delete(one);
    if (one instanceof OutgoingFile && drawn.tile) one.detach(drawn.tile);
    const focused = hasFocus(drawn.node);
    this.#transcript.removePending(drawn.node);
    if (focused && !hasFocus(drawn.node)) this.focus();
  }

  draftChanged() {
    this.#composer.draft = this.#conversation.draft;
    this.#composer.sendError = this.#conversation.unsent;
  }

  /** @param {AttacheError} error */
  sendFailed(error) {
    this.#composer.sendError = error;
    this.#host.fire('attache-error', error);
  }

  /** @param {ChatFile} file @param {Download} download */
  downloadChanged(file, download) {
    const tile = this.#files.get(file.id);
    if (!tile) return;
    showDownload(tile, download);
    const { name } = file;
    if (download.state === 'downloaded') this.#announcer.announce(this.#locale.say('saidDownloaded', { name }));
    if (download.state === 'handed') this.#announcer.announce(this.#locale.say('saidHanded', { name }));
    if (download.error !== undefined) this.#reportFailure('saidNotDownloaded', name, download.error);
  }

  /** @param {UploadEvent} event */
  uploadChanged(event) {
    this.#host.fire('attache-upload', event);
  }

  /** @param {Announcement} word @param {OutgoingFile} outgoing @param {number} part */
  announce(word, { name }, part) {
    this.#announcer.announce(this.#locale.say(word, { name, percent: this.#locale.percent(part) }));
  }

  /** @param {OutgoingFile} outgoing @param {AttacheError} error */
  uploadFailed({ name }, error) {
    this.#reportFailure('saidRefused', name, error);
  }

  /** @param {'saidRefused' | 'saidNotDownloaded'} word @param {string} name @param {AttacheError} error */
  #reportFailure(word, name, error) {
    this.#announcer.alert(this.#locale.say(word, { name, reason: this.#locale.reason(error) }));
    this.#host.fire('attache-error', error);
  }

  /** @param {TranscriptEvent} event @param {OutgoingFile} [outgoing] */
  #show(event, outgoing) {
    if (event.type !== 'file') return this.#transcript.add(event);
    return this.#transcript.add(event, () => {
      const tile = (outgoing && this.#pending.get(outgoing)?.tile) ?? this.#tile(outgoing);
      tile.file(event);
      this.#files.set(event.id, tile);
      this.#allowDownload(event.id, tile);
      const download = this.#conversation.downloads.of(event.id);
      if (download) showDownload(tile, download);
      return tile;
    });
  }

  /** A file that was downloaded already costs no further attempt. @param {string} id @param {Tile} tile */
  #allowDownload(id, tile) {
    const { maxDownloads, usedDownloads } = this.#session?.limits ?? { usedDownloads: 0 };
    const used = maxDownloads !== undefined && usedDownloads >= maxDownloads && !this.#conversation.downloads.of(id);
    tile.blocked = used ? this.#locale.say('downloadsUsed', { count: maxDownloads }) : '';
  }

  #showParticipants() {
    if (!this.#session) return;
    this.#header.showParticipants(present(this.#session.transcript), this.#session.party);
  }

  /** @param {number} [retryIn] milliseconds */
  #showLost(retryIn) {
    const seconds = Math.ceil((retryIn ?? 0) / 1000);
    const words = seconds > 1 ? this.#locale.say('lostRetry', { count: seconds }) : this.#locale.say('lost');
    this.#banner.classList.remove('ended');
    this.#banner.replaceChildren(make('p', { dir: 'auto' }, words));
  }

  /** The first connect has failed and is retried. @param {AttacheError} error */
  #showDelayed(error) {
    const words = this.#locale.text(this.#locale.say('delayed'), this.#locale.reason(error));
    // The next attempt may fail in the same way; screen readers announce the text once.
    if (this.#banner.textContent === words) return;
    this.#banner.classList.remove('ended');
    this.#banner.replaceChildren(make('p', { dir: 'auto' }, words));
  }

  /** @param {'unreachable' | 'ended'} word @param {AttacheError} [error] */
  #showEnd(word, error) {
    const { reconnect, mayReturn } = this.#conversation;
    const words = this.#locale.text(this.#locale.say(word), error ? this.#locale.reason(error) : '');
    this.#banner.classList.add('ended');
    this.#banner.replaceChildren(make('p', { dir: 'auto' }, words));
    if (!reconnect || !mayReturn) return;
    const button = make('button', { type: 'button', class: 'text-button', part: 'button reconnect' }, this.#locale.say('connectAgain'));
    button.addEventListener('click', () => {
      reconnect();
      this.focus();
    });
    this.#banner.append(button);
  }

  #allowance() {
    const session = this.#session;
    // Files wait for a session if there may be one.
    if (!session) return { text: '', open: true };
    if (this.#conversation.phase === 'closed') return { text: '', open: this.#conversation.mayReturn };
    if (!session.rights.includes('upload:file-system')) return { text: this.#locale.say('uploadsOff'), open: false };
    return allowance(session.limits, this.#locale);
  }

  #showAllowance() {
    this.#composer.showAllowance(this.#allowance(), this.#session?.rights.includes('upload:file-system') ?? false);
  }

  /** @param {OutgoingFile} [outgoing] the upload that the tile shows, if it shows one */
  #tile(outgoing) {
    const conversation = this.#conversation;
    return new Tile(this.#locale, {
      download: ({ announced }) => announced && conversation.download(announced),
      cancel: ({ announced }) => {
        if (announced) conversation.downloads.stop(announced.id);
        else if (outgoing) conversation.cancel(outgoing);
      },
      retry: () => outgoing && conversation.retry(outgoing),
      dismiss: () => outgoing && conversation.dismiss(outgoing),
      choose: () => this.#composer.showPicker(outgoing?.unfinished?.name, outgoing?.name),
    });
  }

  /** Returns what has the focus, in terms that another pane can find. @returns {ViewState['focus']} */
  #focus() {
    const node = focusIn(this.node);
    if (!node) return undefined;
    const tile = /** @type {HTMLElement | null} */ (node.closest('.tile'));
    return { part: node.getAttribute('part') ?? '', key: tile?.dataset.key ?? '', id: tile?.dataset.id ?? '' };
  }

  /** @param {NonNullable<ViewState['focus']>} focus @returns {HTMLElement | undefined} */
  #find({ part, key, id }) {
    const within = key === '' && id === '' ? this.node
      : all(this.node, '.tile').find((node) => {
        const { dataset } = /** @type {HTMLElement} */ (node);
        return id !== '' ? dataset.id === id : dataset.key === key;
      });
    const nodes = within ? all(within, '*') : [];
    return /** @type {HTMLElement | undefined} */ (nodes.find((node) => node.getAttribute('part') === part));
  }
}

/** @param {Tile} tile @param {Download} download */
function showDownload(tile, { state, part, error }) {
  if (state === 'downloading') tile.downloading(part);
  else tile.downloaded(state === 'stopped' ? 'ready' : state, error);
}
