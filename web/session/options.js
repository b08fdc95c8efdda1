import { parseBaseURL } from './address.js';
import { isBlob, fileName, inThisRealm } from './blob.js';
import { invalidCall } from './error.js';
import { stringify } from './json.js';
import { isKey, randomKey } from './key.js';
import { warnOfUnknownOptions } from './misspelling.js';

/**
 * The arguments of callers, read once and copied into plain values. If a getter throws
 * or a value has another type, the call is refused and has no other effect.
 */

/** Bytes of a secure key that a hello may have. */
const maxSecureKey = 256;

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

/** Returns the only party that is to see something; empty: all may. @param {unknown} value */
function receiver(value) {
  // An identifier that is missing by mistake must not make a private message public.
  if (value === '') throw invalidCall('receiver is empty');
  return text('receiver', value);
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

/** Returns the options of a call. @param {string} call @param {unknown} value @param {...string} known */
function optionsOf(call, value, ...known) {
  const options = object(value);
  warnOfUnknownOptions(call, options, known);
  return options;
}

/** @param {unknown} given */
export function readConnect(given) {
  const options = optionsOf('connect', given, 'url', 'token', 'secureKey', 'signal', 'onRetry', 'credentials', 'clientVersion', 'wasm');
  const { url, token, clientVersion = 0, wasm, credentials = 'omit' } = options;
  if (!Number.isSafeInteger(clientVersion)) throw invalidCall('clientVersion is not a whole number');
  const secureKey = text('secureKey', options.secureKey);
  if (new TextEncoder().encode(secureKey).length > maxSecureKey) throw invalidCall(`secureKey has more than ${maxSecureKey} bytes`);
  if (credentials !== 'omit' && credentials !== 'same-origin' && credentials !== 'include') {
    throw invalidCall('credentials must be one of omit, same-origin, include');
  }
  return {
    base: parseBaseURL(url),
    credentials: /** @type {RequestCredentials} */ (credentials),
    token: readToken(token),
    clientVersion: /** @type {number} */ (clientVersion),
    secureKey,
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
  const options = optionsOf('upload', given, 'signal', 'onProgress', 'name', 'type', 'description', 'uploadType', 'custom', 'digest', 'visibility', 'key');
  const custom = Object.entries(object(options.custom)).flat();
  if (!custom.every((part) => typeof part === 'string')) throw invalidCall('a value of custom is not a string');
  return {
    file: inThisRealm(file),
    key: text('key', options.key) || randomKey(),
    resumes: Boolean(options.key),
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
  return readFetch(file, optionsOf('download', given, 'signal', 'offset', 'idleTimeout', 'onState'));
}

/** @param {unknown} file @param {unknown} given */
export function readLink(file, given) {
  return readFetch(file, optionsOf('link', given, 'signal', 'onState', 'check', 'idleTimeout'));
}

/** @param {unknown} file @param {Record<string, unknown>} options */
function readFetch(file, options) {
  const { id, size } = typeof file === 'string' ? { id: file, size: undefined } : object(file);
  if (typeof id !== 'string' || id === '') throw invalidCall('download takes a file of the transcript, or its id');
  const { offset = 0, idleTimeout = 120_000, check = false } = options;
  if (!Number.isSafeInteger(offset) || /** @type {number} */ (offset) < 0) throw invalidCall('offset is not a byte count');
  if (typeof idleTimeout !== 'number' || !(idleTimeout >= 0)) throw invalidCall('idleTimeout is not a duration in milliseconds');
  return {
    id, size: typeof size === 'number' ? size : undefined, offset: /** @type {number} */ (offset),
    idleTimeout, check: check === true, signal: abortSignal(options.signal), onState: callback('onState', options.onState),
  };
}

/** @param {unknown} message @param {unknown} given */
export function readSend(message, given) {
  const options = optionsOf('send', given, 'visibility', 'receiver', 'signal', 'messageType', 'treatAs');
  if (typeof message !== 'string') throw invalidCall('the text is not a string');
  return {
    text: message, visibility: text('visibility', options.visibility), receiver: receiver(options.receiver),
    messageType: text('messageType', options.messageType), treatAs: text('treatAs', options.treatAs), signal: abortSignal(options.signal),
  };
}

/** @param {unknown} typed whether the user types, or the text so far @param {unknown} given */
export function readTyping(typed, given) {
  const options = optionsOf('typing', given, 'visibility', 'receiver');
  if (typeof typed !== 'string' && typeof typed !== 'boolean') throw invalidCall('typing takes true, false or the text so far');
  return {
    on: typed !== '' && typed !== false, preview: typed === true || typed === false ? '' : typed,
    visibility: text('visibility', options.visibility), receiver: receiver(options.receiver),
  };
}

/** @param {unknown} notice @param {unknown} given */
export function readNotify(notice, given) {
  const options = optionsOf('notify', given, 'text', 'data', 'visibility', 'receiver', 'signal');
  if (typeof notice !== 'string' || notice === '') throw invalidCall('the type of the notice is not a string');
  return {
    notice, text: text('text', options.text), data: options.data === undefined ? '' : stringify(object(options.data)),
    visibility: text('visibility', options.visibility), receiver: receiver(options.receiver), signal: abortSignal(options.signal),
  };
}

/** @param {unknown} nickname @param {unknown} given */
export function readRename(nickname, given) {
  return readNotify('USER_UPDATE_NICK', { text: nickname, signal: optionsOf('rename', given, 'signal').signal });
}

/** @param {unknown} documentId @param {unknown} given */
export function readAttach(documentId, given) {
  const { description, custom, visibility, signal } = optionsOf('attach', given, 'description', 'visibility', 'custom', 'signal');
  if (typeof documentId !== 'string' || documentId === '') throw invalidCall('attach takes the id of a document');
  const described = text('description', description);
  return readNotify('SYS_COMMAND', {
    text: 'file-uploaded', visibility, signal,
    data: { ...object(custom), 'file-document-id': documentId, ...(described !== '' && { 'file-description': described }) },
  });
}

/** @param {unknown} file @param {unknown} given */
export function readRemove(file, given) {
  const id = typeof file === 'string' ? file : object(file).id;
  if (typeof id !== 'string' || id === '') throw invalidCall('remove takes a file of the transcript, or its id');
  return readNotify('SYS_COMMAND', { text: 'file-deleted', data: { 'file-id': id }, signal: optionsOf('remove', given, 'signal').signal });
}

/** @param {unknown} userId @param {unknown} given */
export function readRemoveParty(userId, given) {
  const { after, signal } = optionsOf('removeParty', given, 'after', 'signal');
  if (typeof userId !== 'string' || userId === '') throw invalidCall('removeParty takes the user id of a party');
  return readNotify('SYS_COMMAND', {
    text: 'party-remove', data: { 'user-id': userId, ...(after !== undefined && { 'after-action': text('after', after) }) }, signal,
  });
}

/** @param {unknown} words @param {unknown} given */
export function readFind(words, given) {
  const options = optionsOf('find', given, 'after', 'signal');
  return { words: text('the search', words), after: text('after', options.after), signal: abortSignal(options.signal) };
}

/** @param {unknown} given */
export function readClose(given) {
  return text('after', optionsOf('close', given, 'after').after, 'keep-alive');
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
