import { codes } from '../codes.js';
import { stringify } from './json.js';

/** @typedef {import('../codes.js').Code} Code */

/**
 * What the proxy knows of dials from here (`/attache/why`, docs/protocol.md).
 *
 * @typedef {object} Answer
 * @property {string} protocol
 * @property {number} time milliseconds since 1970, the proxy's clock
 * @property {string} origin of this page, as it reached the proxy
 * @property {boolean} allowed
 * @property {Code} [refused] of the last dial within a minute
 * @property {string[]} [missing] headers of its handshake
 * @property {boolean} [draining]
 * @property {string} [prefix] of this request's path when it reached the proxy, which does not serve that path
 */

/** Why a dial failed: the code for the session, and a sentence for the console. @typedef {{ code: Code, remedy: string }} Cause */

/** Milliseconds that the proxy has to answer. */
const timeout = 3000;

/**
 * Asks the proxy why it cannot be dialled. Resolves with nothing if it does not
 * answer that, as an older proxy does not.
 *
 * @param {string} base
 * @returns {Promise<Answer | undefined>}
 */
export async function askProxy(base) {
  try {
    // The body is ignored. It is a POST because browsers send the Origin header with it also to the page's own origin.
    const response = await fetch(`${base}/attache/why`, { method: 'POST', credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(timeout) });
    // A 404 of the proxy reports that the path has a prefix.
    const answer = response.ok || response.status === 404 ? await response.json() : undefined;
    return typeof answer?.protocol === 'string' ? answer : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Describes, for the console, an address where no proxy answered: nothing is there,
 * or something else. A page cannot read answers of other origins, but it learns that
 * there is one.
 *
 * @param {string} base
 * @returns {Promise<string>}
 */
export async function probe(base) {
  try {
    const { status } = await fetch(`${base}/attache/why`, { mode: 'no-cors', credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(timeout) });
    return `the server that answers at ${base}${status > 0 ? ` (status ${status} for ${base}/attache/why)` : ''} is not Attaché's proxy. Check that url is right: it is the part before /attache/ and /web/, ` +
      'with https:// or http://. Check that a reverse proxy forwards these paths, and to a proxy that is running.';
  } catch {
    return `nothing answers at ${base}. Check that url is right, that the proxy is running and reachable from here, and that its certificate is valid: open ${base}/attache/why in this browser.`;
  }
}

/**
 * Explains the proxy's answer.
 *
 * @param {string} base
 * @param {Answer} answer
 * @param {string} protocol that this page speaks
 * @param {string} origin of this page
 * @returns {Cause | undefined}
 */
export function explain(base, { protocol: theirs, origin: seen, allowed, missing = [], refused, draining, prefix }, protocol, origin) {
  if (prefix) return { code: 'upgrade-missing', remedy: removePrefix(base, String(prefix)) };
  if (!allowed) return { code: 'origin-refused', remedy: allowOrigin(base, String(seen), origin) };
  if (missing.length > 0) {
    return {
      code: 'upgrade-missing',
      remedy: `requests reach the proxy at ${base} without ${missing.join(' and ')}, so WebSockets cannot open. A reverse proxy in front of it removes that. ` +
        'In nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";',
    };
  }
  if (theirs !== protocol) {
    return { code: 'version-unsupported', remedy: `the proxy at ${base} speaks ${theirs} and this page ${protocol}: use the web files of the proxy's release.` };
  }
  if (draining || refused === 'busy') return { code: 'busy', remedy: '' };
  return undefined;
}

/** @param {string} base @param {string} prefix */
function removePrefix(base, prefix) {
  const change = base.endsWith(prefix)
    ? `If url is wrong, write url="${base.slice(0, -prefix.length)}". If a reverse proxy is meant to add the prefix, configure it to`
    : 'Configure the reverse proxy in front of it to';
  return `the proxy receives the requests for ${base} with ${stringify(prefix)} before /attache/, and serves nothing there. ${change} remove that. ` +
    `In nginx: location ${prefix}/ { proxy_pass http://proxy/; … }, with the slash after the address.`;
}

/** @param {string} base @param {string} seen @param {string} origin */
function allowOrigin(base, seen, origin) {
  if (origin === 'null') {
    return `the proxy at ${base} cannot allow this page, because it has no origin: it is a file, or in a sandboxed frame. Serve it over https, or give the frame allow-same-origin.`;
  }
  if (seen !== origin) {
    const changed = seen === '' ? 'removes the Origin header' : `changes the Origin header to ${stringify(seen)}`;
    return `the proxy at ${base} cannot see that this page's origin is ${origin}: a reverse proxy in front of it ${changed}. Configure it to forward the header unchanged.`;
  }
  return `the proxy at ${base} does not allow pages from ${origin}. Start it with --origin ${origin} as well.`;
}

/**
 * Returns why the browser itself refuses a dial, before it sends anything.
 *
 * @param {string} url of the socket
 * @param {{ protocol?: string, hostname?: string }} page
 * @param {{ thrown?: unknown, violation?: import('./policy.js').Violation }} found
 * @returns {Cause | undefined}
 */
export function blockedByBrowser(url, page, { thrown, violation }) {
  const { protocol, host, hostname } = new URL(url);
  if (violation) {
    return { code: 'connection-blocked', remedy: `this page's Content-Security-Policy blocks it: add ${protocol}//${host} and ${protocol.replace('ws', 'http')}//${host} to ${violation.effectiveDirective || 'connect-src'}.` };
  }
  if (protocol === 'ws:' && page.protocol === 'https:' && (thrown || !isLoopback(hostname))) {
    return { code: 'connection-blocked', remedy: `a page over https may not connect to ${protocol}//${host}. Give the proxy TLS (--tls-cert, or a reverse proxy) and write url="https://…".` };
  }
  if (thrown) return { code: 'connection-blocked', remedy: `the browser refuses to dial ${protocol}//${host}: ${thrown instanceof Error ? thrown.message : thrown}` };
  return undefined;
}

/**
 * Returns whether the browser keeps this page out of the proxy's network (Local
 * Network Access): a page from the internet needs its user's permission. The browser
 * does not report that to the page, so it is found only for addresses that are local
 * by their form.
 *
 * @param {string} url
 * @param {{ hostname?: string }} page
 * @param {{ query: (descriptor: any) => Promise<{ state: string }> } | undefined} permissions
 * @returns {Promise<Cause | undefined>}
 */
export async function blockedFromLocalNetwork(url, page, permissions) {
  const { hostname } = new URL(url);
  if (!isLocal(hostname) || isLocal(page.hostname ?? '')) return undefined;
  const permission = await permissions?.query({ name: 'local-network-access' }).catch(() => undefined);
  if (permission?.state !== 'denied') return undefined;
  return { code: 'connection-blocked', remedy: `the browser does not let this page into the local network, where ${hostname} is. Allow it for this site, or by the policy LocalNetworkAccessAllowedForUrls; or give the proxy a public address.` };
}

/** @param {string} hostname */
function isLoopback(hostname) {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\./.test(hostname);
}

/** @param {string} hostname */
function isLocal(hostname) {
  return isLoopback(hostname) || hostname.endsWith('.local') || /^(10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))\./.test(hostname) || /^\[f[cde]/.test(hostname);
}

/** Returns the proxy's message with that code, as the module reads it. @param {Code} code */
export function failMessage(code) {
  const { message, hint, retry } = codes[code];
  return stringify({ type: 'fail', error: { code, message, hint, retry } });
}
