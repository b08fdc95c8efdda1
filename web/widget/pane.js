import { AttacheError, asAttacheError, readOnlyError, uploadsHiddenError } from '../session/error.js';
import { allowance } from './allowance.js';
import { Announcer } from './announcer.js';
import { Banner } from './banner.js';
import { Composer } from './composer.js';
import { mayDelete } from './deletion.js';
import { hasFocus, make } from './dom.js';
import { Dialogs } from './dialogs.js';
import { findFocus, focusMark } from './focusmark.js';
import { Header } from './header.js';
import { linked } from './links.js';
import { OutgoingFile } from './outgoingfile.js';
import { Overlay } from './overlay.js';
import { isRename, present } from './roster.js';
import { Tile } from './tile.js';
import { Transcript } from './transcript.js';
import { Typists } from './typists.js';
import { visibilities } from './visibility.js';

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
 * @property {import('./focusmark.js').FocusMark | undefined} focus
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
 * @property {() => boolean} uploadsEnabled whether the button, drops and pastes are offered
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
  #banner;
  #transcript;
  #typists;
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
  #dialogs;
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
    this.#banner = new Banner(locale, () => this.focus());
    this.#transcript = new Transcript(locale, readonly);
    this.#typists = new Typists(locale);
    this.#dialogs = new Dialogs(locale, conversation, this.node);
    this.#composer = new Composer(locale, {
      send: (text) => conversation.send(text),
      add: host.add,
      draftChanged: (draft) => conversation.setDraft(draft, this),
      chooseVisibility: (visibility) => conversation.setVisibility(visibility),
      typed: (on) => conversation.typed(on),
      showLibrary: () => this.#dialogs.showLibrary(),
    });
    this.node.append(this.#header.node, this.#banner.node, this.#transcript.frame, this.#typists.node);
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
      allowance: () => this.#dropAllowance(),
      add: (files, folders) => {
        if (this.#readonly || !this.#host.uploadsEnabled()) {
          this.#host.fire('attache-error', this.#readonly ? readOnlyError() : uploadsHiddenError());
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
    this.visibilityChanged();
    if (session) this.#showParticipants();
    this.#showState();
  }

  /** @param {string} heading */
  set heading(heading) {
    this.#header.heading = heading;
    this.#transcript.heading = heading || this.#locale.say('heading');
  }

  /** The focus and the scroll position. @returns {ViewState} */
  get viewState() {
    return { focus: focusMark(this.node), scroll: this.#transcript.scroll };
  }

  /** Restores another pane's focus and scroll position. @param {ViewState} viewState */
  set viewState({ focus, scroll }) {
    this.#transcript.scroll = scroll;
    if (focus === undefined) return;
    const node = findFocus(this.node, focus);
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
    this.#dialogs.detach();
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
    const { phase } = this.#conversation;
    this.#header.state = phase === 'unreachable' ? 'closed' : phase;
    this.#transcript.usable = phase !== 'idle';
    this.#enable();
    this.uploadsChanged();
    this.#offerLibrary();
    if (phase !== 'connected') this.#typists.clear();
    this.#banner.show(this.#conversation);
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
    for (const tile of this.#files.values()) this.#allow(tile);
  }

  /** @param {TranscriptEvent} event @param {OutgoingFile} [outgoing] */
  eventAdded(event, outgoing) {
    const fresh = this.#show(event, outgoing);
    if (outgoing) this.pendingRemoved(outgoing);
    if (event.type === 'join' || event.type === 'leave' || isRename(event)) this.#showParticipants();
    if (fresh && event.type === 'file') this.#host.fire('attache-file', event);
  }

  /** @param {import('../attache.js').TypingEvent} event */
  typingChanged(event) {
    this.#typists.show(event);
  }

  /** @param {Pending} one */
  pendingAdded(one) {
    if (one instanceof OutgoingFile) {
      if (one.unfinished && this.#readonly) return;
      const tile = this.#tile(one);
      one.attach(tile);
      this.#pending.set(one, { node: tile.node, tile });
      this.#transcript.addPending(tile.node, one);
    } else {
      const node = make('div', { class: 'bubble', dir: 'auto' }, ...linked(one.text));
      this.#pending.set(one, { node });
      this.#transcript.addPending(node, one);
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

  visibilityChanged() {
    this.#composer.showVisibilities(visibilities(this.#session?.party.userType), this.#conversation.visibility);
  }

  /** The page shows or hides what sends files. */
  uploadsChanged() {
    this.#transcript.takesFiles = this.#host.uploadsEnabled();
    this.#showAllowance();
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
    this.#allow(tile);
    showDownload(tile, download);
    const { name } = file;
    const saved = download.state === 'downloaded' ? this.#locale.say('saidDownloaded', { name })
      : download.state === 'handed' ? this.#locale.say('saidHanded', { name }) : '';
    if (saved !== '') this.#announcer.announce(this.#locale.text(saved, download.instead ? this.#locale.say('savedInstead') : ''));
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

  /** @param {'saidRefused' | 'saidNotDownloaded' | 'notDeleted'} word @param {string} name @param {AttacheError} error */
  #reportFailure(word, name, error) {
    this.#announcer.alert(this.#locale.say(word, { name, reason: this.#locale.reason(error) }));
    this.#host.fire('attache-error', error);
  }

  /** @param {TranscriptEvent} event @param {OutgoingFile} [outgoing] */
  #show(event, outgoing) {
    if (event.type === 'deletion') this.#showDeletion(event);
    if (event.type !== 'file') return this.#transcript.add(event);
    return this.#transcript.add(event, () => {
      const tile = (outgoing && this.#pending.get(outgoing)?.tile) ?? this.#tile(outgoing);
      tile.file(event);
      this.#files.set(event.id, tile);
      this.#allow(tile);
      const download = this.#conversation.downloads.of(event.id);
      if (download) showDownload(tile, download);
      return tile;
    });
  }

  /** Puts a line into the place of a file that was deleted. @param {import('../attache.js').DeletionEvent} event */
  #showDeletion({ file, from, own }) {
    const tile = this.#files.get(file);
    if (!tile) return;
    this.#files.delete(file);
    this.#dialogs.fileDeleted(file);
    this.#transcript.replaceTile(tile.node, this.#locale.say(own ? 'fileDeletedOwn' : 'fileDeleted', { name: tile.name, party: from.nickname }));
  }

  /** Offers what may be done with a file of the transcript. A file whose content the page has costs no further attempt. @param {Tile} tile */
  #allow(tile) {
    const { announced } = tile;
    const { limits, rights } = this.#session ?? {};
    if (!announced || !limits || !rights) return;
    const { maxDownloads, usedDownloads } = limits;
    tile.deletable = !this.#readonly && rights.includes('upload:file-system') && mayDelete(announced, limits);
    const used = maxDownloads !== undefined && usedDownloads >= maxDownloads && !this.#conversation.downloads.has(announced.id);
    tile.attempts = maxDownloads === undefined ? '' : this.#locale.say('downloadsLeft', { count: Math.max(0, maxDownloads - usedDownloads) });
    tile.blocked = used ? this.#locale.say('downloadsUsed', { count: maxDownloads }) : '';
  }

  #showParticipants() {
    if (!this.#session) return;
    this.#header.showParticipants(present(this.#session.transcript), this.#session.party);
  }

  #allowance() {
    const session = this.#session;
    // Files wait for a session if there may be one.
    if (!session) return { text: '', open: true };
    if (this.#conversation.phase === 'closed') return { text: '', open: this.#conversation.mayReturn };
    if (!session.rights.includes('upload:file-system')) return { text: this.#locale.say('uploadsOff'), open: false };
    return allowance(session.limits, this.#locale);
  }

  /** What a drop or a paste may send. */
  #dropAllowance() {
    if (this.#readonly) return { text: '', open: false };
    return this.#host.uploadsEnabled() ? this.#allowance() : { text: this.#locale.say('uploadsOff'), open: false };
  }

  #showAllowance() {
    const permitted = this.#session?.rights.includes('upload:file-system') ?? false;
    this.#composer.showAllowance(this.#allowance(), permitted && this.#host.uploadsEnabled());
  }

  /** @param {OutgoingFile} [outgoing] the upload that the tile shows, if it shows one */
  #tile(outgoing) {
    const conversation = this.#conversation;
    return new Tile(this.#locale, {
      download: ({ announced }) => announced && conversation.download(announced),
      open: ({ announced }) => announced && this.#dialogs.openFile(announced),
      delete: ({ announced }) => announced && this.#dialogs.deleteFile(announced, (error) => this.#reportFailure('notDeleted', announced.name, asAttacheError(error))),
      cancel: ({ announced }) => {
        if (announced) conversation.downloads.stop(announced.id);
        else if (outgoing) conversation.cancel(outgoing);
      },
      retry: () => outgoing && conversation.retry(outgoing),
      dismiss: () => outgoing && conversation.dismiss(outgoing),
      choose: () => this.#composer.showPicker(outgoing?.unfinished?.name, outgoing?.name),
      explain: (reason) => this.#announcer.alert(reason),
    });
  }

  /** Shows the button for standard responses if there are any. */
  async #offerLibrary() {
    const { responses } = this.#conversation;
    const offered = await responses.available;
    if (responses === this.#conversation.responses) this.#composer.library = offered;
  }
}

/** @param {Tile} tile @param {Download} download */
function showDownload(tile, { state, part, scanning, error, instead }) {
  if (state === 'downloading') tile.downloading(part, scanning);
  else tile.downloaded(state === 'stopped' || state === 'opened' ? 'ready' : state, { error, instead });
}
