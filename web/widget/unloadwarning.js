/** What would lose something if the page went now. @type {Set<object>} */
const losers = new Set();

/** @param {BeforeUnloadEvent} event */
function warn(event) {
  // Before a person has done anything a browser shows no dialogue, and complains in its console.
  if (globalThis.navigator?.userActivation?.hasBeenActive === false) return;
  event.preventDefault();
  // What browsers before 2023 look at.
  event.returnValue = true;
}

/**
 * Has the browser ask before the page is left, as long as anything would lose
 * something by it. Otherwise there is no listener, because a page with one is
 * kept out of the back/forward cache.
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
