import { Sha256 } from './sha256.js';

const { slice, stream, arrayBuffer } = globalThis.Blob?.prototype ?? {};
const size = Object.getOwnPropertyDescriptor(globalThis.Blob?.prototype ?? {}, 'size')?.get;

/** Bytes compared at a time: few enough that the page stays responsive. */
const compared = 512 << 10;

/**
 * How many bytes a file has. One that is gone says that it is empty, and only
 * reading it tells the difference: then this rejects.
 *
 * @param {Blob} file
 * @returns {Promise<number>}
 */
export async function sizeOf(file) {
  const bytes = size?.call(file);
  if (bytes === 0) await arrayBuffer.call(file);
  return bytes;
}

/**
 * Reads one file, piece by piece, into one buffer that is used again for every
 * piece. Each lies behind room for a header, so that header and piece go out
 * as one message without being copied together.
 *
 * The module says what to read and is called back when it is there. One read is
 * under way at a time. The `Blob` methods are the browser's own, whatever a
 * file object brings along.
 */
export class Pump {
  #file;
  #filled;
  #unread;
  #header = 0;
  #room = 0;
  /** @type {ArrayBuffer | undefined} */
  #buffer;
  /** @type {ReadableStreamBYOBReader | undefined} */
  #reader;
  #streams = true;
  #position = -1;
  #touched = false;
  /** Of the bytes before the next piece, where those are to be compared. */
  #digest = '';
  /** Whether what went before was read, or compared, here. */
  #known = false;
  #turn = 0;

  /**
   * @param {Blob} file
   * @param {(view: Uint8Array) => void} filled header room and piece
   * @param {(before: boolean) => void} unread the file cannot be read; `before`: though some of it could
   */
  constructor(file, filled, unread) {
    this.#file = file;
    this.#filled = filled;
    this.#unread = unread;
  }

  /**
   * Before the first piece: the header's length and that of the longest piece
   * in bytes, and the SHA-256 in hex of all that lies before it. A file whose
   * beginning went to the proxy from an earlier page has to begin so.
   *
   * @param {number} header @param {number} most @param {string} [digest]
   */
  prepare(header, most, digest = '') {
    this.#digest = digest;
    this.#header = header;
    this.#room = header + most;
  }

  /** @param {number} offset @param {number} length */
  read(offset, length) {
    this.#read(offset, length, this.#turn);
  }

  /** Lets buffer and file go. Nobody is called back any more until the next read. */
  rest() {
    this.#turn += 1;
    this.#position = -1;
    this.#buffer = undefined;
    this.#close();
  }

  /** @param {number} offset @param {number} length @param {number} turn */
  async #read(offset, length, turn) {
    try {
      if (!this.#buffer || this.#buffer.byteLength < this.#room) this.#buffer = new ArrayBuffer(this.#room);
      if (!this.#known && this.#digest !== '' && offset > 0) await this.#compare(offset, turn);
      if (turn !== this.#turn) return;
      this.#known = true;
      if (offset !== this.#position) this.#open(offset);
      for (let filled = 0; filled < length;) {
        const got = await this.#some(offset + filled, this.#header + filled, length - filled, turn);
        if (turn !== this.#turn) return;
        this.#touched = true;
        if (got === 0) throw new Error('the file is shorter than it was');
        filled += got;
      }
      this.#position = offset + length;
    } catch {
      if (turn !== this.#turn) return;
      this.#position = -1;
      this.#unread(this.#touched);
      return;
    }
    this.#filled(new Uint8Array(this.#buffer, 0, this.#header + length));
  }

  /** Rejects if the bytes before the offset are others than those that were sent. @param {number} offset @param {number} turn */
  async #compare(offset, turn) {
    const sum = new Sha256();
    for (let at = 0; at < offset; at += compared) {
      const piece = await arrayBuffer.call(slice.call(this.#file, at, Math.min(at + compared, offset)));
      if (turn !== this.#turn) return;
      this.#touched = true;
      sum.write(new Uint8Array(piece));
    }
    if (sum.hex() !== this.#digest) throw new Error('the file is not the one that was begun');
  }

  /** @param {number} offset */
  #open(offset) {
    this.#close();
    this.#position = offset;
    if (!this.#streams) return;
    // A slice is a round trip to the browser's main process.
    const source = stream.call(offset === 0 ? this.#file : slice.call(this.#file, offset));
    try {
      this.#reader = source.getReader({ mode: 'byob' });
    } catch {
      this.#streams = false;
      source.cancel().catch(() => {});
    }
  }

  #close() {
    this.#reader?.cancel().catch(() => {});
    this.#reader = undefined;
  }

  /**
   * Reads some bytes to a place in the buffer and answers how many.
   * @param {number} offset @param {number} place @param {number} length @param {number} turn
   */
  async #some(offset, place, length, turn) {
    const buffer = /** @type {ArrayBuffer} */ (this.#buffer);
    if (!this.#reader) {
      const piece = await arrayBuffer.call(slice.call(this.#file, offset, offset + length));
      new Uint8Array(buffer, place).set(new Uint8Array(piece));
      return piece.byteLength;
    }
    const options = /** @type {ReadableStreamBYOBReaderReadOptions} */ ({ min: length });
    const { value } = await this.#reader.read(new Uint8Array(buffer, place, length), options);
    if (!value) return 0;
    // The stream took the buffer and gives it back as another object.
    if (turn === this.#turn) this.#buffer = /** @type {ArrayBuffer} */ (value.buffer);
    return value.byteLength;
  }
}
