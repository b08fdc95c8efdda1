import { make, write } from '../widget/dom.js';
import { icon } from '../widget/icons.js';
import { truncate } from '../widget/name.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').UploadEvent} UploadEvent */
/** @typedef {import('../element.js').AttacheChat} AttacheChat */

const stations = /** @type {const} */ ({
  offered: 'offered', resumed: 'resumed', stored: 'stored', scanned: 'scanned', announced: 'announced', drawn: 'drawn',
});
const order = /** @type {Station[]} */ (Object.keys(stations));
/** Not seen of every file: only after a break, unless the next was faster, only where there is a scanner. @type {Station[]} */
const optional = ['resumed', 'stored', 'scanned'];
/** Accepted means durable; what comes before the notice may be too short to be told. @type {Partial<Record<UploadEvent['state'], Station>>} */
const reached = { offered: 'offered', accepted: 'stored', scanning: 'stored', stored: 'stored', announced: 'announced' };
const mostRows = 50;

/** Milliseconds between two drawings: one for every step would slow down what it is about. */
const pause = 100;

/** @typedef {keyof typeof stations} Station */
/** @typedef {{ row: HTMLElement, times: Partial<Record<Station, number>>, nodes: Record<Station, HTMLElement>, sender: EventTarget | null, scanning: boolean }} Way */

/** The strip that shows each file's timeline, from the events that the API gives and nothing else. */
export class Ways {
  /** @type {Map<string, Way>} */
  #ways = new Map();
  #list;
  #section;
  /** What happened since the strip was drawn. @type {(() => void)[]} */
  #news = [];

  /** @param {HTMLElement} section */
  constructor(section) {
    this.#section = section;
    this.#list = /** @type {HTMLElement} */ (section.querySelector('ol'));
  }

  /** @param {AttacheChat} chat */
  watch(chat) {
    chat.addEventListener('attache-upload', ({ detail }) => this.#later(() => this.#step(chat, detail)));
    chat.addEventListener('attache-file', ({ detail }) => {
      // In the second frame the first one with the icon has been drawn.
      requestAnimationFrame(() => requestAnimationFrame(() => {
        const at = performance.timeOrigin + performance.now();
        this.#later(() => this.#arrived(chat, detail, at));
      }));
    });
  }

  /** @param {() => void} draw */
  #later(draw) {
    if (this.#news.push(draw) > 1) return;
    setTimeout(() => {
      for (const each of this.#news.splice(0)) each();
    }, pause);
  }

  /** @param {AttacheChat} chat @param {UploadEvent} event */
  #step(chat, event) {
    const way = this.#of(event.key);
    if (!way.sender) {
      way.sender = chat;
      this.#label(way, event, chat);
    }
    way.row.dataset.state = event.state;
    if (event.resumed) this.#resume(way, event);
    if (event.state === 'scanning') way.scanning = true;
    // What comes after the scanner has passed it.
    else if (way.scanning && (event.state === 'stored' || event.state === 'announced')) this.#reach(way, 'scanned', event.at);
    const station = reached[event.state];
    if (station) this.#reach(way, station, event.at);
    if (event.state === 'failed' || event.state === 'cancelled') this.#stop(way, event);
  }

  /** @param {AttacheChat} chat @param {ChatFile} file @param {number} at */
  #arrived(chat, file, at) {
    const way = this.#ways.get(file.key);
    if (file.own || !way) return; // a file of before the page was loaded has no times
    if (chat.isConnected) this.#reach(way, 'drawn', at);
  }

  /** @param {string} key @returns {Way} */
  #of(key) {
    const known = this.#ways.get(key);
    if (known) return known;

    const nodes = /** @type {Way['nodes']} */ ({});
    const way = make('dl', { class: 'way' });
    for (const [station, words] of Object.entries(stations)) {
      const time = make('dd', { dir: 'auto' }, '·');
      nodes[/** @type {Station} */ (station)] = time;
      way.append(make('div', { class: station }, make('dt', {}, words), time));
    }
    const row = make('li', {}, way);
    const fresh = { row, times: {}, nodes, sender: null, scanning: false };
    this.#ways.set(key, fresh);
    this.#list.prepend(row);
    this.#section.classList.add('used');
    if (this.#list.children.length > mostRows) this.#list.lastElementChild?.remove();
    return fresh;
  }

  /** @param {Way} way @param {UploadEvent} file @param {AttacheChat} chat */
  #label(way, { name, extension, kind }, chat) {
    const { head, tail, suffix } = truncate(name, extension);
    const from = chat.id === 'agent' ? 'agent → customer' : 'customer → agent';
    way.row.prepend(
      icon(kind, extension),
      make('div', { class: 'what' },
        make('bdi', { title: name }, make('span', {}, head), make('span', {}, tail + suffix)),
        make('small', {}, from)),
    );
  }

  /** The last break counts; where the file went on stands beside it. @param {Way} way @param {UploadEvent} event */
  #resume(way, { at, stored }) {
    way.times.resumed = undefined;
    this.#reach(way, 'resumed', at);
    write(/** @type {HTMLElement} */ (way.nodes.resumed.previousElementSibling), `resumed at ${megabytes(stored)}`);
  }

  /** @param {Way} way @param {Station} station @param {number} at */
  #reach(way, station, at) {
    if (way.times[station] !== undefined) return;
    way.times[station] = at;
    this.#skip(way, station);
    const { offered } = way.times;
    for (const [name, time] of Object.entries(way.times)) {
      if (time === undefined) continue;
      const node = way.nodes[/** @type {Station} */ (name)];
      if (offered !== undefined) write(node, name === 'offered' ? '0 ms' : `+${milliseconds(time - offered)} ms`);
      node.parentElement?.classList.add('reached');
    }
  }

  /** What may be left out and was, before that station. @param {Way} way @param {Station} station */
  #skip(way, station) {
    for (const name of order.slice(0, order.indexOf(station))) {
      const node = way.nodes[name];
      const skipped = optional.includes(name) && way.times[name] === undefined;
      node.parentElement?.classList.toggle('skipped', skipped);
      if (skipped) write(node, '–');
    }
  }

  /** @param {Way} way @param {UploadEvent} event */
  #stop(way, { state, error }) {
    const reason = state === 'failed' ? error?.message ?? 'failed' : 'cancelled';
    way.row.querySelector('dl')?.replaceWith(make('p', { class: 'stopped' }, reason));
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
