import { discard } from './dom.js';
import { AttacheError } from '../session/error.js';
import { randomKey } from '../session/key.js';
import { isAbout } from '../session/policy.js';

/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').Session} Session */

/**
 * What became of a file: it was compared and is among the browser's downloads,
 * or the browser was asked to save it and does not tell whether it did.
 *
 * @typedef {'downloaded' | 'handed'} Saved
 */

const mostInBlob = 64 * 1024 * 1024;
/** How long, in milliseconds, an answer to a frame may take to turn out to be a page. */
const frameTime = 5000;
/** How long a link is tried before it is followed, in milliseconds. */
const linkPatience = 15_000;
/** A frame that goes takes a download along that has not begun. */
const frameKept = 10 * 60_000;

/**
 * Puts a file of the chat among the browser's downloads, at the cost of one
 * attempt. Whatever is answered, the page stays where it is.
 *
 * Up to 64 MiB it is fetched, compared and handed over as a Blob. A larger one is
 * written where the person says, where the browser has a dialogue for that, and
 * compared as well; elsewhere the browser is left to fetch it by a link in a frame,
 * once the link has been tried. Asking again for the same file goes on with the
 * same attempt.
 *
 * @param {Session} session
 * @param {ChatFile} file
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(part: number) => void} options.onPart called with what has arrived, of 1
 * @returns {Promise<Saved>}
 */
export async function save(session, file, { signal, onPart }) {
  const may = maySave(window);
  if (may === 'no') throw new AttacheError({ code: 'download-blocked', message: '' });
  if (file.size > mostInBlob) {
    const chosen = await choose(file.name);
    if (chosen) {
      await write(session, file, chosen, signal, onPart);
      return 'downloaded';
    }
    await frame(await session.link(file, { signal, check: true, patience: linkPatience }), file.name, signal);
    return 'handed';
  }
  const blob = await gathered(await session.download(file, { signal }), file.size, onPart);
  // Opaque whatever the sender called it: a Blob's URL has the page's origin,
  // and nothing foreign may ever be rendered there.
  const url = URL.createObjectURL(new Blob([blob], { type: 'application/octet-stream' }));
  follow(url, file.name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return may === 'yes' ? 'downloaded' : 'handed';
}

/**
 * Whether downloads are allowed where this page is: a frame with a sandbox needs
 * `allow-downloads`. A page cannot look at a frame that another origin put it
 * into, and no event tells.
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
 * What comes, as a Blob: the browser keeps it, and not the page's heap.
 *
 * @param {Response} response
 * @param {number} total
 * @param {(part: number) => void} onPart
 */
async function gathered(response, total, onPart) {
  const reader = counted(response, total, onPart)?.getReader();
  /** @type {Blob[]} */
  const parts = [];
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    parts.push(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (read.value)]));
  }
  return new Blob(parts);
}

/** @param {Response} response @param {number} total @param {(part: number) => void} onPart @returns {ReadableStream<Uint8Array> | null} */
function counted({ body }, total, onPart) {
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
 * Asks the person where to put a file. Nothing where there is no such dialogue:
 * in other browsers, in frames of another origin, for names that it refuses.
 *
 * @param {string} suggestedName
 * @returns {Promise<FileSystemFileHandle | undefined>}
 */
async function choose(suggestedName) {
  const picker = /** @type {any} */ (window).showSaveFilePicker;
  if (typeof picker !== 'function') return undefined;
  try {
    return await picker.call(window, { suggestedName });
  } catch (error) {
    // The person thought better of it.
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    return undefined;
  }
}

/**
 * Streams a file to where it was to go. Only whole is it put there.
 *
 * @param {Session} session
 * @param {ChatFile} file
 * @param {FileSystemFileHandle} chosen
 * @param {AbortSignal} signal
 * @param {(part: number) => void} onPart
 */
async function write(session, file, chosen, signal, onPart) {
  try {
    const response = await session.download(file, { signal });
    const body = counted(response, file.size, onPart);
    const to = await chosen.createWritable();
    await body?.pipeTo(to, { signal });
  } catch (error) {
    await removeEmpty(chosen);
    if (error instanceof AttacheError || signal.aborted) throw error;
    throw new AttacheError({ code: 'download-blocked', message: 'the file could not be written', hint: 'check the room on the disk, or save it elsewhere', cause: error });
  }
}

/** Takes away the empty file that the dialogue left, and no other. @param {FileSystemFileHandle} chosen */
async function removeEmpty(chosen) {
  try {
    const { size } = await chosen.getFile();
    if (size === 0) await /** @type {any} */ (chosen).remove?.();
  } catch {
    // It is only empty.
  }
}

/**
 * Lets the browser fetch a link in a frame that nobody sees. A download leaves
 * the frame as it is; whatever else is answered is loaded there, and not in place
 * of the page. Where the page's policy allows no frame, another tab has to do.
 *
 * @param {string} url
 * @param {string} name
 * @param {AbortSignal} signal
 */
async function frame(url, name, signal) {
  const hidden = document.createElement('iframe');
  hidden.name = `attache-${randomKey()}`;
  hidden.hidden = true;
  hidden.title = name;
  document.body.append(hidden);
  setTimeout(() => discard(hidden), frameKept);
  const ended = await new Promise((resolve) => {
    const watch = new AbortController();
    /** @param {'aborted' | 'page' | 'policy' | 'nothing'} how */
    const end = (how) => {
      watch.abort();
      clearTimeout(timer);
      resolve(how);
    };
    const timer = setTimeout(() => end('nothing'), frameTime);
    const on = { signal: watch.signal };
    signal.addEventListener('abort', () => end('aborted'), on);
    document.addEventListener('securitypolicyviolation', (event) => {
      if (/^(frame|child|default)-src$/.test(event.effectiveDirective) && isAbout(event, url)) end('policy');
    }, on);
    // The frame's own empty page may be told of before or after.
    hidden.addEventListener('load', () => shows(hidden) && end('page'), on);
    follow(url, name, hidden.name);
  });
  if (ended === 'nothing') return;
  discard(hidden);
  signal.throwIfAborted();
  if (ended === 'policy') follow(url, name, '_blank');
  else throw new AttacheError({ code: 'download-intercepted', message: '' });
}

/** Whether a frame has left its first, empty page. @param {HTMLIFrameElement} frame */
function shows({ contentDocument }) {
  return contentDocument?.URL !== 'about:blank';
}

/** @param {string} url @param {string} name @param {string} [target] */
function follow(url, name, target = '') {
  const link = document.createElement('a');
  link.href = url;
  // Of this origin, the attribute would have any answer saved, whatever it is.
  if (target === '') link.download = name;
  link.target = target;
  link.rel = target === '_blank' ? 'noopener noreferrer' : 'noreferrer';
  link.click();
}
