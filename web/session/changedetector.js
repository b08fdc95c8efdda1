import { hex } from './key.js';
import { Reader, tail } from './reader.js';
import { Sha256 } from './sha256.js';

/**
 * Whether the browser refuses to read a file whose date has changed since it was
 * chosen. Measured: Chromium 156 does (dates in milliseconds), WebKitGTK 2.50 does
 * (in seconds), Firefox 153 reads whatever is there. A page cannot find out
 * without changing a file on disk, so only the two engines that are known to compare
 * are trusted; both report AppleWebKit. An extension can change what Gecko reports of
 * itself, hence the second test.
 */
const checksDates = /\bAppleWebKit\//.test(globalThis.navigator?.userAgent ?? '') && !('mozInnerScreenX' in globalThis);

/** Bytes of the longest piece; a frame is not longer. */
const maxPiece = 1 << 20;

/** Bytes hashed at a time in JavaScript: few enough that the page stays responsive. */
const step = 512 << 10;

/**
 * Finds out whether a file has changed since it was read, so that no file is
 * announced that is half one version and half another.
 *
 * It opens a fresh slice of the last byte, and the browser compares the date. If the
 * browser does not, the whole file is read a second time, and every piece must have
 * the digest that it had the first time.
 */
export class ChangeDetector {
  #file;
  #size;
  #platform;
  /** What was read, from the file's beginning. @type {{ length: number, digest: string | Promise<string> }[]} */
  #parts = [];

  /** @param {Blob} file @param {number} size in bytes, when it was offered @param {Platform} platform */
  constructor(file, size, platform) {
    this.#file = file;
    this.#size = size;
    this.#platform = platform;
  }

  /** Starts again after the bytes that the proxy has. @param {number} length @param {string} digest their SHA-256 in hex; empty: unknown */
  begin(length, digest) {
    this.#parts = length > 0 ? [{ length, digest }] : [];
  }

  /** Adds the next piece. @param {Uint8Array<ArrayBuffer>} piece */
  add(piece) {
    if (!this.#platform.checksDates) this.#parts.push({ length: piece.byteLength, digest: digestOf(piece) });
  }

  /**
   * Rejects if the file has changed.
   * @param {number} last the last byte that was read @param {() => boolean} wanted whether the answer is still of interest
   */
  async check(last, wanted) {
    const end = await tail(this.#file, this.#size - 1);
    if (end.byteLength !== 1 || end[0] !== last) throw changed();
    if (!this.#platform.checksDates && wanted()) await this.#reread(wanted);
  }

  /** @param {() => boolean} wanted */
  async #reread(wanted) {
    const reader = new this.#platform.Reader(this.#file);
    const source = { reader, buffer: new ArrayBuffer(maxPiece) };
    try {
      let at = 0;
      for (const { length, digest } of this.#parts) {
        const found = await digestIn(source, at, length, wanted);
        if (!wanted()) return;
        if (found !== await digest && digest !== '') throw changed();
        at += length;
      }
      if (await reader.more(at)) throw changed();
    } finally {
      reader.close();
    }
  }
}

/**
 * How files are read, and what is known of the browser; tests replace it.
 * @typedef {{ Reader: typeof Reader, checksDates: boolean }} Platform
 */

/** @type {Platform} */
export const browser = { Reader, checksDates };

/**
 * Returns the SHA-256 of a part of a file, in hex.
 *
 * @param {{ reader: Reader, buffer: ArrayBuffer }} source its buffer, of 512 KiB or more, is replaced by another one
 * @param {number} offset @param {number} length in bytes
 * @param {() => boolean} wanted once it returns false, hashing stops and the result is meaningless
 */
export async function digestIn(source, offset, length, wanted) {
  if (length <= source.buffer.byteLength) {
    source.buffer = await source.reader.read(source.buffer, 0, offset, length);
    return digestOf(new Uint8Array(source.buffer, 0, length));
  }
  const sum = new Sha256();
  for (let at = 0; at < length && wanted(); at += step) {
    const bytes = Math.min(step, length - at);
    source.buffer = await source.reader.read(source.buffer, 0, offset + at, bytes);
    sum.write(new Uint8Array(source.buffer, 0, bytes));
  }
  return sum.hex();
}

/** @param {Uint8Array<ArrayBuffer>} bytes are read before this returns @returns {string | Promise<string>} */
function digestOf(bytes) {
  const { subtle } = globalThis.crypto ?? {};
  if (subtle) return subtle.digest('SHA-256', bytes).then((sum) => hex(new Uint8Array(sum)));
  // Only secure contexts have it.
  const sum = new Sha256();
  sum.write(bytes);
  return sum.hex();
}

const changed = () => new Error('the file has changed');
