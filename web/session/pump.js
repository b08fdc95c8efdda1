import { Unchanged, browser, digestIn } from './changedetector.js';

/**
 * Reads one file, piece by piece, into one buffer that is used again for every
 * piece. Each lies behind room for a header, so that header and piece go out
 * as one message without being copied together.
 *
 * The module says what to read and is called back when it is there. One read is
 * under way at a time. The last piece is handed over only once the file has been
 * found unchanged.
 */
export class Pump {
  #file;
  #size;
  #filled;
  #unread;
  #reader;
  #unchanged;
  #header = 0;
  #room = 0;
  /** @type {ArrayBuffer | undefined} */
  #buffer;
  /** Of the bytes before the next piece, where those are to be compared. */
  #digest = '';
  /** Whether the next read is the first one on its connection. */
  #anew = true;
  /** Whether what went before was read, or compared, here. */
  #known = false;
  #turn = 0;

  /**
   * @param {Blob} file
   * @param {number} size in bytes, as it is offered
   * @param {(view: Uint8Array) => void} filled header room and piece
   * @param {(before: boolean) => void} unread the file cannot be read; `before`: though some of it could
   * @param {import('./changedetector.js').Platform} [platform]
   */
  constructor(file, size, filled, unread, platform = browser) {
    this.#file = file;
    this.#size = size;
    this.#filled = filled;
    this.#unread = unread;
    this.#reader = new platform.Reader(this.#file);
    this.#unchanged = new Unchanged(this.#file, size, platform);
  }

  /**
   * Before the first piece: the header's length and that of the longest piece
   * in bytes, and the SHA-256 in hex of all that lies before it. A file whose
   * beginning went to the proxy from an earlier page has to begin so. To compare
   * and no more, read nothing after it.
   *
   * @param {number} header @param {number} most @param {string} [digest]
   */
  prepare(header, most, digest = '') {
    this.#digest = digest;
    this.#header = header;
    this.#room = header + most;
    this.#anew = true;
  }

  /** @param {number} offset @param {number} length */
  read(offset, length) {
    this.#read(offset, length, this.#turn);
  }

  /** Lets buffer and file go. Nobody is called back any more until the next read. */
  rest() {
    this.#turn += 1;
    this.#buffer = undefined;
    this.#reader.close();
  }

  /** @param {number} offset @param {number} length @param {number} turn */
  async #read(offset, length, turn) {
    const wanted = () => turn === this.#turn;
    let buffer;
    try {
      if (this.#anew) this.#unchanged.begin(offset, this.#digest);
      this.#anew = false;
      if (!this.#known && this.#digest !== '' && offset > 0) await this.#compare(offset, wanted);
      if (!wanted()) return;
      this.#known = true;
      buffer = this.#buffer;
      if (!buffer || buffer.byteLength < this.#room) buffer = new ArrayBuffer(this.#room);
      buffer = await this.#reader.read(buffer, this.#header, offset, length);
      if (!wanted()) return;
      this.#buffer = buffer;
      const piece = new Uint8Array(buffer, this.#header, length);
      this.#unchanged.note(piece);
      if (length > 0 && offset + length === this.#size) await this.#unchanged.check(piece[length - 1], wanted);
      if (!wanted()) return;
    } catch {
      if (!wanted()) return;
      this.#buffer = undefined; // a stream may have it
      this.#reader.close();
      this.#unread(this.#reader.touched);
      return;
    }
    this.#filled(new Uint8Array(buffer, 0, this.#header + length));
  }

  /** Rejects if the bytes before the offset are others than those that were sent. @param {number} offset @param {() => boolean} wanted */
  async #compare(offset, wanted) {
    const found = await digestIn({ reader: this.#reader, buffer: new ArrayBuffer(1 << 20) }, 0, offset, wanted);
    if (wanted() && found !== this.#digest) throw new Error('the file is not the one that was begun');
  }
}
