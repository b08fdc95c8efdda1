import { AttacheError } from './error.js';

/** Keys of the uploads that this page sends. @type {Set<string>} */
const ours = new Set();

const lockOf = (/** @type {string} */ key) => `attache upload ${key}`;

/** The browser's locks, which it gives back however a page ends. Only secure contexts have them. */
function locks() {
  return globalThis.document ? globalThis.navigator?.locks : undefined;
}

/** Reports whether it can be told that no living page sends under a key. */
export const locksSupported = () => locks() !== undefined;

/** Reports whether this page sends under the key. @param {string} key */
export const held = (key) => ours.has(key);

/** Returns the keys that living pages send under: this one, and the others as far as the browser tells. */
export async function heldAnywhere() {
  const prefix = lockOf('');
  const found = await locks()?.query().catch(() => undefined);
  return new Set([...ours, ...(found?.held ?? []).flatMap(({ name = '' }) => (name.startsWith(prefix) ? name.slice(prefix.length) : []))]);
}

/**
 * Holds a key that nobody else can have, as long as it is sent under.
 *
 * @param {string} key
 * @returns {() => void} lets it go
 */
export function hold(key) {
  const { release, over } = begin(key);
  locks()?.request(lockOf(key), () => over).catch(() => {});
  return release;
}

/**
 * Holds a key that an earlier page had. One that a living page holds is never used
 * again, because two files may share name, size and date: then this rejects with
 * `upload-conflict`, as it does where that cannot be told.
 *
 * @param {string} key
 * @returns {Promise<() => void>} lets it go
 */
export async function holdIfAvailable(key) {
  const { release, over } = begin(key);
  const mine = await new Promise((resolve) => {
    const given = locks()?.request(lockOf(key), { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? over : undefined;
    });
    if (given) given.catch(() => resolve(false));
    else resolve(false);
  });
  if (mine) return release;
  release();
  throw conflict();
}

/** @param {string} key */
function begin(key) {
  if (ours.has(key)) throw conflict();
  ours.add(key);
  /** @type {(value?: unknown) => void} */
  let end = () => {};
  const over = new Promise((resolve) => { end = resolve; });
  return { over, release: () => { ours.delete(key); end(); } };
}

function conflict() {
  return new AttacheError({ code: 'upload-conflict', message: '' });
}
