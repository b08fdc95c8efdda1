/** @typedef {{ blockedURI?: string, effectiveDirective?: string }} Violation */

/**
 * Calls a listener for each violation of the page's Content-Security-Policy that concerns a URL.
 *
 * @param {() => string} url returns an absolute URL
 * @param {(violation: Violation) => void} listener
 * @returns {() => void} removes the listener
 */
export function onViolation(url, listener) {
  /** @param {any} violation */
  const filter = (violation) => {
    if (concerns(violation, url())) listener(violation);
  };
  globalThis.addEventListener?.('securitypolicyviolation', filter);
  return () => globalThis.removeEventListener?.('securitypolicyviolation', filter);
}

/** Reports whether a violation concerns a URL. For a redirect the browser reports the URL that was requested. @param {Violation} violation @param {string} url */
function concerns({ blockedURI = '' }, url) {
  return blockedURI.startsWith(new URL(url).origin);
}
