/** @typedef {import('../attache.js').Progress} Progress */
/** @typedef {import('../attache.js').Visibility} Visibility */
/** @typedef {import('./tile.js').Named} Named */
/** @typedef {import('./tile.js').Refusal} Refusal */
/** @typedef {import('./tile.js').Tile} Tile */

/**
 * The state of one file that is being sent. It outlives the tiles that show it: a tile
 * of a new view is brought up to date by {@link attach}.
 */
export class OutgoingFile {
  /** When it was chosen, in milliseconds since 1970. */
  at = Date.now();
  /** @type {Named | undefined} */
  #named;
  /** @type {Progress | undefined} */
  #progress;
  #cancellable = false;
  /** @type {Refusal | undefined} */
  #refusal;
  #offline;
  /** What an earlier page sent of it; `name` is the file's own. @type {{ key: string, name: string, stored: number, total: number } | undefined} */
  unfinished;
  /** @type {Set<Tile>} */
  #tiles = new Set();

  /** The parties that will see it. */
  visibility;

  /** @param {boolean} [offline] whether there is no connection at the moment @param {Visibility} [visibility] */
  constructor(offline = false, visibility = 'ALL') {
    this.#offline = offline;
    this.visibility = visibility;
  }

  get name() {
    return this.#named?.name ?? '';
  }

  /** Whether closing the page now would interrupt it. */
  get losable() {
    if (this.#refusal) return false;
    return this.#progress === undefined || ['offered', 'receiving'].includes(this.#progress.state);
  }

  /** @param {Named} named */
  label(named) {
    this.#named = named;
    for (const tile of this.#tiles) tile.label(named);
  }

  /** @param {Progress} progress @param {boolean} cancellable */
  upload(progress, cancellable) {
    this.#progress = progress;
    this.#cancellable = cancellable;
    this.#refusal = undefined;
    for (const tile of this.#tiles) tile.upload(progress, cancellable, this.#offline);
  }

  /** @param {Refusal} refusal */
  refuse(refusal) {
    this.#refusal = refusal;
    for (const tile of this.#tiles) tile.refuse(refusal);
  }

  /** Shows what an earlier page sent of it; only the same file can resume it. @param {{ key: string, name: string, stored: number, total: number }} unfinished sizes in bytes */
  showUnfinished(unfinished) {
    this.unfinished = unfinished;
    for (const tile of this.#tiles) tile.showUnfinished(unfinished);
  }

  /** @param {boolean} offline whether there is no connection */
  set offline(offline) {
    if (this.#offline === offline) return;
    this.#offline = offline;
    if (this.#refusal || !this.#progress) return;
    for (const tile of this.#tiles) tile.upload(this.#progress, this.#cancellable, offline);
  }

  /** Shows the state in a tile from now on. @param {Tile} tile */
  attach(tile) {
    this.#tiles.add(tile);
    if (this.#named) tile.label(this.#named);
    if (this.#progress) tile.upload(this.#progress, this.#cancellable, this.#offline);
    if (this.#refusal) tile.refuse(this.#refusal);
    if (this.unfinished) tile.showUnfinished(this.unfinished);
  }

  /** Leaves a tile as it is from now on. @param {Tile} tile */
  detach(tile) {
    this.#tiles.delete(tile);
  }
}
