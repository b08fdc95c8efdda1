import { claims, differ } from '../session/claims.js';
import { Conversation } from './conversation.js';
import { AttacheError, otherPartyError } from '../session/error.js';
import { stringify } from '../session/json.js';
import { ConversationStore } from './store.js';
import { within } from '../session/timelimit.js';

/** @typedef {import('../attache.js').Session} Session */
/** @typedef {import('../session/claims.js').Identity} Identity */
/** @typedef {string | ((request: { conversation: string }) => string | Promise<string>)} Token */

/**
 * Who shows a connection's conversation: an element.
 *
 * @typedef {object} Viewer
 * @property {Token | undefined} provider where it has its tokens from
 * @property {import('../attache.js').ConnectOptions['credentials']} [credentials] that downloads carry
 * @property {Connection | undefined} connection the one that it is at
 * @property {(conversation: Conversation) => void} show shows it, anew if need be, in place of another
 */

/** @typedef {(options: import('../attache.js').ConnectOptions) => Promise<Session>} Connect */

/** Milliseconds that a session is kept after its last viewer, for one to come back. */
const grace = 30_000;
/** Milliseconds that a viewer who joins has to show a token. */
const patience = 15_000;
/** How many connections without a viewer are kept at the same time. */
const mostWaiting = 16;

/** Connections with a name, which other elements may join. @type {Map<string, Connection>} */
const named = new Map();
/** Connections without a viewer at the moment. @type {Set<Connection>} */
const waiting = new Set();
/** The conversations of those with a name. */
const sharedStore = new ConversationStore();

/** Loaded when it is needed: a page that hands its own session in may need no module at all. @type {Connect} */
const connectByModule = async (options) => (await import('../attache.js')).connect(options);

/**
 * A session with a proxy that elements share by the name of its conversation:
 * made when the first of them comes, and closed when the last one has been gone
 * for 30 seconds. All that is written and chosen is in its conversation.
 */
export class Connection {
  conversation = this.#blank();
  /** Whether it is closed for good; whoever comes back makes another one. */
  ended = false;
  #url;
  #name;
  #store;
  #connect;
  /** @type {Set<Viewer>} */
  #viewers = new Set();
  /** Those who showed that they may see it. @type {WeakSet<Viewer>} */
  #known = new WeakSet();
  /** @type {Token | undefined} */
  #lastProvider;
  /** Who was here last. @type {string | undefined} */
  #user;
  /** Whose the session is. @type {Identity | undefined} */
  #identity;
  /** Whom the token named that it was made with. @type {Identity | undefined} */
  #claimed;
  /** @type {AbortController | undefined} */
  #connecting;
  /** Tells a session that was given up: it gets no token any more. */
  #era = {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #closing;

  /**
   * @param {string} url the proxy
   * @param {string} name the conversation's; empty: nobody else joins it
   * @param {object} [with_]
   * @param {ConversationStore} [with_.store]
   * @param {Connect} [with_.connect]
   */
  constructor(url, name, { store = sharedStore, connect = connectByModule } = {}) {
    this.#url = url;
    this.#name = name;
    this.#store = store;
    this.#connect = connect;
  }

  /**
   * Returns the connection of that name at that proxy; the first call makes it.
   *
   * @param {string} url
   * @param {string} name
   * @param {Connect} [connect]
   */
  static named(url, name, connect) {
    const key = stringify([url, name]);
    const known = named.get(key) ?? new Connection(url, name, { connect });
    named.set(key, known);
    return known;
  }

  /** Whether a viewer is shown it. @param {Viewer} viewer */
  has(viewer) {
    return this.#viewers.has(viewer);
  }

  /**
   * Shows it to a viewer. If another viewer's token made the connection, this one
   * has to show a token of the same party before it is shown anything.
   *
   * @param {Viewer} viewer
   */
  join(viewer) {
    clearTimeout(this.#closing);
    waiting.delete(this);
    this.#viewers.add(viewer);
    viewer.connection = this;
    const familiar = this.#known.has(viewer) || this.#claimed === undefined || viewer.provider === this.#lastProvider;
    if (familiar) this.#admit(viewer);
    else this.#examine(viewer);
  }

  /** Takes note that a viewer has another provider of tokens. @param {Viewer} viewer */
  renew(viewer) {
    if (!this.#viewers.has(viewer) || !this.#known.has(viewer)) return;
    // The last one is asked first.
    this.#viewers.delete(viewer);
    this.#viewers.add(viewer);
    const { provider } = viewer;
    if (provider === undefined) return;
    const fixed = typeof provider === 'string' || typeof this.#lastProvider === 'string';
    this.#lastProvider = provider;
    const { phase, session } = this.conversation;
    if (differ(claims(provider), this.#claimed)) this.#switch();
    else if (session && (phase === 'connected' || phase === 'reconnecting')) session.setToken?.(this.#source(this.#era));
    else if (this.#connecting && fixed) this.#begin();
    // Many pages pass a new function at each rendering. That is not a reason to retry.
    else if (phase === 'idle' || typeof provider === 'string' && (phase === 'unreachable' || phase === 'closed')) this.#begin();
  }

  /** A viewer does not show it any more. @param {Viewer} viewer */
  leave(viewer) {
    if (!this.#viewers.delete(viewer) || this.#viewers.size > 0) return;
    this.#stop();
    waiting.add(this);
    this.#closing = setTimeout(() => this.#expire(), grace);
    for (const old of [...waiting].slice(0, -mostWaiting)) old.#close(true);
  }

  /** A viewer may not see it any more, because its user logged out. @param {Viewer} viewer */
  logOut(viewer) {
    this.#viewers.delete(viewer);
    this.#known.delete(viewer);
    if (this.#viewers.size > 0) return;
    if (this.#identity) this.#forget(this.#identity.userId);
    this.#close(false);
  }

  /**
   * Forgets all that a user of this proxy wrote and chose where it is not shown any
   * more, and closes the user's sessions there.
   *
   * @param {string} userId
   */
  #forget(userId) {
    for (const one of [...waiting]) if (one.#url === this.#url && one.#identity?.userId === userId) one.#close(false);
    for (const store of [this.#store, sharedStore]) store.forget(this.#url, userId);
  }

  /** Where the tokens come from: the viewer who came last. @returns {Token | undefined} */
  #provider() {
    return this.#latest()?.provider ?? this.#lastProvider;
  }

  /** The viewer who came last, of those who have a provider and may see it. @returns {Viewer | undefined} */
  #latest() {
    return [...this.#viewers].reverse().find((viewer) => viewer.provider !== undefined && this.#known.has(viewer));
  }

  /** @param {Viewer} viewer */
  #admit(viewer) {
    this.#known.add(viewer);
    if (viewer.provider !== undefined) this.#lastProvider = viewer.provider;
    viewer.show(this.conversation);
    const { phase, mayReturn } = this.conversation;
    if (phase === 'idle' || phase === 'unreachable' || (phase === 'closed' && mayReturn)) this.#begin();
  }

  /** @param {Viewer} viewer */
  async #examine(viewer) {
    const own = this.#blank();
    own.again = () => this.#examine(viewer);
    own.connecting();
    viewer.show(own);
    try {
      const token = await within(patience, this.#ask(viewer.provider), late);
      if (!this.#viewers.has(viewer)) return;
      const there = differ(claims(token), this.#claimed) ? this.#apart(viewer) : this;
      there.#admit(viewer);
      there.conversation.inherit(own);
    } catch (error) {
      if (this.#viewers.has(viewer)) own.failed(error);
    }
  }

  /** Where a viewer goes whose token names another party: here, if nobody else is. @param {Viewer} viewer @returns {Connection} */
  #apart(viewer) {
    if ([...this.#viewers].some((one) => one !== viewer && this.#known.has(one))) {
      this.#viewers.delete(viewer);
      const other = new Connection(this.#url, this.#name, { store: this.#store, connect: this.#connect });
      other.#viewers.add(viewer);
      viewer.connection = other;
      return other;
    }
    this.#forsake();
    return this;
  }

  #blank() {
    return this.#adopt(new Conversation());
  }

  /** @param {Conversation} conversation */
  #adopt(conversation) {
    conversation.again = () => this.#begin();
    conversation.astray = () => this.#switch();
    return conversation;
  }

  /** Connects, again or for the first time. */
  async #begin() {
    const provider = this.#provider();
    if (provider === undefined || this.#viewers.size === 0) return;
    const claimed = claims(provider);
    if (this.#another(claimed)) {
      this.#forsake();
      this.#show();
    }
    this.#stop();
    const controller = new AbortController();
    const { signal } = controller;
    this.#connecting = controller;
    this.conversation.connecting();
    const era = {};
    this.#era = era;
    try {
      const credentials = this.#latest()?.credentials;
      const session = await this.#connect({
        url: this.#url || undefined,
        token: this.#source(era),
        credentials,
        signal,
        onRetry: ({ error, retryIn }) => {
          if (!signal.aborted) this.conversation.connecting(error, retryIn);
        },
      });
      if (signal.aborted) await session.close();
      else this.#opened(session);
    } catch (error) {
      if (signal.aborted) return;
      this.#connecting = undefined;
      this.conversation.failed(error);
    }
  }

  #stop() {
    if (!this.#connecting) return;
    this.#connecting.abort();
    this.#connecting = undefined;
    this.conversation.rest();
  }

  /** Returns the token or token function for a session: a string is the only token there is. @param {object} era the session's @returns {import('../attache.js').ConnectOptions['token']} */
  #source(era) {
    const provider = this.#provider();
    if (typeof provider !== 'string') return () => this.#token(era);
    this.#claimed = claims(provider) ?? this.#claimed;
    return provider;
  }

  /** Returns a token for a session, from the viewer who came last. @param {object} era the session's */
  async #token(era) {
    const token = await this.#ask(this.#provider());
    const claimed = claims(token);
    if (era === this.#era && this.#another(claimed)) this.#switch();
    if (era !== this.#era) throw otherPartyError();
    this.#claimed = claimed ?? this.#claimed;
    return token;
  }

  /**
   * Whether a token is for another party or chat. Until somebody was in the first
   * chat session, another one of the same user is not.
   *
   * @param {Identity | undefined} claimed
   */
  #another(claimed) {
    return differ(claimed, this.#claimed) && (this.#identity !== undefined || claimed?.userId !== this.#claimed?.userId);
  }

  /** @param {Token | undefined} provider */
  async #ask(provider) {
    return typeof provider === 'function' ? provider({ conversation: this.#name }) : provider ?? '';
  }

  /** @param {Session} session */
  #opened(session) {
    this.#connecting = undefined;
    const before = this.#identity;
    const identity = { session: session.id, userId: session.party.userId };
    if (differ(identity, before)) {
      const [era, claimed] = [this.#era, this.#claimed];
      this.#forsake();
      [this.#era, this.#claimed] = [era, claimed];
    }
    this.#identity = identity;
    if (this.#user !== undefined && this.#user !== identity.userId) this.#forget(this.#user);
    this.#user = identity.userId;
    const kept = this.#store.take(this.#label(identity));
    if (kept && !this.conversation.session) {
      kept.inherit(this.conversation);
      this.#adopt(kept);
      this.conversation = kept;
    }
    this.conversation.attach(session);
    this.#show();
  }

  #show() {
    for (const viewer of this.#viewers) if (this.#known.has(viewer)) viewer.show(this.conversation);
  }

  /** The token names another party or another chat: what is shown disappears at once, and the new chat is connected. */
  #switch() {
    this.#forsake();
    this.#show();
    this.#begin();
  }

  /** Closes the session. What was written waits for its own party to return. */
  #forsake() {
    this.#stop();
    const { conversation } = this;
    const identity = this.#identity;
    this.conversation = this.#blank();
    this.#identity = undefined;
    this.#claimed = undefined;
    this.#era = {};
    shut(conversation);
    if (identity && conversation.worthKeeping) this.#store.keep(this.#label(identity), conversation);
  }

  #expire() {
    // Whoever chose a file wants it to arrive, whatever is shown meanwhile.
    const { busy, phase } = this.conversation;
    if (busy && phase === 'connected') this.#closing = setTimeout(() => this.#expire(), grace);
    else this.#close(true);
  }

  /** Ends it, with all that belongs to it. @param {boolean} keep whether what was written is kept */
  #close(keep) {
    clearTimeout(this.#closing);
    waiting.delete(this);
    this.ended = true;
    const key = stringify([this.#url, this.#name]);
    if (named.get(key) === this) named.delete(key);
    const identity = this.#identity;
    this.#forsake();
    if (!keep && identity) this.#store.take(this.#label(identity));
  }

  /** @param {Identity} identity */
  #label(identity) {
    return { url: this.#url, name: this.#name, identity };
  }
}

/** Leaves in good order. @param {Conversation} conversation */
function shut(conversation) {
  const { session } = conversation;
  conversation.detach();
  // One that is gone already has nothing left to close.
  session?.close().catch(() => {});
}

/** @returns {never} */
function late() {
  throw new AttacheError({ code: 'timeout', message: 'the application gave no token in time' });
}
