import { stringify } from '../session/json.js';

/** @typedef {import('../session/claims.js').Identity} Identity */
/** @typedef {import('./conversation.js').Conversation} Conversation */
/** What identifies a conversation. @typedef {{ url: string, name: string, identity: Identity }} Label */

const maxConversations = 32;

/**
 * Conversations that no element shows and that have no session, with what their user
 * wrote and chose, until the page is closed or that user logs out. Their number is
 * limited: the least recently used are removed first.
 */
export class ConversationStore {
  /** @type {Map<string, { label: Label, conversation: Conversation }>} */
  #all = new Map();

  /** @param {Label} label @param {Conversation} conversation */
  put(label, conversation) {
    this.#all.set(key(label), { label, conversation });
    for (const old of [...this.#all.keys()].slice(0, -maxConversations)) this.#all.delete(old);
  }

  /** Removes a conversation and returns it. @param {Label} label @returns {Conversation | undefined} */
  take(label) {
    const found = this.#all.get(key(label));
    this.#all.delete(key(label));
    return found?.conversation;
  }

  /** Removes all conversations of one user. @param {string} url @param {string} userId */
  forget(url, userId) {
    for (const [at, { label }] of this.#all) if (label.url === url && label.identity.userId === userId) this.#all.delete(at);
  }
}

/** @param {Label} label */
const key = ({ url, name, identity: { session, userId } }) => stringify([url, name, session, userId]);
