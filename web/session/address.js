import { invalidCall } from './error.js';

/**
 * Returns the proxy's address as an `http` URL without a slash at its end.
 *
 * @param {unknown} given an address with one of the schemes https, wss, http, ws; empty or absent: the origin of this script
 * @returns {string}
 * @throws {import('./error.js').AttacheError} `message-invalid` if it is not an address
 */
export function parseBaseURL(given) {
  const { origin, protocol: from } = new URL(import.meta.url);
  const here = globalThis.location?.href;
  if (given === undefined && from !== 'https:' && from !== 'http:') throw invalidCall('url is missing');
  let url;
  try {
    url = new URL(given === undefined || given === '' ? origin : String(given), here);
  } catch (cause) {
    throw invalidCall('url is not a URL', cause);
  }
  const protocol = url.protocol.replace(/^ws/, 'http');
  if (protocol !== 'http:' && protocol !== 'https:') throw invalidCall('url must have one of the schemes https, wss, http, ws');
  return `${protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
}

/** Returns the same, or the text unchanged if it is not an address. @param {string} given */
export function normalizeBaseURL(given) {
  try {
    return parseBaseURL(given);
  } catch {
    return given;
  }
}
