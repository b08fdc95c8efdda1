import { make } from './dom.js';

/** Longer addresses stay text. */
const longest = 2048;

/**
 * What may be an address: it ends at blanks, quotes, angle brackets, direction
 * marks, and at the brackets and stops of Chinese and Japanese, which need no
 * blank before what follows.
 */
const candidates = /(?:https?:\/\/(?!\/)|mailto:|www\.(?=[\p{L}\p{N}]))[^\s<>"“”„«»‹›`{}|\\^。，、；：？！…‥・（）「」『』【】《》〈〉〔〕［］｛｝\p{Cc}\p{Cf}]+/giu;

/** After one of these it is a part of something else, say of another address. */
const within = /[\p{Script=Latin}\p{N}_@.\-/]$/u;

/**
 * @typedef {object} Link
 * @property {string} text what was written
 * @property {string} href where it leads
 * @property {string} host where it really leads, if that is not what is written (letters of other alphabets, escapes); else ''
 */

/**
 * Takes a text apart at the addresses in it: http, https, mailto and what begins
 * with `www.`. The pieces together are the text.
 *
 * @param {string} text
 * @returns {(string | Link)[]}
 */
export function pieces(text) {
  /** @type {(string | Link)[]} */
  const found = [];
  let done = 0;
  for (const match of text.matchAll(candidates)) {
    if (match.index < done || within.test(text.slice(Math.max(0, match.index - 2), match.index))) continue;
    const written = trimmed(match[0]);
    const link = linkTo(written);
    if (!link) continue;
    if (match.index > done) found.push(text.slice(done, match.index));
    found.push(link);
    done = match.index + written.length;
  }
  if (done < text.length) found.push(text.slice(done));
  return found;
}

/** Without the stops and the closing brackets of the sentence that it stands in. @param {string} written */
function trimmed(written) {
  /** @type {Record<string, number>} */
  const surplus = { ')': 0, ']': 0 };
  for (const c of written) {
    if (c === '(') surplus[')'] -= 1;
    else if (c === '[') surplus[']'] -= 1;
    else if (c in surplus) surplus[c] += 1;
  }
  let end = written.length;
  for (; end > 0; end -= 1) {
    const last = written[end - 1];
    if (surplus[last] > 0) surplus[last] -= 1;
    else if (!/[.,;:!?'’*_~)\]]/.test(last) || last in surplus) break;
  }
  return written.slice(0, end);
}

/** @param {string} written @returns {Link | undefined} */
function linkTo(written) {
  if (written.length > longest) return undefined;
  const mail = /^mailto:/i.test(written);
  let url;
  try {
    url = new URL(/^www\./i.test(written) ? `https://${written}` : written);
  } catch {
    return undefined;
  }
  if (mail) return /^[^@?]+@[^@?]+/.test(url.pathname) ? { text: written, href: url.href, host: '' } : undefined;
  const authority = written.replace(/^https?:\/\//i, '').split(/[/?#]/)[0];
  // https://your-bank.example@elsewhere.example leads elsewhere.
  if (url.hostname === '' || url.username !== '' || url.password !== '' || /@|%40/.test(authority)) return undefined;
  const typed = authority.replace(/:\d*$/, '').toLowerCase();
  return { text: written, href: url.href, host: typed === url.hostname ? '' : url.hostname };
}

/**
 * A text of somebody as nodes. A link opens elsewhere, and its page learns nothing
 * of this one.
 *
 * @param {string} text
 * @returns {(string | HTMLElement)[]}
 */
export function linked(text) {
  return pieces(text).map((piece) => (typeof piece === 'string' ? piece : make('a', {
    class: 'link', part: 'link', dir: 'ltr', href: piece.href, target: '_blank', rel: 'noopener noreferrer',
    'data-host': piece.host || undefined, title: piece.host || undefined,
  }, piece.text)));
}
