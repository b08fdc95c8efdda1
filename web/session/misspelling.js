/** What was reported, so that each name is reported once in a page. @type {Set<string>} */
const reported = new Set();

/**
 * Logs options that a call does not know: it ignores them, so a misspelt one would have no
 * effect and nobody would know why.
 *
 * @param {string} call
 * @param {object} options
 * @param {readonly string[]} known
 */
export function warnOfUnknownOptions(call, options, known) {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    warnOnce(`${call} has no option "${name}"; ${meant ? `did you mean "${meant}"?` : `it has ${known.join(', ')}.`}`);
  }
}

/**
 * Logs a name that is nearly one of the known ones. Other unknown names may be meant for
 * somebody else, such as an attribute for a framework.
 *
 * @param {string} what
 * @param {string} name
 * @param {readonly string[]} known
 */
export function warnOfMisspelling(what, name, known) {
  const meant = known.includes(name) ? undefined : nearest(name, known);
  if (meant) warnOnce(`${what} "${name}"; did you mean "${meant}"?`);
}

/** @param {string} sentence */
function warnOnce(sentence) {
  if (reported.has(sentence)) return;
  reported.add(sentence);
  console.warn(`attache: ${sentence}`);
}

/**
 * Returns the known name that was probably meant: in another style or case, or a third of
 * its letters wrong at most.
 *
 * @param {string} name
 * @param {readonly string[]} known
 */
export function nearest(name, known) {
  const given = plain(name);
  let best;
  let least = Infinity;
  for (const one of known) {
    const far = distance(given, plain(one));
    if (far >= least || far > Math.floor(Math.min(given.length, plain(one).length) / 3)) continue;
    least = far;
    best = one;
  }
  return best;
}

/** @param {string} name */
const plain = (name) => name.slice(0, 64).toLowerCase().replace(/[-_]/g, '');

/** Returns how many letters have to be inserted, deleted or replaced (Levenshtein). @param {string} a @param {string} b */
function distance(a, b) {
  /** @type {number[]} */
  let row = [];
  for (let j = 0; j <= b.length; j += 1) row.push(j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}
