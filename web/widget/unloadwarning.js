/** Everything that would lose something if the page were closed now. @type {Set<object>} */
const losers = new Set();

/** @param {BeforeUnloadEvent} event */
function warn(event) {
  // Before the person has interacted with the page, browsers show no dialogue, and log a warning.
  if (globalThis.navigator?.userActivation?.hasBeenActive === false) return;
  event.preventDefault();
  // Browsers before 2023 read this.
  event.returnValue = true;
}

/**
 * Makes the browser ask before the page is closed, as long as anything would lose
 * something by that. Otherwise there is no listener, because a page with one is kept
 * out of the back/forward cache.
 *
 * @param {object} who
 * @param {boolean} loses
 */
export function warnBeforeUnload(who, loses) {
  const before = losers.size;
  if (loses) losers.add(who);
  else losers.delete(who);
  if (before === 0 && losers.size > 0) globalThis.addEventListener?.('beforeunload', warn);
  if (before > 0 && losers.size === 0) globalThis.removeEventListener?.('beforeunload', warn);
}
