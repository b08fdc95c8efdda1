import { make, write } from '../widget/dom.js';

/** @typedef {import('../element.js').AttacheChat} AttacheChat */
/** @typedef {{ chatId: string, nickname: string, subject?: string, agents: string[] }} Waiting */

/** How often the demo is asked which chats customers have requested, in milliseconds. */
const pause = 1500;

/**
 * The agent's chats: that of the page, and those that customers requested through GMS' Chat API.
 * Nobody else tells an agent of them; an application would learn of them by `--on-chat`.
 */
export class Desk {
  #place;
  #own;
  #shown;
  #connect;
  /** The buttons of the chats, by session. @type {Map<string, HTMLElement>} */
  #buttons = new Map();
  /** The chats that are open, by session. @type {Map<string, AttacheChat>} */
  #open = new Map();
  #running = false;

  /** @param {HTMLElement} place @param {AttacheChat} own @param {string} session @param {(chat: AttacheChat, session: string) => void} connect */
  constructor(place, own, session, connect) {
    this.#place = place;
    this.#own = this.#shown = own;
    this.#connect = connect;
    this.#open.set(session, own);
    this.#add(session, 'This page’s customer');
  }

  /** Looks for chats that wait, from now on. */
  start() {
    if (this.#running) return;
    this.#running = true;
    this.#look();
  }

  async #look() {
    try {
      const answer = await fetch(new URL('demo/chats.json', document.baseURI), { cache: 'no-store' });
      if (answer.ok) this.#show(/** @type {{ chats: Waiting[] }} */ (await answer.json()).chats);
    } catch {
      // The proxy may have been killed: it will be back.
    }
    setTimeout(() => this.#look(), pause);
  }

  /** @param {Waiting[]} chats */
  #show(chats) {
    const ids = new Set(chats.map(({ chatId }) => chatId));
    for (const [session, button] of this.#buttons) {
      if (this.#open.has(session) || ids.has(session)) continue;
      button.remove();
      this.#buttons.delete(session);
    }
    for (const { chatId, nickname, subject } of chats) {
      if (!this.#buttons.has(chatId)) this.#add(chatId, subject ? `${nickname}: ${subject}` : nickname);
    }
    this.#mark();
  }

  /** @param {string} session @param {string} label */
  #add(session, label) {
    const button = make('button', { type: 'button' }, label);
    button.addEventListener('click', () => this.#choose(session, label));
    this.#buttons.set(session, button);
    this.#place.append(button);
    this.#mark();
  }

  /** Shows a chat, and joins it if the agent has not yet. @param {string} session @param {string} label */
  #choose(session, label) {
    let chosen = this.#open.get(session);
    if (!chosen) {
      chosen = document.createElement('attache-chat');
      chosen.id = `agent-${session}`;
      chosen.heading = label;
      this.#connect(chosen, session);
      this.#open.set(session, chosen);
      this.#own.after(chosen);
    }
    this.#shown = chosen;
    for (const chat of this.#open.values()) chat.hidden = chat !== chosen;
    this.#mark();
  }

  #mark() {
    for (const [session, button] of this.#buttons) {
      button.setAttribute('aria-pressed', String(this.#open.get(session) === this.#shown));
      button.classList.toggle('waiting', !this.#open.has(session));
    }
    const waiting = this.#buttons.size - this.#open.size;
    write(/** @type {HTMLElement} */ (this.#place.querySelector('[role=status]')), `Chats waiting: ${waiting}`);
    this.#place.hidden = this.#buttons.size === 1;
  }
}
