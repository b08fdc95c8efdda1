import { ChangeDetector, browser, digestIn } from './changedetector.js';

/**
 * Reads one file, piece by piece, into two reused buffers: one is being read while the other
 * is being sent. Headroom for a frame's header is before each piece, so that header and piece
 * are sent as one message without a copy.
 *
 * The module asks for a piece and is called back when it is read, one at a time; it may ask
 * for the next one before it has sent the last. It gets the last piece only once the file is
 * known to be unchanged.
 */
export class Pump {
  #file;
  #size;
  #filled;
  #unread;
  #long;
  #reader;
  #detector;
  #header = 0;
  #capacity = 0;
  /** Two at most: the first is free, the second one's piece may still have to be sent. @type {ArrayBuffer[]} */
  #buffers = [];
  /** SHA-256 that the bytes before the next piece must have; empty: do not compare. */
  #digest = '';
  /** Whether the next read is the first on its connection. */
  #fresh = true;
  /** Whether the bytes before were read or compared by this pump. */
  #verified = false;
  #generation = 0;

  /**
   * @param {Blob} file
   * @param {number} size in bytes, as it is offered
   * @param {(view: Uint8Array) => void} filled called with headroom and piece
   * @param {(before: boolean) => void} unread called if the file cannot be read; `before`: some of it could be
   * @param {() => void} [long] called before the first read, unless the file is sent whole with its offer
   * @param {import('./changedetector.js').Platform} [platform]
   */
  constructor(file, size, filled, unread, long = () => {}, platform = browser) {
    this.#file = file;
    this.#size = size;
    this.#filled = filled;
    this.#unread = unread;
    this.#long = long;
    this.#reader = new platform.Reader(this.#file);
    this.#detector = new ChangeDetector(this.#file, size, platform);
  }

  /**
   * Prepares for the first piece. If an earlier page sent the file's beginning, the file must begin with the same bytes;
   * to compare only those, read zero bytes after it.
   *
   * @param {number} header bytes of headroom @param {number} maxPiece bytes @param {string} [digest] SHA-256 in hex of all bytes before the first piece
   * @param {boolean} [whole] the file is sent whole with its offer
   */
  prepare(header, maxPiece, digest = '', whole = false) {
    if (!whole) this.#long();
    this.#digest = digest;
    this.#header = header;
    this.#capacity = header + maxPiece;
    this.#fresh = true;
  }

  /** @param {number} offset @param {number} length */
  read(offset, length) {
    this.#read(offset, length, this.#generation);
  }

  /** Releases buffers and file. There are no callbacks until the next read. */
  release() {
    this.#generation += 1;
    this.#buffers = [];
    this.#reader.close();
  }

  /** @param {number} offset @param {number} length @param {number} generation */
  async #read(offset, length, generation) {
    const wanted = () => generation === this.#generation;
    let buffer;
    try {
      if (this.#fresh) this.#detector.begin(offset, this.#digest);
      this.#fresh = false;
      if (!this.#verified && this.#digest !== '' && offset > 0) await this.#compare(offset, wanted);
      if (!wanted()) return;
      this.#verified = true;
      buffer = this.#buffers.length > 1 ? this.#buffers.shift() : undefined;
      if (!buffer || buffer.byteLength < this.#capacity) buffer = new ArrayBuffer(this.#capacity);
      buffer = await this.#reader.read(buffer, this.#header, offset, length);
      if (!wanted()) return;
      const piece = new Uint8Array(buffer, this.#header, length);
      this.#detector.add(piece);
      if (length > 0 && offset + length === this.#size) await this.#detector.check(piece[length - 1], wanted);
      if (!wanted()) return;
    } catch {
      if (!wanted()) return;
      this.#reader.close(); // its stream may own the buffer
      this.#unread(this.#reader.touched);
      return;
    }
    this.#buffers.push(buffer);
    this.#filled(new Uint8Array(buffer, 0, this.#header + length));
  }

  /** Rejects if the bytes before the offset are not those that were sent. @param {number} offset @param {() => boolean} wanted */
  async #compare(offset, wanted) {
    const found = await digestIn({ reader: this.#reader, buffer: new ArrayBuffer(1 << 20) }, 0, offset, wanted);
    if (wanted() && found !== this.#digest) throw new Error('the file is not the one whose upload was started');
  }
}
