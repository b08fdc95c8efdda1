import { AttacheError } from '../session/error.js';
import { randomKey } from '../session/key.js';
import { onViolation } from '../session/policy.js';
import { removeNode } from './dom.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').Session} Session */

/**
 * The outcome of a download: the file was verified and is among the browser's downloads, or
 * the browser was asked to save it and does not report whether it did.
 *
 * @typedef {'downloaded' | 'handed'} Saved
 */

/** Bytes of a file that is fetched as a whole before it is saved or shown. */
export const maxBlobSize = 64 * 1024 * 1024;
/** Milliseconds after which an answer to a frame that has not shown a page is taken for a download. */
const pageTimeout = 5000;
/** Milliseconds for checking a link before it is opened. */
const linkTimeout = 15_000;
/** Milliseconds. Removing a frame cancels a download in it that has not started. */
const frameLifetime = 10 * 60_000;

/**
 * Saves a file of the chat to the browser's downloads, at the cost of one download attempt.
 * Whatever the answer is, the browser does not leave the page.
 *
 * A file of up to 64 MiB is fetched, verified and saved as a Blob. A larger one is verified
 * and written to the place that the person picks, if the browser has a dialogue for that;
 * otherwise the browser fetches it by a link in a frame, after the link was checked. Saving
 * the same file again counts as another attempt.
 *
 * @param {Session} session
 * @param {ChatFile} file
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(part: number) => void} options.onPart called with the part that has arrived, 0 to 1
 * @param {(state: 'scanning' | 'downloading') => void} [options.onState] called if the file is scanned first
 * @returns {Promise<Saved>}
 */
export async function save(session, file, { signal, onPart, onState }) {
  checkPermission();
  if (file.size > maxBlobSize) {
    const chosen = await pickDestination(file.name);
    if (chosen) {
      await write(session, file, chosen, { signal, onPart, onState });
      return 'downloaded';
    }
    await openInFrame(await session.link(file, { signal, onState, check: true, idleTimeout: linkTimeout }), file.name, signal);
    return 'handed';
  }
  return saveBlob(await fetchBlob(session, file, { signal, onPart, onState }), file.name);
}

/**
 * Fetches and verifies a file of up to {@link maxBlobSize}, at the cost of one download attempt.
 *
 * @param {Session} session
 * @param {ChatFile} file
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(part: number) => void} options.onPart called with the part that has arrived, 0 to 1
 * @param {(state: 'scanning' | 'downloading') => void} [options.onState] called if the file is scanned first
 */
export async function fetchBlob(session, file, { signal, onPart, onState }) {
  return readBlob(await session.download(file, { signal, onState }), file.size, onPart);
}

/** Saves a file that was fetched. @param {Blob} blob @param {string} name @returns {Saved} */
export function saveBlob(blob, name) {
  const permission = checkPermission();
  // Opaque, whatever type the sender declared: a Blob's URL has the page's origin,
  // where foreign content must never be rendered.
  const url = URL.createObjectURL(new Blob([blob], { type: 'application/octet-stream' }));
  clickLink(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return permission === 'yes' ? 'downloaded' : 'handed';
}

/** Throws if this page may not save files. */
function checkPermission() {
  const permission = maySave(window);
  if (permission === 'no') throw new AttacheError({ code: 'download-blocked', message: '' });
  return permission;
}

/**
 * Reports whether this page may save files: a sandboxed frame needs `allow-downloads`. A
 * page cannot read the attributes of a frame that another origin put it into, and no event
 * reports them.
 *
 * @param {Window} window
 * @returns {'yes' | 'no' | 'unknown'}
 */
export function maySave(window) {
  try {
    for (let inner = window; inner !== inner.parent; inner = inner.parent) {
      const around = inner.frameElement;
      if (!around) return 'unknown';
      const sandbox = around.getAttribute('sandbox');
      if (sandbox !== null && !sandbox.toLowerCase().split(/\s+/).includes('allow-downloads')) return 'no';
    }
  } catch {
    return 'unknown';
  }
  return 'yes';
}

/**
 * Returns a body as a Blob, which is in the browser's storage and not in the page's heap.
 *
 * @param {Response} response
 * @param {number} total
 * @param {(part: number) => void} onPart
 */
async function readBlob(response, total, onPart) {
  const reader = withProgress(response, total, onPart)?.getReader();
  /** @type {Blob[]} */
  const parts = [];
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    parts.push(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (read.value)]));
  }
  return new Blob(parts);
}

/** @param {Response} response @param {number} total @param {(part: number) => void} onPart @returns {ReadableStream<Uint8Array> | null} */
function withProgress({ body }, total, onPart) {
  if (!body || total === 0) return body;
  let arrived = 0;
  return body.pipeThrough(new TransformStream({
    transform(chunk, controller) {
      arrived += chunk.byteLength;
      onPart(Math.min(1, arrived / total));
      controller.enqueue(chunk);
    },
  }));
}

/**
 * Asks the person where to save a file. Resolves with undefined if there is no dialogue for
 * that: in other browsers, in frames of another origin, for names that it refuses.
 *
 * @param {string} suggestedName
 * @returns {Promise<FileSystemFileHandle | undefined>}
 */
async function pickDestination(suggestedName) {
  const picker = /** @type {any} */ (window).showSaveFilePicker;
  if (typeof picker !== 'function') return undefined;
  try {
    return await picker.call(window, { suggestedName });
  } catch (error) {
    // The person closed the dialogue.
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    return undefined;
  }
}

/**
 * Streams a file to its destination, which is replaced only by a complete one.
 *
 * @param {Session} session
 * @param {ChatFile} file
 * @param {FileSystemFileHandle} chosen
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(part: number) => void} options.onPart
 * @param {(state: 'scanning' | 'downloading') => void} [options.onState]
 */
async function write(session, file, chosen, { signal, onPart, onState }) {
  try {
    const response = await session.download(file, { signal, onState });
    const body = withProgress(response, file.size, onPart);
    const to = await chosen.createWritable();
    await body?.pipeTo(to, { signal });
  } catch (error) {
    await removeEmpty(chosen);
    if (error instanceof AttacheError || signal.aborted) throw error;
    throw new AttacheError({ code: 'download-blocked', message: 'the file could not be written', hint: 'check the free disk space, or save it elsewhere', cause: error });
  }
}

/** Removes the file that the dialogue created, if it is empty. @param {FileSystemFileHandle} chosen */
async function removeEmpty(chosen) {
  try {
    const { size } = await chosen.getFile();
    if (size === 0) await /** @type {any} */ (chosen).remove?.();
  } catch {
    // An empty file remains.
  }
}

/**
 * Opens a link in a hidden frame. A download leaves the frame empty; any other answer is
 * loaded there instead of replacing the page. If the page's policy allows no frames, the
 * link opens in a new tab.
 *
 * @param {string} url
 * @param {string} name
 * @param {AbortSignal} signal
 */
async function openInFrame(url, name, signal) {
  const hidden = document.createElement('iframe');
  hidden.name = `attache-${randomKey()}`;
  hidden.hidden = true;
  hidden.title = name;
  document.body.append(hidden);
  setTimeout(() => removeNode(hidden), frameLifetime);
  const ended = await new Promise((resolve) => {
    const watch = new AbortController();
    /** @param {'aborted' | 'page' | 'policy' | 'nothing'} how */
    const end = (how) => {
      watch.abort();
      done();
      clearTimeout(timer);
      resolve(how);
    };
    const timer = setTimeout(() => end('nothing'), pageTimeout);
    const on = { signal: watch.signal };
    signal.addEventListener('abort', () => end('aborted'), on);
    const done = onViolation(() => url, ({ effectiveDirective = '' }) => {
      if (/^(frame|child|default)-src$/.test(effectiveDirective)) end('policy');
    });
    // The frame's own empty page fires `load` as well, before or after.
    hidden.addEventListener('load', () => hasNavigated(hidden) && end('page'), on);
    clickLink(url, name, hidden.name);
  });
  if (ended === 'nothing') return;
  removeNode(hidden);
  signal.throwIfAborted();
  if (ended === 'policy') clickLink(url, name, '_blank');
  else throw new AttacheError({ code: 'download-intercepted', message: '' });
}

/** Reports whether a frame shows another page than its first, empty one. @param {HTMLIFrameElement} frame */
function hasNavigated({ contentDocument }) {
  return contentDocument?.URL !== 'about:blank';
}

/** @param {string} url @param {string} name @param {string} [target] */
function clickLink(url, name, target = '') {
  const link = document.createElement('a');
  link.href = url;
  // For a URL of this origin, the attribute would save any answer, also a login page.
  if (target === '') link.download = name;
  link.target = target;
  link.rel = target === '_blank' ? 'noopener noreferrer' : 'noreferrer';
  link.click();
}
