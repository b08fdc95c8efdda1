/**
 * Waits for a promise, but no longer than a time limit.
 *
 * @template T
 * @param {number} limit milliseconds
 * @param {Promise<T>} promise
 * @param {() => T} onTimeout called after the limit; its return value or exception is the result
 * @returns {Promise<T>}
 */
export async function within(limit, promise, onTimeout) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const elapsed = new Promise((resolve) => { timer = setTimeout(resolve, limit); });
  try {
    return await Promise.race([promise, elapsed.then(onTimeout)]);
  } finally {
    clearTimeout(timer);
  }
}
