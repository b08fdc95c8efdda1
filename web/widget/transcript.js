import { all, removeNode, hasFocus, make, write } from './dom.js';
import { glyph } from './glyphs.js';
import { icon } from './icons.js';
import { linked } from './links.js';
import { News } from './news.js';
import { Thread, groupPause, isContribution } from './thread.js';

/** @typedef {import('../attache.js').Party} Party */
/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */
/** @typedef {import('../attache.js').Visibility} Visibility */
/** @typedef {import('./locale.js').Locale} Locale */
/** @typedef {import('./tile.js').Tile} Tile */
/** The parties that see something. @typedef {{ visibility: Visibility, receiver?: string }} Audience */

const nearEnd = 48;
const replayPause = 200;
const maxReplay = 3000;

/**
 * The events of the chat, oldest first, and after them what is being sent. If the reader
 * is at the end it stays there, otherwise it does not move.
 */
export class Transcript {
  node = make('div', { class: 'transcript', part: 'transcript', tabindex: 0 });
  #log = make('div', { class: 'log', role: 'log' });
  #list = make('ol', { class: 'events' });
  #pending = make('ul', { class: 'pending' });
  #empty = make('div', { class: 'empty', part: 'empty' });
  #hint = make('p');
  #readonly;
  #jump = make('button', { class: 'jump', part: 'button jump', type: 'button', hidden: true });
  #frame = make('div', { class: 'scroller' });
  #thread = new Thread();
  #news;
  /** @type {HTMLElement[]} */
  #items = [];
  #unseen = 0;
  /** The last scroll position; a node that is moved loses it. */
  #scrollTop = 0;
  #following = true;
  /** Whether there is a text or a file. */
  #used = false;
  #locale;

  /** When the replay ends at the latest; 0 after its end. */
  #replayUntil = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #replayTimer;
  #scrollQueued = false;
  /** @type {Party | undefined} */
  #self;
  /** The window that it is shown in. @type {(Window & typeof globalThis) | undefined} */
  #window;
  /** @type {ResizeObserver | undefined} */
  #sizes;

  /** @param {Locale} locale @param {boolean} readonly */
  constructor(locale, readonly) {
    this.#locale = locale;
    this.#readonly = readonly;
    this.#news = new News(locale);
    this.node.setAttribute('role', 'region');
    this.#log.append(this.#list);
    this.#pending.setAttribute('aria-label', locale.say('uploads'));
    this.#empty.append(
      make('div', { class: 'empty-icons' }, icon('image', 'png'), icon('pdf', 'pdf'), icon('sheet', 'xlsx')),
      make('p', { class: 'empty-title' }, locale.say('empty')),
      this.#hint,
    );
    this.takesFiles = false;
    this.node.append(this.#log, this.#empty, this.#pending);
    this.#frame.append(this.node, this.#jump);
    this.node.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.#jump.addEventListener('click', () => this.#jumpToEnd());
  }

  /** Call it when the node is in its document. That document's window measures and draws it, and is not always this script's. */
  mounted() {
    this.#sizes?.disconnect();
    this.#window = this.node.ownerDocument.defaultView ?? undefined;
    const { ResizeObserver } = this.#window ?? {};
    if (ResizeObserver) {
      this.#sizes = new ResizeObserver(() => this.#following && this.#toEnd());
      for (const part of [this.node, this.#log, this.#pending]) this.#sizes.observe(part);
    }
    if (this.#following) this.#toEnd();
    else this.node.scrollTop = this.#scrollTop;
  }

  /** Stops measuring and drawing. */
  detach() {
    this.#sizes?.disconnect();
    clearTimeout(this.#replayTimer);
    this.#window = undefined;
  }

  /** The scroll position in pixels; undefined at the end. */
  get scroll() {
    return this.#following ? undefined : this.#scrollTop;
  }

  set scroll(top) {
    if (top === undefined) return;
    this.#following = false;
    this.#scrollTop = top;
    this.node.scrollTop = top;
    this.#writeJump();
  }

  /** The heading of the chat, which tells this region from another element's. @param {string} heading */
  set heading(heading) {
    this.node.setAttribute('aria-label', this.#locale.say('transcript', { name: heading }));
  }

  /** The transcript with the button that leads to its end. */
  get frame() {
    return this.#frame;
  }

  /**
   * Shows the earlier transcript. A session may deliver it in pieces that look like new
   * events: until they stop, nothing is animated and screen readers announce nothing.
   *
   * @param {Party} self
   * @param {readonly TranscriptEvent[]} events
   * @param {(event: TranscriptEvent) => void} show
   */
  replay(self, events, show) {
    this.#self = self;
    this.#log.setAttribute('aria-busy', 'true');
    this.#replayUntil = performance.now() + maxReplay;
    this.#extendReplay();
    events.forEach(show);
  }

  /** Ends the replay once no event has come for a while. */
  #extendReplay() {
    const left = this.#replayUntil - performance.now();
    if (left <= 0) return;
    clearTimeout(this.#replayTimer);
    this.#replayTimer = setTimeout(() => {
      this.#replayUntil = 0;
      this.#log.removeAttribute('aria-busy');
    }, Math.min(left, replayPause));
  }

  /**
   * Shows an event.
   *
   * @param {TranscriptEvent} event
   * @param {() => Tile} [tile] returns a file's tile
   * @returns {boolean} false if it is not shown or is there already
   */
  add(event, tile) {
    const index = this.#thread.insert(event);
    if (index < 0) return false;
    const item = this.#item(event, tile);
    this.#items.splice(index, 0, item);
    this.#list.insertBefore(item, this.#items[index + 1] ?? null);
    this.#group(index);
    if (index + 1 < this.#items.length) this.#group(index + 1);
    this.#headPending();
    this.#extendReplay();
    if (isContribution(event)) this.#used = true;
    this.#showEmpty();
    this.#scrollAfter(event.own, isContribution(event));
    return true;
  }

  /** Shows a text or file that is being sent. @param {HTMLElement} node @param {{ at: number, visibility: Visibility }} sent its time in milliseconds since 1970 */
  addPending(node, { at, visibility }) {
    const kind = node.matches('.tile') ? 'file' : 'message';
    this.#pending.append(make('li', { class: `item own ${kind}`, 'data-at': at, 'data-visibility': visibility }, node));
    this.#headPending();
    this.#showEmpty();
    this.#scrollAfter(true, false);
  }

  /** Gives the first pending item the head that it will have in the transcript, so that nothing moves when it gets there. */
  #headPending() {
    for (const item of all(this.#pending, '.first')) {
      item.classList.remove('first');
      removeNode(item.querySelector('.head'));
    }
    const first = /** @type {HTMLElement | null} */ (this.#pending.firstElementChild);
    if (!first || !this.#self) return;
    const at = Number(first.dataset.at);
    const visibility = /** @type {Visibility} */ (first.dataset.visibility);
    const last = this.#items.length > 0 ? this.#thread.at(this.#items.length - 1) : undefined;
    if (last?.own && isContribution(last) && last.visibility === visibility && at - last.at < groupPause) return;
    first.classList.add('first');
    first.prepend(this.#head({ from: this.#self, own: true, at, visibility }));
  }

  /** @param {HTMLElement} node */
  removePending(node) {
    const item = node.closest('li');
    if (item?.parentNode === this.#pending) removeNode(item);
    this.#headPending();
    this.#showEmpty();
  }

  /** Whether texts and files can be sent. @param {boolean} usable */
  set usable(usable) {
    this.#hint.hidden = !usable;
  }

  /** Whether files can be dropped here. @param {boolean} takes */
  set takesFiles(takes) {
    write(this.#hint, this.#locale.say(this.#readonly ? 'emptyReadonly' : takes ? 'emptyHint' : 'emptyHintText'));
  }

  #showEmpty() {
    const hidden = this.#used || this.#pending.hasChildNodes();
    if (this.#empty.hidden !== hidden) this.#empty.hidden = hidden;
  }

  /** @param {TranscriptEvent} event @param {(() => Tile)} [tile] */
  #item(event, tile) {
    const item = make('li', { class: 'item', part: 'item', 'data-event': event.event, 'data-visibility': event.visibility });
    item.classList.add(event.type, isContribution(event) ? (event.own ? 'own' : 'other') : 'news');
    if (event.type === 'message') item.append(this.#text(event));
    else if (event.type === 'file' && tile) item.append(this.#adopt(tile().node));
    else item.append(this.#news.line(event));
    if (!isContribution(event)) item.querySelector('.line')?.append(...this.#marks(event));
    this.#news.note(event);
    item.title = this.#locale.moment(event.at);
    return item;
  }

  /** Moves an upload's tile out of the pending items, and removes its empty item. @param {HTMLElement} node */
  #adopt(node) {
    const item = node.closest('li');
    const back = item && hasFocus(node);
    if (item) {
      removeNode(node);
      removeNode(item);
    }
    if (back) queueMicrotask(() => node.querySelector('button')?.focus());
    return node;
  }

  /** @param {import('../attache.js').TextEvent} event */
  #text(event) {
    if (!isContribution(event)) return make('span', { class: 'line', dir: 'auto' }, ...linked(event.text));
    return make('div', { class: 'bubble', part: event.own ? 'bubble own' : 'bubble', dir: 'auto' }, ...linked(event.text));
  }

  /** Returns the words that say which parties can see it, if not all can. @param {Audience} event */
  #marks({ visibility, receiver }) {
    /** @type {string[]} */
    const marks = [];
    if (visibility !== 'ALL') marks.push(this.#locale.say(visibility));
    if (receiver !== undefined) marks.push(receiver === this.#self?.userId ? this.#locale.say('toYou') : this.#locale.say('toOne', { name: this.#news.nameOf(receiver) ?? receiver }));
    return marks.map((words) => make('span', { class: 'visibility', dir: this.#locale.direction }, words));
  }

  /** Puts a line into the place of a file's tile. @param {HTMLElement} tile @param {string} words */
  replaceTile(tile, words) {
    const focused = hasFocus(tile);
    tile.replaceWith(make('span', { class: 'line gone', part: 'line', dir: this.#locale.direction }, words));
    if (focused) this.node.focus();
  }

  /** Writes name and time above the first of a group, and the date above the first of a day. @param {number} index */
  #group(index) {
    const item = this.#items[index];
    const event = this.#thread.at(index);
    const first = isContribution(event) && !this.#thread.follows(index);
    item.classList.toggle('first', first);
    for (const old of all(item, ':scope > .head, :scope > .day')) removeNode(old);
    if (first) item.prepend(this.#head(event));
    if (this.#thread.opensDay(index)) item.prepend(make('span', { class: 'day', dir: this.#locale.direction }, this.#locale.day(event.at)));
  }

  /** @param {Pick<TranscriptEvent, 'from' | 'own' | 'at'> & Audience} event */
  #head({ from, own, at, visibility, receiver }) {
    return make('div', { class: 'head', part: 'head' },
      make('bdi', { class: own ? 'visually-hidden' : 'nickname', 'data-type': from.userType }, from.nickname),
      make('time', { dir: this.#locale.direction, datetime: new Date(at).toISOString() }, this.#locale.time(at)),
      ...this.#marks({ visibility, receiver }));
  }

  /** @param {boolean} own @param {boolean} counts */
  #scrollAfter(own, counts) {
    if (own || this.#following) {
      this.#following = true;
      this.#toEnd();
      return;
    }
    if (counts) this.#unseen += 1;
    this.#writeJump();
  }

  #scrolled() {
    if (this.#scrollQueued) return; // it scrolls to the end anyway
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    if (clientHeight === 0) return; // it is not drawn
    this.#scrollTop = scrollTop;
    this.#following = scrollHeight - scrollTop - clientHeight < nearEnd;
    if (this.#following) this.#unseen = 0;
    this.#writeJump();
  }

  /** Writes only changes: any change here causes a layout of the whole transcript. */
  #writeJump() {
    if (this.#jump.hidden !== this.#following) this.#jump.hidden = this.#following;
    if (this.#following) return;
    const words = this.#unseen > 0 ? this.#locale.say('newer', { count: this.#unseen }) : this.#locale.say('latest');
    if (this.#jump.textContent !== words) this.#jump.replaceChildren(glyph('down'), make('bdi', { dir: this.#locale.direction }, words));
  }

  #jumpToEnd() {
    this.#following = true;
    this.#toEnd(this.#window?.matchMedia?.('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth');
  }

  /** Scrolls once a frame: reading the height causes a layout of the whole transcript. @param {ScrollBehavior} [behavior] */
  #toEnd(behavior = 'instant') {
    if (this.#scrollQueued || !this.#window) return;
    this.#scrollQueued = true;
    const go = () => {
      this.#scrollQueued = false;
      if (this.#following) this.node.scrollTo?.({ top: this.node.scrollHeight, behavior });
    };
    if (this.#window.requestAnimationFrame) this.#window.requestAnimationFrame(go);
    else this.#window.setTimeout(go);
  }
}
