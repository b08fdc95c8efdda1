/**
 * Returns how many pixels a picture has, by its header; undefined if that is not found. A
 * file of some kilobytes can unfold to gigabytes in the browser's memory.
 *
 * @param {Uint8Array} head the first bytes of the file
 * @param {string} type its media type, as its signature says
 * @returns {number | undefined}
 */
export function pixels(head, type) {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  try {
    const size = readers[type]?.(view);
    return size && size[0] * size[1];
  } catch {
    return undefined; // it ends too early
  }
}

/** Width and height. @typedef {[number, number] | undefined} Size */

/** @type {Record<string, (view: DataView) => Size>} */
const readers = {
  'image/png': (view) => [view.getUint32(16), view.getUint32(20)],
  'image/gif': (view) => [view.getUint16(6, true), view.getUint16(8, true)],
  'image/bmp': (view) => [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))],
  'image/webp': webp,
  'image/avif': avif,
  'image/jpeg': jpeg,
};

/** @param {DataView} view @returns {Size} */
function webp(view) {
  switch (view.getUint8(15)) {
    case 0x58: // VP8X
      return [1 + (view.getUint32(24, true) & 0xffffff), 1 + (view.getUint32(26, true) >>> 8)];
    case 0x4c: { // VP8L
      const bits = view.getUint32(21, true);
      return [1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff)];
    }
    default:
      return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
  }
}

/** Returns the largest size that an image property declares: a grid has one for each tile and one for the whole. @param {DataView} view @returns {Size} */
function avif(view) {
  /** @type {Size} */
  let largest;
  for (let at = 0; at + 16 <= view.byteLength; at += 1) {
    if (view.getUint32(at) !== 0x69737065) continue; // ispe
    const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (!largest || width * height > largest[0] * largest[1]) largest = [width, height];
  }
  return largest;
}

/** Walks the segments to the frame header. @param {DataView} view @returns {Size} */
function jpeg(view) {
  for (let at = 2; ;) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1; // padding
      continue;
    }
    // SOF0 to SOF15 without DHT, JPG and DAC.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    if (marker === 0xd9 || marker === 0xda) return undefined; // the data begins without a frame header
    at += 2 + view.getUint16(at + 2);
  }
}
