/** Whoever would lose something if the page went now. @type {Set<object>} */
const losers = new Set();

/** @param {BeforeUnloadEvent} event */
function ask(event) {
  // Nobody is asked where nobody has done anything yet; the browser would only complain in its console.
  if (globalThis.navigator?.userActivation?.hasBeenActive === false) return;
  event.preventDefault();
  // What browsers before 2023 look at.
  event.returnValue = true;
}

/**
 * Has the browser ask before the page goes, as long as somebody would lose
 * something by it. At other times nothing is listened to: a page that listens is
 * not kept for the way back.
 *
 * @param {object} who
 * @param {boolean} loses
 */
export function guard(who, loses) {
  const before = losers.size;
  if (loses) losers.add(who);
  else losers.delete(who);
  if (before === 0 && losers.size > 0) globalThis.addEventListener?.('beforeunload', ask);
  if (before > 0 && losers.size === 0) globalThis.removeEventListener?.('beforeunload', ask);
}
