/**
 * Waits for a promise, but no longer than a time limit.
 *
 * @template T
 * @param {number} limit milliseconds
 * @param {Promise<T>} promise
 * @param {() => T} late called when the time is over: what it returns or throws is the result
 * @returns {Promise<T>}
 */
export async function within(limit, promise, late) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const over = new Promise((resolve) => { timer = setTimeout(resolve, limit); });
  try {
    return await Promise.race([promise, over.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
