/** @typedef {import('../attache.js').Progress} Progress */
/** @typedef {import('./tile.js').Named} Named */
/** @typedef {import('./tile.js').Refusal} Refusal */
/** @typedef {import('./tile.js').Tile} Tile */

/**
 * What is known of one file on its way. It outlives the tiles that are drawn of
 * it: a view that is made anew, or a second one, is brought up to date by
 * {@link draw}.
 */
export class Outgoing {
  /** When it was chosen, in milliseconds since 1970. */
  at = Date.now();
  /** @type {Named | undefined} */
  #named;
  /** @type {Progress | undefined} */
  #progress;
  #cancellable = false;
  /** @type {Refusal | undefined} */
  #refusal;
  #cut;
  /** What an earlier page left of it; `name` is the file's own. @type {{ key: string, name: string, stored: number, total: number } | undefined} */
  unfinished;
  /** @type {Set<Tile>} */
  #tiles = new Set();

  /** @param {boolean} [cut] whether there is no connection at the moment */
  constructor(cut = false) {
    this.#cut = cut;
  }

  get name() {
    return this.#named?.name ?? '';
  }

  /** Whether a page that is closed now would cut it short. */
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
    for (const tile of this.#tiles) tile.upload(progress, cancellable, this.#cut);
  }

  /** @param {Refusal} refusal */
  refuse(refusal) {
    this.#refusal = refusal;
    for (const tile of this.#tiles) tile.refuse(refusal);
  }

  /** Shows what an earlier page left, which only the same file can finish. @param {{ key: string, name: string, stored: number, total: number }} unfinished sizes in bytes */
  leftBehind(unfinished) {
    this.unfinished = unfinished;
    for (const tile of this.#tiles) tile.leftBehind(unfinished);
  }

  /** Takes note that the connection was lost, or is back. @param {boolean} cut */
  cut(cut) {
    if (this.#cut === cut) return;
    this.#cut = cut;
    if (this.#refusal || !this.#progress) return;
    for (const tile of this.#tiles) tile.upload(this.#progress, this.#cancellable, cut);
  }

  /** Brings a new tile up to date, and keeps it so. @param {Tile} tile */
  draw(tile) {
    this.#tiles.add(tile);
    if (this.#named) tile.label(this.#named);
    if (this.#progress) tile.upload(this.#progress, this.#cancellable, this.#cut);
    if (this.#refusal) tile.refuse(this.#refusal);
    if (this.unfinished) tile.leftBehind(this.unfinished);
  }

  /** Leaves a tile alone from now on. @param {Tile} tile */
  leave(tile) {
    this.#tiles.delete(tile);
  }
}
