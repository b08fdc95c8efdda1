import { misuse } from './error.js';

/** The proxy's address as an `http` URL without a slash at the end. @param {unknown} given */
export function readBase(given) {
  const { origin, protocol: from } = new URL(import.meta.url);
  const here = globalThis.location?.href;
  if (given === undefined && from !== 'https:' && from !== 'http:') throw misuse('url is missing');
  let url;
  try {
    url = new URL(given === undefined || given === '' ? origin : String(given), here);
  } catch (cause) {
    throw misuse('url is not a URL', cause);
  }
  const protocol = url.protocol.replace(/^ws/, 'http');
  if (protocol !== 'http:' && protocol !== 'https:') throw misuse('url must have one of the schemes https, wss, http, ws');
  return `${protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
}

/** The same for what may not be an address at all, which is then returned as it is. @param {string} given */
export function baseOf(given) {
  try {
    return readBase(given);
  } catch {
    return given;
  }
}
