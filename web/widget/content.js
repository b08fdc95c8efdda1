import { pixels } from './imagesize.js';

/**
 * The contents that the viewer shows. An extension only decides what is offered; the
 * bytes decide what is shown. HTML, SVG, XML and PDF are shown in no form: a browser
 * can run or load something from them.
 */

/** @typedef {'image' | 'audio' | 'video' | 'text'} ContentKind */
/** What a viewer shows: a Blob of a harmless type, or a text. @typedef {{ kind: 'image' | 'audio' | 'video', blob: Blob } | { kind: 'text', text: string }} Content */

/** @type {Record<ContentKind, string>} */
const extensions = {
  image: 'png jpg jpeg jfif gif webp bmp avif',
  audio: 'mp3 wav oga ogg opus flac m4a aac',
  video: 'mp4 m4v webm ogv',
  text: 'txt text log md markdown csv tsv json ini conf cfg yaml yml srt vtt diff patch',
};

/** @type {Map<string, ContentKind>} */
const kinds = new Map(/** @type {ContentKind[]} */ (Object.keys(extensions))
  .flatMap((kind) => extensions[kind].split(' ').map((extension) => /** @type {[string, ContentKind]} */ ([extension, kind]))));

/** Bytes. A page that lays out a longer text is slow. */
const maxText = 64 * 1024;
/** Lines; each is laid out by itself. */
const maxLines = 4096;
/** What takes a browser seconds to lay out, and no text has: letters under piles of marks, and many changes of direction. */
const costly = /\p{M}{9}|(?:[\u202a-\u202e\u2066-\u2069][^\u202a-\u202e\u2066-\u2069]*){64}/u;
/** Bytes of the beginning that are read for a signature and a picture's size. */
const headSize = 512 * 1024;
/** Pixels of a picture; a decoded one takes four bytes each. */
const maxPixels = 64 * 1024 * 1024;

/**
 * Returns what a file may be shown as, or undefined if it can only be saved.
 *
 * @param {{ extension: string, size: number, caution: string }} file
 * @param {number} maxSize bytes of a file that is read as a whole
 * @returns {ContentKind | undefined}
 */
export function shownAs({ extension, size, caution }, maxSize) {
  const kind = kinds.get(extension.toLowerCase());
  // An attacker gains the most from a file that is not what its name says.
  if (kind === undefined || caution !== '' || size === 0) return undefined;
  return size <= (kind === 'text' ? maxText : maxSize) ? kind : undefined;
}

/**
 * Returns a file's content in a form that can be shown, or undefined if it is not what its
 * name says.
 *
 * @param {Blob} blob
 * @param {ContentKind} kind
 * @returns {Promise<Content | undefined>}
 */
export async function contentOf(blob, kind) {
  if (kind === 'text') {
    const text = decoded(new Uint8Array(await blob.arrayBuffer()));
    return text === undefined ? undefined : { kind, text };
  }
  const head = new Uint8Array(await blob.slice(0, headSize).arrayBuffer());
  const type = mediaType(head, kind);
  if (type === undefined || kind === 'image' && !((pixels(head, type) ?? Infinity) <= maxPixels)) return undefined;
  // Its own type, whatever the sender declared: it decides what a browser does with the URL.
  return { kind, blob: new Blob([blob], { type }) };
}

/** Signatures of the allowed types: a pattern of the first bytes, each as one Latin-1 character. @type {Record<'image' | 'audio' | 'video', [RegExp, string][]>} */
const signatures = {
  image: [
    [/^\x89PNG\r\n\x1a\n/, 'image/png'],
    [/^\xff\xd8\xff/, 'image/jpeg'],
    [/^GIF8[79]a/, 'image/gif'],
    [/^RIFF[^]{4}WEBPVP8[ LX]/, 'image/webp'],
    [/^BM[^]{4}\0{4}/, 'image/bmp'],
    [/^[^]{4}ftypavi[fs]/, 'image/avif'],
  ],
  audio: [
    [/^(?:ID3[\x02-\x04]|\xff[\xfb\xf3\xf2\xfa])/, 'audio/mpeg'],
    [/^RIFF[^]{4}WAVE/, 'audio/wav'],
    [/^OggS\0/, 'audio/ogg'],
    [/^fLaC/, 'audio/flac'],
    [/^[^]{4}ftyp(?:M4A|mp4[12]|isom|dash)/, 'audio/mp4'],
    [/^\xff[\xf1\xf9]/, 'audio/aac'],
  ],
  video: [
    [/^[^]{4}ftyp(?:mp4[12]|isom|iso[2-9]|avc1|M4V|dash)/, 'video/mp4'],
    [/^\x1aE\xdf\xa3[^]*webm/, 'video/webm'],
    [/^OggS\0/, 'video/ogg'],
  ],
};

/** @param {Uint8Array} head @param {'image' | 'audio' | 'video'} kind */
function mediaType(head, kind) {
  const text = String.fromCharCode(...head.subarray(0, 64));
  return signatures[kind].find(([pattern]) => pattern.test(text))?.[1];
}

const markup = /^[\s\ufeff]*<(?:[!?]|[a-z][\w:-]*[\s/>])|^%PDF/i;
/** Control characters that no text has. */
const binary = /[\0-\x08\x0e-\x1a\x1c-\x1f]/;

/** Returns bytes as text, or undefined if they are binary or markup. @param {Uint8Array} bytes */
function decoded(bytes) {
  try {
    const wide = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
    const text = new TextDecoder(wide, { fatal: true }).decode(bytes);
    if (binary.test(text) || markup.test(text) || costly.test(text)) return undefined;
    return text.split('\n', maxLines + 1).length > maxLines ? undefined : text;
  } catch {
    return undefined;
  }
}
