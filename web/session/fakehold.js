/** Waits for an upload of a script that is held, or until it is aborted. @param {Promise<unknown> | undefined} hold @param {AbortSignal} [signal] */
export async function raced(hold, signal) {
  if (!hold) return;
  await Promise.race([hold, new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  })]);
}
