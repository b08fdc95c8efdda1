import { allowance } from './allowance.js';
import { Announcer } from './announcer.js';
import { Composer } from './composer.js';
import { all, focusIn, hasFocus, make } from './dom.js';
import { AttacheError, readOnlyError } from '../session/error.js';
import { Header } from './header.js';
import { linked } from './links.js';
import { Outgoing } from './outgoingfile.js';
import { Overlay } from './overlay.js';
import { isRename, present } from './roster.js';
import { Tile } from './tile.js';
import { Transcript } from './transcript.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('../attache.js').UploadEvent} UploadEvent */
/** @typedef {import('./conversation.js').Conversation} Conversation */
/** @typedef {import('./conversation.js').Pending} Pending */
/** @typedef {import('./conversation.js').Told} Told */
/** @typedef {import('./conversation.js').View} View */
/** @typedef {import('./downloads.js').Fetched} Fetched */
/** @typedef {import('./locale.js').Locale} Locale */

/**
 * Where the reader is in a pane, so that a new pane can go there.
 *
 * @typedef {object} ViewState
 * @property {{ part: string, key: string, id: string } | undefined} focus the control, and the tile that it is in
 * @property {number | undefined} scroll pixels from the transcript's top; undefined at its end
 */

/**
 * What the pane asks of the element around it.
 *
 * @typedef {object} PaneHost
 * @property {(type: string, detail: unknown) => void} fire
 * @property {(files: Iterable<File | Blob>) => void} add
 * @property {(dragging: boolean) => void} dragging
 * @property {() => void} stated the conversation's phase changed
 */

/**
 * Everything that is seen of one conversation, in one language and document. It
 * holds nothing that another pane could not show as well.
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
  /** The tiles of the transcript, by the files' ids. @type {Map<string, Tile>} */
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
      drafted: (draft) => conversation.write(draft, this),
    });
    this.node.append(this.#header.node, this.#banner, this.#transcript.frame);
    if (!readonly) this.node.append(this.#composer.node);
    this.#cover();
    this.node.append(...this.#announcer.nodes);
    this.#draw();
    conversation.join(this);
  }

  /** Takes what is dropped, also where nothing may be: the browser would leave the page and open the file. */
  #cover() {
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
      complain: (why) => {
        if (!this.#readonly) this.#composer.complain(why);
        else if (why !== '') this.#announcer.alert(why);
      },
    });
    overlay.cover(this.node);
    this.#overlay = overlay;
    this.node.append(overlay.node);
  }

  /** Shows the conversation as it is. */
  #draw() {
    const session = this.#session;
    if (session) this.#transcript.replay(session.party, session.transcript, (event) => this.#show(event));
    for (const one of this.#conversation.pending) this.pending(one);
    this.drafted();
    if (session) this.#showPeople();
    this.#showState();
  }

  /** @param {string} heading */
  set heading(heading) {
    this.#header.heading = heading;
  }

  /** Where the reader is: what has the focus, and how far the transcript is scrolled. @returns {ViewState} */
  get viewState() {
    return { focus: this.#focus(), scroll: this.#transcript.scroll };
  }

  /** Takes the reader to the same place as in another pane. @param {ViewState} viewState */
  set viewState({ focus, scroll }) {
    this.#transcript.scroll = scroll;
    if (focus === undefined) return;
    const node = this.#find(focus);
    if (node) node.focus({ preventScroll: true });
    else this.focus();
  }

  /** Takes note that the node stands in its document. */
  mounted() {
    this.#transcript.mounted();
  }

  /** Lets the conversation go. */
  detach() {
    if (!this.#readonly) this.#conversation.write(this.#composer.draft, this);
    this.#conversation.leave(this);
    for (const [one, { tile }] of this.#pending) if (one instanceof Outgoing && tile) one.leave(tile);
    this.#transcript.detach();
    this.#announcer.detach();
    this.#overlay?.detach();
  }

  pick() {
    this.#composer.pick();
  }

  focus() {
    if (this.#readonly) this.#transcript.node.focus();
    else this.#composer.focus();
  }

  stated() {
    this.#showState();
    this.#host.stated();
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
    // What is written meanwhile is sent when there is a session again.
    const later = phase === 'connecting' || phase === 'unreachable' || (phase === 'closed' && mayReturn);
    this.#composer.enable(live && may, (live || later) && may);
  }

  allowed() {
    this.#showAllowance();
    for (const [id, tile] of this.#files) this.#allowDownload(id, tile);
  }

  /** @param {TranscriptEvent} event @param {Outgoing} [outgoing] */
  happened(event, outgoing) {
    const fresh = this.#show(event, outgoing);
    if (outgoing) this.settled(outgoing);
    if (event.type === 'join' || event.type === 'leave' || isRename(event)) this.#showPeople();
    if (fresh && event.type === 'file') this.#host.fire('attache-file', event);
  }

  /** @param {Pending} one */
  pending(one) {
    if (one instanceof Outgoing) {
      if (one.unfinished && this.#readonly) return;
      const tile = this.#tile(one);
      one.draw(tile);
      this.#pending.set(one, { node: tile.node, tile });
      this.#transcript.addPending(tile.node, one.at);
    } else {
      const node = make('div', { class: 'bubble', dir: 'auto' }, ...linked(one.text));
      this.#pending.set(one, { node });
      this.#transcript.addPending(node, one.at);
    }
  }

  /** @param {Pending} one */
  settled(one) {
    const drawn = this.#pending.get(one);
    if (!drawn) return;
    this.#pending.delete(one);
    if (one instanceof Outgoing && drawn.tile) one.leave(drawn.tile);
    const focused = hasFocus(drawn.node);
    this.#transcript.removePending(drawn.node);
    if (focused && !hasFocus(drawn.node)) this.focus();
  }

  drafted() {
    this.#composer.draft = this.#conversation.draft;
    this.#composer.trouble = this.#conversation.unsent;
  }

  /** @param {AttacheError} error */
  unsent(error) {
    this.#composer.trouble = error;
    this.#host.fire('attache-error', error);
  }

  /** @param {ChatFile} file @param {Fetched} fetched */
  fetched(file, fetched) {
    const tile = this.#files.get(file.id);
    if (!tile) return;
    showFetched(tile, fetched);
    const { name } = file;
    if (fetched.state === 'downloaded') this.#announcer.tell(this.#locale.say('saidDownloaded', { name }));
    if (fetched.state === 'handed') this.#announcer.tell(this.#locale.say('saidHanded', { name }));
    if (fetched.error !== undefined) this.#refuse('saidNotDownloaded', name, fetched.error);
  }

  /** @param {UploadEvent} event */
  stepped(event) {
    this.#host.fire('attache-upload', event);
  }

  /** @param {Told} word @param {Outgoing} outgoing @param {number} part */
  told(word, { name }, part) {
    this.#announcer.tell(this.#locale.say(word, { name, percent: this.#locale.percent(part) }));
  }

  /** @param {Outgoing} outgoing @param {AttacheError} error */
  refused({ name }, error) {
    this.#refuse('saidRefused', name, error);
  }

  /** @param {'saidRefused' | 'saidNotDownloaded'} word @param {string} name @param {AttacheError} error */
  #refuse(word, name, error) {
    this.#announcer.alert(this.#locale.say(word, { name, reason: this.#locale.reason(error) }));
    this.#host.fire('attache-error', error);
  }

  /** @param {TranscriptEvent} event @param {Outgoing} [outgoing] */
  #show(event, outgoing) {
    if (event.type !== 'file') return this.#transcript.add(event);
    return this.#transcript.add(event, () => {
      const tile = (outgoing && this.#pending.get(outgoing)?.tile) ?? this.#tile(outgoing);
      tile.file(event);
      this.#files.set(event.id, tile);
      this.#allowDownload(event.id, tile);
      const fetched = this.#conversation.downloads.of(event.id);
      if (fetched) showFetched(tile, fetched);
      return tile;
    });
  }

  /** The one that was charged is free. @param {string} id @param {Tile} tile */
  #allowDownload(id, tile) {
    const { maxDownloads, usedDownloads } = this.#session?.limits ?? { usedDownloads: 0 };
    const used = maxDownloads !== undefined && usedDownloads >= maxDownloads && !this.#conversation.downloads.of(id);
    tile.bar(used ? this.#locale.say('downloadsUsed', { count: maxDownloads }) : '');
  }

  #showPeople() {
    if (!this.#session) return;
    this.#header.people(present(this.#session.transcript), this.#session.party);
  }

  /** @param {number} [retryIn] milliseconds */
  #showLost(retryIn) {
    const seconds = Math.ceil((retryIn ?? 0) / 1000);
    const words = seconds > 1 ? this.#locale.say('lostRetry', { count: seconds }) : this.#locale.say('lost');
    this.#banner.classList.remove('ended');
    this.#banner.replaceChildren(make('p', { dir: 'auto' }, words));
  }

  /** Nothing is open yet, and it is tried again. @param {AttacheError} error */
  #showDelayed(error) {
    const words = this.#locale.text(this.#locale.say('delayed'), this.#locale.reason(error));
    // The next try may fail in the same way: what was read once is not read out again.
    if (this.#banner.textContent === words) return;
    this.#banner.classList.remove('ended');
    this.#banner.replaceChildren(make('p', { dir: 'auto' }, words));
  }

  /** @param {'unreachable' | 'ended'} word @param {AttacheError} [error] */
  #showEnd(word, error) {
    const { again, mayReturn } = this.#conversation;
    const words = this.#locale.text(this.#locale.say(word), error ? this.#locale.reason(error) : '');
    this.#banner.classList.add('ended');
    this.#banner.replaceChildren(make('p', { dir: 'auto' }, words));
    if (!again || !mayReturn) return;
    const button = make('button', { type: 'button', class: 'text-button', part: 'button reconnect' }, this.#locale.say('connectAgain'));
    button.addEventListener('click', () => {
      again();
      this.focus();
    });
    this.#banner.append(button);
  }

  #allowance() {
    const session = this.#session;
    // What comes without a session waits for one, if there may be one.
    if (!session) return { text: '', open: true };
    if (this.#conversation.phase === 'closed') return { text: '', open: this.#conversation.mayReturn };
    if (!session.rights.includes('upload:file-system')) return { text: this.#locale.say('uploadsOff'), open: false };
    return allowance(session.limits, this.#locale);
  }

  #showAllowance() {
    this.#composer.allow(this.#allowance(), this.#session?.rights.includes('upload:file-system') ?? false);
  }

  /** @param {Outgoing} [outgoing] the upload that it is of, if it is of one */
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
      choose: () => this.#composer.pick(outgoing?.unfinished?.name, outgoing?.name),
    });
  }

  /** What has the focus, in terms that another pane understands. @returns {ViewState['focus']} */
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

/** @param {Tile} tile @param {Fetched} fetched */
function showFetched(tile, { state, part, error }) {
  if (state === 'downloading') tile.downloading(part);
  else tile.downloaded(state === 'stopped' ? 'ready' : state, error);
}
