import { make, write } from '../widget/dom.js';
import { icon } from '../widget/icons.js';
import { truncate } from '../widget/name.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').UploadEvent} UploadEvent */
/** @typedef {import('../element.js').AttacheChat} AttacheChat */

const steps = /** @type {const} */ ({
  offered: 'offered', resumed: 'resumed', stored: 'stored', scanned: 'scanned', announced: 'announced', drawn: 'shown',
});
const order = /** @type {Step[]} */ (Object.keys(steps));
/** Steps that not every file has: `resumed` only after an interruption, `stored` unless the next step came at once, `scanned` only with a scanner. @type {Step[]} */
const skippable = ['resumed', 'stored', 'scanned'];
/** The step that an upload's state means. `accepted` means durable; the states before the notice may be too short to be reported. @type {Partial<Record<UploadEvent['state'], Step>>} */
const reached = { offered: 'offered', accepted: 'stored', scanning: 'stored', stored: 'stored', announced: 'announced' };
const mostRows = 50;

/** Milliseconds between two updates: one for every event would slow down the uploads. */
const pause = 100;

/** @typedef {keyof typeof steps} Step */
/** @typedef {{ item: HTMLElement, times: Partial<Record<Step, number>>, nodes: Record<Step, HTMLElement>, sender: EventTarget | null, scanning: boolean }} Row */

/** Shows a timeline of each file, from the public API's events only. */
export class Timeline {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #list;
  #section;
  /** Updates that are not drawn yet. @type {(() => void)[]} */
  #queued = [];

  /** @param {HTMLElement} section */
  constructor(section) {
    this.#section = section;
    this.#list = /** @type {HTMLElement} */ (section.querySelector('ol'));
  }

  /** @param {AttacheChat} chat */
  watch(chat) {
    chat.addEventListener('attache-upload', ({ detail }) => this.#queue(() => this.#addEvent(chat, detail)));
    chat.addEventListener('attache-file', ({ detail }) => {
      // In the second frame, the first one that has the icon is drawn.
      requestAnimationFrame(() => requestAnimationFrame(() => {
        const at = performance.timeOrigin + performance.now();
        this.#queue(() => this.#addFile(chat, detail, at));
      }));
    });
  }

  /** @param {() => void} draw */
  #queue(draw) {
    if (this.#queued.push(draw) > 1) return;
    setTimeout(() => {
      for (const each of this.#queued.splice(0)) each();
    }, pause);
  }

  /** @param {AttacheChat} chat @param {UploadEvent} event */
  #addEvent(chat, event) {
    const row = this.#rowOf(event.key);
    if (!row.sender) {
      row.sender = chat;
      this.#label(row, event, chat);
    }
    row.item.dataset.state = event.state;
    if (event.resumed) this.#resume(row, event);
    if (event.state === 'scanning') row.scanning = true;
    // The state after the scanner has released it.
    else if (row.scanning && (event.state === 'stored' || event.state === 'announced')) this.#setTime(row, 'scanned', event.at);
    const step = reached[event.state];
    if (step) this.#setTime(row, step, event.at);
    if (event.state === 'failed' || event.state === 'cancelled') this.#showFailure(row, event);
  }

  /** @param {AttacheChat} chat @param {ChatFile} file @param {number} at */
  #addFile(chat, file, at) {
    const row = this.#rows.get(file.key);
    if (file.own || !row) return; // a file that is older than the page has no times
    if (chat.isConnected) this.#setTime(row, 'drawn', at);
  }

  /** @param {string} key @returns {Row} */
  #rowOf(key) {
    const known = this.#rows.get(key);
    if (known) return known;

    const nodes = /** @type {Row['nodes']} */ ({});
    const list = make('dl', { class: 'steps' });
    for (const [step, words] of Object.entries(steps)) {
      const time = make('dd', { dir: 'auto' }, '·');
      nodes[/** @type {Step} */ (step)] = time;
      list.append(make('div', { class: step }, make('dt', {}, words), time));
    }
    const item = make('li', {}, list);
    const fresh = { item, times: {}, nodes, sender: null, scanning: false };
    this.#rows.set(key, fresh);
    this.#list.prepend(item);
    this.#section.classList.add('used');
    if (this.#list.children.length > mostRows) this.#list.lastElementChild?.remove();
    return fresh;
  }

  /** @param {Row} row @param {UploadEvent} file @param {AttacheChat} chat */
  #label(row, { name, extension, kind }, chat) {
    const { head, tail, suffix } = truncate(name, extension);
    const from = chat.id.startsWith('agent') ? 'agent → customer' : 'customer → agent';
    row.item.prepend(
      icon(kind, extension),
      make('div', { class: 'what' },
        make('bdi', { title: name }, make('span', {}, head), make('span', {}, tail + suffix)),
        make('small', {}, from)),
    );
  }

  /** Shows the last resumption only, and the offset that it resumed from. @param {Row} row @param {UploadEvent} event */
  #resume(row, { at, stored }) {
    row.times.resumed = undefined;
    this.#setTime(row, 'resumed', at);
    write(/** @type {HTMLElement} */ (row.nodes.resumed.previousElementSibling), `resumed at ${megabytes(stored)}`);
  }

  /** @param {Row} row @param {Step} step @param {number} at */
  #setTime(row, step, at) {
    if (row.times[step] !== undefined) return;
    row.times[step] = at;
    this.#markSkipped(row, step);
    const { offered } = row.times;
    for (const [name, time] of Object.entries(row.times)) {
      if (time === undefined) continue;
      const node = row.nodes[/** @type {Step} */ (name)];
      if (offered !== undefined) write(node, name === 'offered' ? '0 ms' : `+${milliseconds(time - offered)} ms`);
      node.parentElement?.classList.add('reached');
    }
  }

  /** Marks the steps before that one that the file did not have. @param {Row} row @param {Step} step */
  #markSkipped(row, step) {
    for (const name of order.slice(0, order.indexOf(step))) {
      const node = row.nodes[name];
      const skipped = skippable.includes(name) && row.times[name] === undefined;
      node.parentElement?.classList.toggle('skipped', skipped);
      if (skipped) write(node, '–');
    }
  }

  /** @param {Row} row @param {UploadEvent} event */
  #showFailure(row, { state, error }) {
    const reason = state === 'failed' ? error?.message ?? 'failed' : 'cancelled';
    row.item.querySelector('dl')?.replaceWith(make('p', { class: 'stopped' }, reason));
  }
}

/** @param {number} bytes */
function megabytes(bytes) {
  return new Intl.NumberFormat('en', { style: 'unit', unit: 'megabyte', maximumFractionDigits: 1 }).format(bytes / 1e6);
}

/** @param {number} time */
function milliseconds(time) {
  return new Intl.NumberFormat('en', { maximumFractionDigits: time < 10 ? 1 : 0 }).format(Math.max(0, time));
}
