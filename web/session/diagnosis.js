import { codes } from '../codes.js';
import { stringify } from './json.js';

/** @typedef {import('../codes.js').Code} Code */

/**
 * What the proxy knows of dials from here (`/attache/why`, docs/protocol.md).
 *
 * @typedef {object} Answer
 * @property {string} protocol
 * @property {number} time milliseconds since 1970, the proxy's clock
 * @property {string} origin this page's, as it got there
 * @property {boolean} allowed
 * @property {Code} [refused] of the last dial within a minute
 * @property {string[]} [missing] of its handshake
 * @property {boolean} [draining]
 * @property {string} [prefix] what stood before the path of this question when it got to the proxy, which has no such path
 */

/** Why a dial failed: the code for the session, and a sentence for the console. @typedef {{ code: Code, says: string }} Cause */

/** Milliseconds that the proxy is given for an answer. */
const patience = 3000;

/**
 * Asks the proxy why it cannot be dialled; nothing where it does not say, as an
 * older one does not.
 *
 * @param {string} base
 * @returns {Promise<Answer | undefined>}
 */
export async function ask(base) {
  try {
    // The body of a POST is not looked at. It is one because a browser names the page's origin in it also where that is the proxy's.
    const response = await fetch(`${base}/attache/why`, { method: 'POST', credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(patience) });
    // With 404 it says that the path has a prefix.
    const answer = response.ok || response.status === 404 ? await response.json() : undefined;
    return typeof answer?.protocol === 'string' ? answer : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What is at an address from where no proxy answered, for the console: nothing, or
 * something else. A page may not read what other origins answer, but sees that they do.
 *
 * @param {string} base
 * @returns {Promise<string>}
 */
export async function stranger(base) {
  try {
    const { status } = await fetch(`${base}/attache/why`, { mode: 'no-cors', credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(patience) });
    return `what answers at ${base}${status > 0 ? ` (status ${status} for ${base}/attache/why)` : ''} is not Attaché's proxy. See whether url is right: it is what stands before /attache/ and /web/, ` +
      'with https:// or http://; and whether a reverse proxy on the way passes these paths on, and to a proxy that runs.';
  } catch {
    return `nothing answers at ${base}. See whether url is right, whether the proxy runs and can be reached from here, and whether its certificate is valid: open ${base}/attache/why in this browser.`;
  }
}

/**
 * What the proxy's answer means.
 *
 * @param {string} base
 * @param {Answer} answer
 * @param {string} protocol that this page speaks
 * @param {string} origin of this page
 * @returns {Cause | undefined}
 */
export function read(base, { protocol: theirs, origin: seen, allowed, missing = [], refused, draining, prefix }, protocol, origin) {
  if (prefix) return { code: 'upgrade-missing', says: prefixed(base, String(prefix)) };
  if (!allowed) return { code: 'origin-refused', says: refusedOrigin(base, String(seen), origin) };
  if (missing.length > 0) {
    return {
      code: 'upgrade-missing',
      says: `requests get to the proxy at ${base} without ${missing.join(' and ')}, so no WebSocket can be made. A reverse proxy before it takes that away. ` +
        'In nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";',
    };
  }
  if (theirs !== protocol) {
    return { code: 'version-unsupported', says: `the proxy at ${base} speaks ${theirs} and this page ${protocol}: use the web files of the proxy's release.` };
  }
  if (draining || refused === 'busy') return { code: 'busy', says: '' };
  return undefined;
}

/** @param {string} base @param {string} prefix */
function prefixed(base, prefix) {
  const change = base.endsWith(prefix) ? `If that is a mistake in url, write url="${base.slice(0, -prefix.length)}". If a reverse proxy is to serve it, have it` : 'Have the reverse proxy before it';
  return `the proxy gets the requests for ${base} with ${stringify(prefix)} before /attache/, and serves nothing there. ${change} take that away. ` +
    `In nginx: location ${prefix}/ { proxy_pass http://proxy/; … }, with the slash after the address.`;
}

/** @param {string} base @param {string} seen @param {string} origin */
function refusedOrigin(base, seen, origin) {
  if (origin === 'null') {
    return `the proxy at ${base} cannot let this page in, because it has no origin: it is a file, or in a sandboxed frame. Serve it over https, or give the frame allow-same-origin.`;
  }
  if (seen !== origin) {
    const changed = seen === '' ? 'takes the Origin header away' : `changes the Origin header to ${stringify(seen)}`;
    return `the proxy at ${base} cannot tell that this page is of ${origin}: a reverse proxy before it ${changed}. Have it passed on as it is.`;
  }
  return `the proxy at ${base} does not allow pages from ${origin}. Start it with --origin ${origin} as well.`;
}

/**
 * What the browser itself holds against a dial, before it asks anybody.
 *
 * @param {string} url of the socket
 * @param {{ protocol?: string, hostname?: string }} page
 * @param {{ thrown?: unknown, violation?: { blockedURI?: string, effectiveDirective?: string } }} found
 * @returns {Cause | undefined}
 */
export function obstacle(url, page, { thrown, violation }) {
  const { protocol, host, hostname } = new URL(url);
  if (violation) {
    return { code: 'connection-blocked', says: `this page's Content-Security-Policy blocks it: add ${protocol}//${host} and ${protocol.replace('ws', 'http')}//${host} to ${violation.effectiveDirective || 'connect-src'}.` };
  }
  if (protocol === 'ws:' && page.protocol === 'https:' && (thrown || !loopback(hostname))) {
    return { code: 'connection-blocked', says: `a page over https may not connect to ${protocol}//${host}. Give the proxy TLS (--tls-cert, or a reverse proxy) and write url="https://…".` };
  }
  if (thrown) return { code: 'connection-blocked', says: `the browser refuses to dial ${protocol}//${host}: ${thrown instanceof Error ? thrown.message : thrown}` };
  return undefined;
}

/**
 * Whether the browser keeps this page out of the network that the proxy is in
 * (Local Network Access): a page of the internet has to be allowed there by its
 * user. The page is not told, so this is seen only of addresses that say where they are.
 *
 * @param {string} url
 * @param {{ hostname?: string }} page
 * @param {{ query: (descriptor: any) => Promise<{ state: string }> } | undefined} permissions
 * @returns {Promise<Cause | undefined>}
 */
export async function confined(url, page, permissions) {
  const { hostname } = new URL(url);
  if (!local(hostname) || local(page.hostname ?? '')) return undefined;
  const permission = await permissions?.query({ name: 'local-network-access' }).catch(() => undefined);
  if (permission?.state !== 'denied') return undefined;
  return { code: 'connection-blocked', says: `the browser does not let this page into the local network, where ${hostname} is. Allow it for this site, or by the policy LocalNetworkAccessAllowedForUrls; or give the proxy a public address.` };
}

/** @param {string} hostname */
function loopback(hostname) {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\./.test(hostname);
}

/** @param {string} hostname */
function local(hostname) {
  return loopback(hostname) || hostname.endsWith('.local') || /^(10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))\./.test(hostname) || /^\[f[cde]/.test(hostname);
}

/** The proxy's message of that code, as the module reads it. @param {Code} code */
export function failMessage(code) {
  const { message, hint, retry } = codes[code];
  return stringify({ type: 'fail', error: { code, message, hint, retry } });
}
