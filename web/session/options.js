import { parseBaseURL } from './address.js';
import { isBlob, fileName, inThisRealm } from './blob.js';
import { invalidCall } from './error.js';
import { stringify } from './json.js';
import { isKey, randomKey } from './key.js';

/**
 * The arguments of callers, read once and copied into plain values. If a getter throws
 * or a value has another type, the call is refused and has no other effect.
 */

/**
 * Returns a caller's arguments, parsed. Any exception of that becomes `message-invalid`.
 * @template T
 * @param {() => T} read
 * @returns {T}
 */
export function parsed(read) {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'AttacheError') throw cause;
    throw invalidCall('an argument could not be read', cause);
  }
}

/** @param {string} name @param {unknown} value @param {string} fallback */
function text(name, value, fallback = '') {
  if (value === undefined) return fallback;
  if (typeof value !== 'string') throw invalidCall(`${name} is not a string`);
  return value;
}

/** @param {string} name @param {unknown} value */
function callback(name, value) {
  if (value !== undefined && typeof value !== 'function') throw invalidCall(`${name} is not a function`);
  return /** @type {((...values: any[]) => unknown) | undefined} */ (value);
}

/** @param {unknown} value */
function abortSignal(value) {
  if (value !== undefined && !(value instanceof AbortSignal)) throw invalidCall('signal is not an AbortSignal');
  return value;
}

/** @param {unknown} value @returns {Record<string, unknown>} */
function object(value) {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null) throw invalidCall('the options are not an object');
  return /** @type {Record<string, unknown>} */ (value);
}

/** @param {unknown} given */
export function readConnect(given) {
  const options = object(given);
  const { url, token, clientVersion = 0, wasm, credentials = 'omit' } = options;
  if (!Number.isSafeInteger(clientVersion)) throw invalidCall('clientVersion is not a whole number');
  if (credentials !== 'omit' && credentials !== 'same-origin' && credentials !== 'include') {
    throw invalidCall('credentials must be one of omit, same-origin, include');
  }
  return {
    base: parseBaseURL(url),
    credentials: /** @type {RequestCredentials} */ (credentials),
    token: readToken(token),
    clientVersion: /** @type {number} */ (clientVersion),
    signal: abortSignal(options.signal),
    onRetry: callback('onRetry', options.onRetry),
    wasm: /** @type {import('../loader.js').LoadOptions['wasm']} */ (wasm),
  };
}

/** @param {unknown} token */
export function readToken(token) {
  if (typeof token !== 'string' && typeof token !== 'function') throw invalidCall('token is neither a string nor a function');
  return /** @type {string | (() => string | Promise<string>)} */ (token);
}

/**
 * @param {unknown} file
 * @param {unknown} given
 */
export function readUpload(file, given) {
  if (!isBlob(file)) throw invalidCall('upload takes a File or a Blob');
  const options = object(given);
  const custom = Object.entries(object(options.custom)).flat();
  if (!custom.every((part) => typeof part === 'string')) throw invalidCall('a value of custom is not a string');
  return {
    file: inThisRealm(file),
    key: text('key', options.key) || randomKey(),
    name: text('name', options.name, fileName(file)),
    type: text('type', options.type, file.type),
    uploadType: text('uploadType', options.uploadType),
    description: text('description', options.description),
    digest: text('digest', options.digest),
    visibility: text('visibility', options.visibility),
    custom,
    signal: abortSignal(options.signal),
    onProgress: callback('onProgress', options.onProgress),
  };
}

/** @param {unknown} key */
export function readKey(key) {
  if (!isKey(key)) throw invalidCall('a key has 32 hex digits');
  return key;
}

/** @param {unknown} file @param {unknown} given */
export function readDownload(file, given) {
  const options = object(given);
  const { id, size } = typeof file === 'string' ? { id: file, size: undefined } : object(file);
  if (typeof id !== 'string' || id === '') throw invalidCall('download takes a file of the transcript, or its id');
  const { offset = 0, idleTimeout = 120_000, check = false } = options;
  if (!Number.isSafeInteger(offset) || /** @type {number} */ (offset) < 0) throw invalidCall('offset is not a byte count');
  if (typeof idleTimeout !== 'number' || !(idleTimeout >= 0)) throw invalidCall('idleTimeout is not a duration in milliseconds');
  return {
    id, size: typeof size === 'number' ? size : undefined, offset: /** @type {number} */ (offset),
    idleTimeout, check: check === true, signal: abortSignal(options.signal),
  };
}

/** @param {unknown} message @param {unknown} given */
export function readSend(message, given) {
  const options = object(given);
  if (typeof message !== 'string') throw invalidCall('the text is not a string');
  return { text: message, visibility: text('visibility', options.visibility), signal: abortSignal(options.signal) };
}

/** @param {unknown} given */
export function readClose(given) {
  return text('after', object(given).after, 'keep-alive');
}

/** @param {unknown} file @param {unknown} limits */
export function readCheck(file, limits) {
  const { name, size } = object(file);
  if (typeof name !== 'string' || !Number.isSafeInteger(size)) throw invalidCall('check takes a file with a name and a size');
  const l = object(limits);
  const counts = ['maxFiles', 'usedFiles', 'maxFileSize', 'maxTotalSize', 'usedTotalSize', 'types', 'needAgent', 'agentHere', 'maxDownloads', 'usedDownloads'];
  const known = Object.fromEntries(counts.map((key) => [key, l[key]]));
  return { name, size: /** @type {number} */ (size), limits: stringify(known) };
}
