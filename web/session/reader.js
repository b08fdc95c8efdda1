import { byteSize } from './blob.js';

const { slice, stream, arrayBuffer } = globalThis.Blob?.prototype ?? {};

/**
 * Returns a file's size in bytes. Rejects if a file that reports 0 bytes cannot be read,
 * or is not empty: a file that is gone reports 0 bytes in Chromium, and one that was
 * written since reports its old size in Firefox.
 *
 * @param {Blob} file
 * @returns {Promise<number>}
 */
export async function sizeOf(file) {
  const bytes = byteSize(file);
  if (bytes === 0 && (await arrayBuffer.call(file)).byteLength > 0) throw new Error('the file was empty when it was chosen');
  return bytes;
}

/**
 * Reads a file from an offset, piece by piece, into a buffer that the caller owns. It uses
 * the browser's own `Blob` methods, whatever properties a file object has.
 */
export class Reader {
  /** Whether any byte could be read. */
  touched = false;
  #file;
  /** @type {ReadableStreamBYOBReader | undefined} */
  #stream;
  #streams = true;
  #position = -1;

  /** @param {Blob} file */
  constructor(file) {
    this.#file = file;
  }

  /**
   * Reads exactly `length` bytes into the buffer, and returns the buffer: a stream
   * takes it and returns it as another object. Rejects if the file cannot be read or is
   * shorter.
   *
   * @param {ArrayBuffer} buffer @param {number} at offset in the buffer @param {number} offset in the file @param {number} length in bytes
   * @returns {Promise<ArrayBuffer>}
   */
  async read(buffer, at, offset, length) {
    const opened = this.#at(offset);
    for (let filled = 0; filled < length;) {
      const got = await this.#some(opened, buffer, at + filled, offset + filled, length - filled);
      this.touched = true;
      if (got.bytes === 0) throw new Error('the file is shorter than it was');
      buffer = got.buffer;
      filled += got.bytes;
    }
    if (this.#stream === opened) this.#position = offset + length;
    return buffer;
  }

  /** Reports whether the file has more bytes at that offset, where the last read ended. @param {number} offset */
  async more(offset) {
    return (await this.#some(this.#at(offset), new ArrayBuffer(1), 0, offset, 1)).bytes > 0;
  }

  /** Releases the file. It can be read again afterwards. */
  close() {
    this.#stream?.cancel().catch(() => {});
    this.#stream = undefined;
    this.#position = -1;
  }

  /** Returns a stream at that offset, or undefined if the browser has no streams that fill a given buffer. @param {number} offset */
  #at(offset) {
    if (offset === this.#position) return this.#stream;
    this.close();
    this.#position = offset;
    if (!this.#streams) return undefined;
    // A slice is a round trip to the browser's main process, and ends where the
    // file ended when it was chosen.
    const source = stream.call(offset === 0 ? this.#file : slice.call(this.#file, offset));
    try {
      this.#stream = source.getReader({ mode: 'byob' });
    } catch {
      this.#streams = false;
      source.cancel().catch(() => {});
    }
    return this.#stream;
  }

  /** @param {ReadableStreamBYOBReader | undefined} opened @param {ArrayBuffer} buffer @param {number} at @param {number} offset @param {number} length */
  async #some(opened, buffer, at, offset, length) {
    if (!opened) {
      const piece = await arrayBuffer.call(slice.call(this.#file, offset, offset + length));
      new Uint8Array(buffer, at).set(new Uint8Array(piece));
      return { buffer, bytes: piece.byteLength };
    }
    const options = /** @type {ReadableStreamBYOBReaderReadOptions} */ ({ min: length });
    const { value } = await opened.read(new Uint8Array(buffer, at, length), options);
    return value ? { buffer: /** @type {ArrayBuffer} */ (value.buffer), bytes: value.byteLength } : { buffer, bytes: 0 };
  }
}

/**
 * Opens a fresh slice of a file at its last byte, and returns that byte, and one more if
 * the file has grown. Chromium and WebKit reject if the
 * file's date has changed since it was chosen.
 *
 * @param {Blob} file
 * @param {number} last its offset
 */
export async function tail(file, last) {
  return new Uint8Array(await arrayBuffer.call(slice.call(file, last, last + 2)));
}
