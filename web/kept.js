import { stringify } from './plain.js';

/** @typedef {import('./claims.js').Identity} Identity */
/** @typedef {import('./conversation.js').Conversation} Conversation */
/** What it is kept under. @typedef {{ url: string, name: string, identity: Identity }} Label */

const most = 32;

/**
 * Conversations that nobody shows and that have no session, with what a person
 * wrote and chose in them: for as long as the page lives, or until that person
 * logs out. The ones that nobody came back to longest go first.
 */
export class Kept {
  /** @type {Map<string, { label: Label, conversation: Conversation }>} */
  #all = new Map();

  get size() {
    return this.#all.size;
  }

  /** @param {Label} label @param {Conversation} conversation */
  keep(label, conversation) {
    this.#all.set(key(label), { label, conversation });
    for (const old of [...this.#all.keys()].slice(0, -most)) this.#all.delete(old);
  }

  /** @param {Label} label @returns {Conversation | undefined} */
  take(label) {
    const found = this.#all.get(key(label));
    this.#all.delete(key(label));
    return found?.conversation;
  }

  /** Forgets all of one user. @param {string} url @param {string} userId */
  forget(url, userId) {
    for (const [at, { label }] of this.#all) if (label.url === url && label.identity.userId === userId) this.#all.delete(at);
  }
}

/** @param {Label} label */
const key = ({ url, name, identity: { session, userId } }) => stringify([url, name, session, userId]);
