/**
 * Reports whether a violation of the page's Content-Security-Policy concerns a URL. For a redirect the browser reports the
 * URL that was requested.
 *
 * @param {{ blockedURI?: string }} violation
 * @param {string} url absolute
 */
export function isAbout({ blockedURI = '' }, url) {
  return blockedURI.startsWith(new URL(url).origin);
}
