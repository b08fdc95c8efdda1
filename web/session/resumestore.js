import { stringify } from './json.js';
import { isKey } from './key.js';

const prefix = 'attache unfinished ';

/** The proxy forgets one sooner once its party has gone; under the same key it then begins anew. */
const lifetime = 24 * 3600_000;
const most = 100;

/**
 * The uploads that a party has not finished, known to all pages of the origin:
 * so the same file chosen again, after a reload or in another tab, goes on under
 * the key that it had. Kept are keys and what tells files apart (name, size,
 * date), for a day; no content, no token. Where the browser keeps nothing, every
 * upload is a new one.
 *
 * The store must outlive the tab and be seen by the next one, so it is
 * `localStorage`, one item a file: two tabs never write the same one.
 */
export class Unfinished {
  #owner;
  #store = storage();
  /** When progress was last noted, by the uploads' keys. @type {Map<string, number>} */
  #noted = new Map();

  /** @param {string[]} owner proxy, chat session, user */
  constructor(...owner) {
    this.#owner = owner;
    this.#tidy();
  }

  /** @param {Blob} file @returns {string | undefined} the key it has */
  recall(file) {
    return read(this.#get(this.#name(file)))?.key;
  }

  /** What a store holds; nothing where the browser has begun to forbid it. @param {string} name */
  #get(name) {
    try {
      return this.#store?.getItem(name) ?? '';
    } catch {
      return '';
    }
  }

  /** @param {Blob} file @param {string} key */
  remember(file, key) {
    if (file instanceof File) this.#set(file, { key, at: Date.now() });
  }

  /** @param {Blob} file @param {{ key: string, at: number, stored?: number }} value */
  #set(file, value) {
    try {
      this.#store?.setItem(this.#name(file), stringify(value));
    } catch {
      // Full. What was kept before stands; where nothing was, a reload will begin anew.
    }
  }

  /** Notes how much of it the proxy has, about once a second and when it has all. @param {Blob} file @param {string} key @param {number} stored */
  note(file, key, stored) {
    const now = Date.now();
    if (stored < file.size && now - (this.#noted.get(key) ?? 0) < 1000 || this.recall(file) !== key) return;
    this.#noted.set(key, now);
    this.#set(file, { key, at: now, stored });
  }

  /** All that this party has not finished. @returns {import('../attache.js').UnfinishedUpload[]} */
  list() {
    const store = this.#store;
    if (!store) return [];
    return Object.keys(store).filter((item) => item.startsWith(prefix)).flatMap((item) => {
      const known = read(this.#get(item));
      const file = this.#parse(item);
      return known && file ? { key: known.key, ...file, stored: known.stored } : [];
    });
  }

  /** Forgets an upload whose file is not at hand. @param {string} key */
  drop(key) {
    const store = this.#store;
    if (!store) return;
    for (const item of Object.keys(store)) {
      if (item.startsWith(prefix) && this.#parse(item) && read(this.#get(item))?.key === key) this.#remove(item);
    }
  }

  /** The file that an item is of, where it is ours. @param {string} item */
  #parse(item) {
    try {
      const parts = JSON.parse(item.slice(prefix.length));
      const [name, size, lastModified] = parts.splice(this.#owner.length);
      if (stringify(parts) !== stringify(this.#owner) || typeof name !== 'string') return undefined;
      return { name, size: Number(size), lastModified: Number(lastModified) };
    } catch {
      return undefined;
    }
  }

  /** @param {Blob} file @param {string} key */
  forget(file, key) {
    this.#noted.delete(key);
    if (this.recall(file) === key) this.#remove(this.#name(file));
  }

  /** @param {string} name */
  #remove(name) {
    try {
      this.#store?.removeItem(name);
    } catch {
      // It is too old in a day.
    }
  }

  /** @param {Blob} file */
  #name(file) {
    const { name = '', lastModified = 0 } = /** @type {Partial<File>} */ (file);
    return prefix + stringify([...this.#owner, name, file.size, lastModified]);
  }

  /** Removes what is too old, and the oldest of what is too much. */
  #tidy() {
    const store = this.#store;
    if (!store) return;
    const now = Date.now();
    const kept = Object.keys(store).filter((name) => name.startsWith(prefix))
      .map((name) => ({ name, at: read(this.#get(name))?.at ?? 0 }))
      .sort((a, b) => b.at - a.at);
    for (let i = 0; i < kept.length; i += 1) {
      const { name, at } = kept[i];
      if (i >= most || at > now || now - at > lifetime) this.#remove(name);
    }
  }
}

/** @param {string} text @returns {{ key: string, at: number, stored: number } | undefined} */
function read(text) {
  try {
    const { key, at, stored } = JSON.parse(text);
    const young = Date.now() - at <= lifetime;
    return isKey(key) && young ? { key, at, stored: Number(stored) || 0 } : undefined;
  } catch {
    return undefined;
  }
}

/** A page may be forbidden to keep anything; outside of pages there is nothing to keep it in. */
function storage() {
  try {
    return globalThis.document ? globalThis.localStorage : undefined;
  } catch {
    return undefined;
  }
}
