import { AttacheError } from './error.js';

/**
 * Locks on upload keys, so that no two living pages send under one key. They are
 * Web Locks, which the browser releases however a page ends; only secure contexts
 * have them.
 */

/** Keys of the uploads that this page sends. @type {Set<string>} */
const mine = new Set();

const nameOf = (/** @type {string} */ key) => `attache upload ${key}`;

function lockManager() {
  return globalThis.document ? globalThis.navigator?.locks : undefined;
}

/** Reports whether this page can find out that another page sends under a key. */
export const locksSupported = () => lockManager() !== undefined;

/** Reports whether this page sends under the key. @param {string} key */
export const isLocked = (key) => mine.has(key);

/** Returns the keys that living pages send under: this page, and others as far as the browser reports them. */
export async function lockedKeys() {
  const prefix = nameOf('');
  const found = await lockManager()?.query().catch(() => undefined);
  return new Set([...mine, ...(found?.held ?? []).flatMap(({ name = '' }) => (name.startsWith(prefix) ? name.slice(prefix.length) : []))]);
}

/**
 * Takes a new key, which no other page can have.
 *
 * @param {string} key
 * @returns {{ lock: () => void, release: () => void }} `lock` locks it, before another page may see the key
 */
export function take(key) {
  const { release, released } = claim(key);
  const lock = () => {
    lockManager()?.request(nameOf(key), () => released).catch(() => {});
  };
  return { lock, release };
}

/**
 * Locks a key that an earlier page had. A key that a living page holds is never
 * shared, because two files may have the same name, size and date: then this rejects
 * with `upload-conflict`, as it does where the browser has no locks.
 *
 * @param {string} key
 * @returns {Promise<() => void>} releases it
 */
export async function lockIfAvailable(key) {
  const { release, released } = claim(key);
  const granted = await new Promise((resolve) => {
    const request = lockManager()?.request(nameOf(key), { ifAvailable: true }, (held) => {
      resolve(held !== null);
      return held ? released : undefined;
    });
    if (request) request.catch(() => resolve(false));
    else resolve(false);
  });
  if (granted) return release;
  release();
  throw conflict();
}

/**
 * Waits until no other page holds a key. A page that was left holds its keys until the
 * browser has ended it, which may take longer than the next page takes to open.
 *
 * @param {string} key
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} false if that was given up
 */
export async function released(key, signal) {
  try {
    await lockManager()?.request(nameOf(key), { mode: 'shared', signal }, () => {});
    return !signal.aborted;
  } catch {
    return false;
  }
}

/** @param {string} key */
function claim(key) {
  if (mine.has(key)) throw conflict();
  mine.add(key);
  /** @type {(value?: unknown) => void} */
  let settle = () => {};
  const released = new Promise((resolve) => { settle = resolve; });
  return { released, release: () => { mine.delete(key); settle(); } };
}

function conflict() {
  return new AttacheError({ code: 'upload-conflict', message: '' });
}
