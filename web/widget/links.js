import { make } from './dom.js';

/** Longer addresses are not linked. */
const longest = 2048;

/**
 * Candidates for addresses. They end at spaces, quotes, angle brackets, direction marks,
 * and at Chinese and Japanese brackets and punctuation, after which no space follows.
 */
const candidates = /(?:https?:\/\/(?!\/)|mailto:|www\.(?=[\p{L}\p{N}]))[^\s<>"“”„«»‹›`{}|\\^。，、；：？！…‥・（）「」『』【】《》〈〉〔〕［］｛｝\p{Cc}\p{Cf}]+/giu;

/** After one of these a candidate is a part of something else, for example of another address. */
const within = /[\p{Script=Latin}\p{N}_@.\-/]$/u;

/**
 * @typedef {object} Link
 * @property {string} text as written
 * @property {string} href
 * @property {string} host the real host, if it differs from the written one (letters of other alphabets, escapes); else ''
 */

/**
 * Splits a text at its addresses: http, https, mailto, and those that begin with `www.`.
 * The pieces together are the text.
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

/** Returns the address without the punctuation and closing brackets of the sentence around it. @param {string} written */
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
  // The host of https://your-bank.example@elsewhere.example is elsewhere.example.
  if (url.hostname === '' || url.username !== '' || url.password !== '' || /@|%40/.test(authority)) return undefined;
  const typed = authority.replace(/:\d*$/, '').toLowerCase();
  return { text: written, href: url.href, host: typed === url.hostname ? '' : url.hostname };
}

/**
 * Returns a party's text as nodes. A link opens in a new tab, and its page gets no
 * reference to this one.
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
