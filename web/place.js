/**
 * Where the reader is in a pane, so that a new pane can go there.
 *
 * @typedef {object} Place
 * @property {{ part: string, key: string, id: string } | undefined} focus the control, and the tile that it is in
 * @property {number | undefined} scroll pixels from the transcript's top; undefined at its end
 */

export {};
