import { stringify } from './json.js';
import { isKey } from './key.js';

const prefix = 'attache unfinished ';

/** The proxy forgets an upload sooner once its party has left; under the same key it then starts from the beginning. */
const lifetime = 24 * 3600_000;
const maxItems = 100;

/**
 * The unfinished uploads of a party, known to all pages of the origin: when the same
 * file is chosen again, after a reload or in another tab, it resumes under its key.
 * It holds keys and what distinguishes files (name, size, date) for a day; no content,
 * no token. If the browser stores nothing, every upload is a new one.
 *
 * The data must outlive the tab and be visible to the next one, so it is in
 * `localStorage`, one item a file: two tabs never write the same one.
 */
export class ResumeStore {
  #owner;
  #storage = storage();
  /** When progress was last saved, by the uploads' keys. @type {Map<string, number>} */
  #savedAt = new Map();

  /** @param {string[]} owner proxy, chat session, user */
  constructor(...owner) {
    this.#owner = owner;
    this.#expire();
  }

  /** Returns the key that a file's upload has. @param {Blob} file @returns {string | undefined} */
  keyOf(file) {
    return parse(this.#get(this.#name(file)))?.key;
  }

  /** @param {Blob} file @param {string} key */
  save(file, key) {
    if (file instanceof File) this.#set(file, { key, at: Date.now() });
  }

  /** Saves how much of it the proxy has, about once a second and when it has all. @param {Blob} file @param {string} key @param {number} stored */
  saveProgress(file, key, stored) {
    const now = Date.now();
    if (stored < file.size && now - (this.#savedAt.get(key) ?? 0) < 1000 || this.keyOf(file) !== key) return;
    this.#savedAt.set(key, now);
    this.#set(file, { key, at: now, stored });
  }

  /** Returns all that this party has not finished. @returns {import('../attache.js').UnfinishedUpload[]} */
  list() {
    return this.#items().flatMap((item) => {
      const known = parse(this.#get(item));
      const file = this.#fileOf(item);
      return known && file ? { key: known.key, ...file, stored: known.stored } : [];
    });
  }

  /** @param {Blob} file @param {string} key */
  remove(file, key) {
    this.#savedAt.delete(key);
    if (this.keyOf(file) === key) this.#delete(this.#name(file));
  }

  /** Removes an upload whose file is not at hand. @param {string} key */
  removeKey(key) {
    for (const item of this.#items()) {
      if (this.#fileOf(item) && parse(this.#get(item))?.key === key) this.#delete(item);
    }
  }

  /** The names of all items, of other owners too. */
  #items() {
    return Object.keys(this.#storage ?? {}).filter((name) => name.startsWith(prefix));
  }

  /** @param {Blob} file */
  #name(file) {
    const { name = '', lastModified = 0 } = /** @type {Partial<File>} */ (file);
    return prefix + stringify([...this.#owner, name, file.size, lastModified]);
  }

  /** Returns the file that an item is about, if the item belongs to this owner. @param {string} item */
  #fileOf(item) {
    try {
      const parts = JSON.parse(item.slice(prefix.length));
      const [name, size, lastModified] = parts.splice(this.#owner.length);
      if (stringify(parts) !== stringify(this.#owner) || typeof name !== 'string') return undefined;
      return { name, size: Number(size), lastModified: Number(lastModified) };
    } catch {
      return undefined;
    }
  }

  /** Returns an item, or an empty text if there is none or the browser forbids it now. @param {string} item */
  #get(item) {
    try {
      return this.#storage?.getItem(item) ?? '';
    } catch {
      return '';
    }
  }

  /** @param {Blob} file @param {{ key: string, at: number, stored?: number }} value */
  #set(file, value) {
    try {
      this.#storage?.setItem(this.#name(file), stringify(value));
    } catch {
      // The storage is full. What was saved before remains; without that, a reload starts from the beginning.
    }
  }

  /** @param {string} item */
  #delete(item) {
    try {
      this.#storage?.removeItem(item);
    } catch {
      // It expires in a day.
    }
  }

  /** Removes items that are too old, and the oldest if there are too many. */
  #expire() {
    const now = Date.now();
    const newestFirst = this.#items()
      .map((name) => ({ name, at: parse(this.#get(name))?.at ?? 0 }))
      .sort((a, b) => b.at - a.at);
    for (let i = 0; i < newestFirst.length; i += 1) {
      const { name, at } = newestFirst[i];
      if (i >= maxItems || at > now || now - at > lifetime) this.#delete(name);
    }
  }
}

/** @param {string} text @returns {{ key: string, at: number, stored: number } | undefined} */
function parse(text) {
  try {
    const { key, at, stored } = JSON.parse(text);
    const young = Date.now() - at <= lifetime;
    return isKey(key) && young ? { key, at, stored: Number(stored) || 0 } : undefined;
  } catch {
    return undefined;
  }
}

/** A page may be forbidden to store anything; outside a page there is no storage. */
function storage() {
  try {
    return globalThis.document ? globalThis.localStorage : undefined;
  } catch {
    return undefined;
  }
}
