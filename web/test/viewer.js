import { Connection } from '../widget/connection.js';
import { FakeChat } from '../testing.js';

export const grace = 30_000;
export const url = 'https://files.example';
export const task = () => new Promise((resolve) => { setImmediate(resolve); });
export const file = (name = 'a.pdf') => new File(['abc'], name);

/** Returns a token; only the party that it names matters here. */
export const token = (sub, session = 'chat-1') => `e30.${Buffer.from(JSON.stringify({ sub, session })).toString('base64url')}.c2ln`;

/** A double of an element, as a connection sees it. */
export class Viewer {
  connection;
  shown = [];
  constructor(provider) {
    this.provider = provider;
  }
  show(conversation) {
    this.shown.push(conversation);
  }
  get conversation() {
    return this.shown.at(-1);
  }
  get session() {
    return this.conversation?.session;
  }
}

let names = 0;

/** A double of the proxy that accepts every token. */
export function start(name = `name ${names += 1}`) {
  const chats = new Map();
  const made = [];
  const connect = async ({ token: ask, signal }) => {
    const given = typeof ask === 'function' ? await ask() : ask;
    signal.throwIfAborted();
    const { sub: userId, session: id } = JSON.parse(atob(given.split('.')[1]));
    const chat = chats.get(id) ?? new FakeChat();
    chats.set(id, chat);
    const session = chat.join({ nickname: userId, userId });
    session.id = id;
    const one = { session, ask, asked: async () => one.ask() };
    session.setToken = (given) => { one.ask = given; };
    made.push(one);
    return session;
  };
  return {
    chats, made,
    join(viewer) {
      Connection.named(url, name, connect).join(viewer);
      return viewer;
    },
    own(viewer) {
      new Connection(url, '', { connect }).join(viewer);
      return viewer;
    },
    /** The joins and leaves of a chat session, in order. */
    news: (id = 'chat-1') => chats.get(id).events.flatMap(({ type, from }) => (type === 'join' || type === 'leave' ? `${from.userId} ${type}` : [])),
  };
}

export const write = (viewer, text) => viewer.conversation.setDraft({ text, start: 1, end: 2 });
