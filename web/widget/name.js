const tailLength = 9;
const breaks = /[\s_.\-–—()[\]]/u;

/**
 * A file name in three pieces that together are the name. The layout may truncate the
 * head, never the tail and the suffix, so the difference of two long names and the
 * file's type stay visible at every width.
 *
 * @typedef {object} NamePieces
 * @property {string} head
 * @property {string} tail empty for a short name
 * @property {string} suffix the dot and the true extension; may be empty
 */

/**
 * Splits a name for display.
 *
 * @param {string} name safe to show
 * @param {string} extension the true one, without its dot
 * @param {number} [most] the longest stem that is not split, in grapheme clusters
 * @returns {NamePieces}
 */
export function truncate(name, extension, most = 24) {
  const { stem, suffix } = part(name, extension);
  const characters = [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(stem)];
  if (characters.length <= most) return { head: stem, tail: '', suffix };

  const cut = cutAt(characters.map((c) => c.segment));
  const at = characters[cut].index;
  return { head: stem.slice(0, at), tail: stem.slice(at), suffix };
}

/** @param {string} name @param {string} extension */
function part(name, extension) {
  if (extension === '') return { stem: name, suffix: '' };
  const ending = `.${extension}`;
  const end = name.slice(-ending.length);
  if (end.toLowerCase() === ending.toLowerCase()) {
    return { stem: name.slice(0, -ending.length), suffix: end };
  }
  // The true extension is shown also if the name hides it.
  return { stem: name, suffix: ending };
}

/**
 * Returns where to split: at the start of a word near the end if there is one, after the
 * space before it. The tail is a separate box, in which joining letters would lose their
 * shape in the middle of a word.
 *
 * @param {string[]} characters
 */
function cutAt(characters) {
  const middle = characters.length - tailLength;
  for (let step = 0; step <= 5; step += 1) {
    for (const at of [middle + step, middle - step]) {
      if (breaks.test(characters[at])) return /\s/u.test(characters[at]) ? at + 1 : at;
    }
  }
  return middle;
}
