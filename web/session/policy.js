/**
 * Whether a violation of the page's Content-Security-Policy is about a URL. Of a
 * redirect the browser reports where it began.
 *
 * @param {{ blockedURI?: string }} violation
 * @param {string} url an absolute one
 */
export function isAbout({ blockedURI = '' }, url) {
  return blockedURI.startsWith(new URL(url).origin);
}
