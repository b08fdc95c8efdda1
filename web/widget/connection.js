import { claims, differ } from '../session/claims.js';
import { AttacheError, otherPartyError } from '../session/error.js';
import { stringify } from '../session/json.js';
import { within } from '../session/timelimit.js';
import { Conversation } from './conversation.js';
import { ConversationStore } from './store.js';

/** @typedef {import('../attache.js').Session} Session */
/** @typedef {import('../session/claims.js').Identity} Identity */
/** @typedef {string | ((request: { conversation: string }) => string | Promise<string>)} Token */

/**
 * An element that shows a connection's conversation.
 *
 * @typedef {object} Viewer
 * @property {Token | undefined} provider of its tokens
 * @property {import('../attache.js').ConnectOptions['credentials']} [credentials] of downloads
 * @property {Connection | undefined} connection that it is a viewer of
 * @property {(conversation: Conversation) => void} show shows it in place of another one
 */

/** @typedef {(options: import('../attache.js').ConnectOptions) => Promise<Session>} Connect */

/** Milliseconds that a session stays open after its last viewer has left, for one to return. */
const grace = 30_000;
/** Milliseconds that a joining viewer has to present a token. */
const tokenTimeout = 15_000;
/** How many connections without a viewer stay open at the same time. */
const maxUnviewed = 16;

/** Connections with a name, which other elements can join. @type {Map<string, Connection>} */
const named = new Map();
/** Connections without a viewer at the moment. @type {Set<Connection>} */
const unviewed = new Set();
/** The conversations of named connections. */
const sharedStore = new ConversationStore();

/** Loads the module only when it is needed: a page that sets `session` may need none. @type {Connect} */
const connectByModule = async (options) => (await import('../attache.js')).connect(options);

/**
 * A session with a proxy that elements share by the name of its conversation. The first
 * element opens it, and it is closed 30 seconds after the last one has left. Draft, chosen
 * files and uploads are in its conversation.
 */
export class Connection {
  conversation = this.#blank();
  /** Whether it is closed for good; an element that returns makes another one. */
  ended = false;
  #url;
  #name;
  #store;
  #connect;
  /** @type {Set<Viewer>} */
  #viewers = new Set();
  /** Viewers that may see it. @type {WeakSet<Viewer>} */
  #admitted = new WeakSet();
  /** @type {Token | undefined} */
  #lastProvider;
  /** The user of the last session. @type {string | undefined} */
  #lastUser;
  /** The session's party. @type {Identity | undefined} */
  #identity;
  /** The party that the session's token names. @type {Identity | undefined} */
  #claimed;
  /** @type {AbortController | undefined} */
  #connecting;
  /** Identifies the session; one that was abandoned gets no more tokens. */
  #generation = {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #closing;

  /**
   * @param {string} url the proxy
   * @param {string} name of the conversation; empty: no other element joins it
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
   * Returns the connection with that name to that proxy; the first call makes it.
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

  /** Whether an element is a viewer of it. @param {Viewer} viewer */
  has(viewer) {
    return this.#viewers.has(viewer);
  }

  /**
   * Adds a viewer. If another viewer's token opened the connection, this one must present
   * a token of the same party before it is shown anything.
   *
   * @param {Viewer} viewer
   */
  join(viewer) {
    clearTimeout(this.#closing);
    unviewed.delete(this);
    this.#viewers.add(viewer);
    viewer.connection = this;
    const familiar = this.#admitted.has(viewer) || this.#claimed === undefined || viewer.provider === this.#lastProvider;
    if (familiar) this.#admit(viewer);
    else this.#authenticate(viewer);
  }

  /** A viewer has another token provider. @param {Viewer} viewer */
  providerChanged(viewer) {
    if (!this.#viewers.has(viewer) || !this.#admitted.has(viewer)) return;
    // The latest is asked first.
    this.#viewers.delete(viewer);
    this.#viewers.add(viewer);
    const { provider } = viewer;
    if (provider === undefined) return;
    const fixed = typeof provider === 'string' || typeof this.#lastProvider === 'string';
    this.#lastProvider = provider;
    const { phase, session } = this.conversation;
    if (differ(claims(provider), this.#claimed)) this.#switch();
    else if (session && (phase === 'connected' || phase === 'reconnecting')) session.setToken?.(this.#source(this.#generation));
    else if (this.#connecting && fixed) this.#open();
    // Many pages pass a new function at each rendering. That is not a reason to retry.
    else if (phase === 'idle' || typeof provider === 'string' && (phase === 'unreachable' || phase === 'closed')) this.#open();
  }

  /** Removes a viewer. @param {Viewer} viewer */
  leave(viewer) {
    if (!this.#viewers.delete(viewer) || this.#viewers.size > 0) return;
    this.#stop();
    unviewed.add(this);
    this.#closing = setTimeout(() => this.#expire(), grace);
    for (const old of [...unviewed].slice(0, -maxUnviewed)) old.#close(true);
  }

  /** Removes a viewer whose user has logged out: it may not see the conversation any more. @param {Viewer} viewer */
  logOut(viewer) {
    this.#viewers.delete(viewer);
    this.#admitted.delete(viewer);
    if (this.#viewers.size > 0) return;
    if (this.#identity) this.#forget(this.#identity.userId);
    this.#close(false);
  }

  /**
   * Removes the drafts and chosen files of a user of this proxy that are not shown any more,
   * and closes the user's sessions there.
   *
   * @param {string} userId
   */
  #forget(userId) {
    for (const one of [...unviewed]) if (one.#url === this.#url && one.#identity?.userId === userId) one.#close(false);
    for (const store of [this.#store, sharedStore]) store.forget(this.#url, userId);
  }

  /** Returns the token provider of the latest viewer. @returns {Token | undefined} */
  #provider() {
    return this.#latest()?.provider ?? this.#lastProvider;
  }

  /** Returns the latest viewer that has a provider and may see it. @returns {Viewer | undefined} */
  #latest() {
    return [...this.#viewers].reverse().find((viewer) => viewer.provider !== undefined && this.#admitted.has(viewer));
  }

  /** @param {Viewer} viewer */
  #admit(viewer) {
    this.#admitted.add(viewer);
    if (viewer.provider !== undefined) this.#lastProvider = viewer.provider;
    viewer.show(this.conversation);
    const { phase, mayReturn } = this.conversation;
    if (phase === 'idle' || phase === 'unreachable' || (phase === 'closed' && mayReturn)) this.#open();
  }

  /** @param {Viewer} viewer */
  async #authenticate(viewer) {
    const own = this.#blank();
    own.reconnect = () => this.#authenticate(viewer);
    own.connecting();
    viewer.show(own);
    try {
      const token = await within(tokenTimeout, this.#ask(viewer.provider), tokenTimedOut);
      if (!this.#viewers.has(viewer)) return;
      const there = differ(claims(token), this.#claimed) ? this.#connectionOf(viewer) : this;
      there.#admit(viewer);
      there.conversation.inherit(own);
    } catch (error) {
      if (this.#viewers.has(viewer)) own.failed(error);
    }
  }

  /** Returns the connection for a viewer whose token names another party: this one if it has no other viewer. @param {Viewer} viewer @returns {Connection} */
  #connectionOf(viewer) {
    if ([...this.#viewers].some((one) => one !== viewer && this.#admitted.has(one))) {
      this.#viewers.delete(viewer);
      const other = new Connection(this.#url, this.#name, { store: this.#store, connect: this.#connect });
      other.#viewers.add(viewer);
      viewer.connection = other;
      return other;
    }
    this.#abandon();
    return this;
  }

  #blank() {
    return this.#adopt(new Conversation());
  }

  /** @param {Conversation} conversation */
  #adopt(conversation) {
    conversation.reconnect = () => this.#open();
    conversation.onOtherParty = () => this.#switch();
    return conversation;
  }

  /** Connects, for the first time or again. */
  async #open() {
    const provider = this.#provider();
    if (provider === undefined || this.#viewers.size === 0) return;
    const claimed = claims(provider);
    if (this.#isOtherParty(claimed)) {
      this.#abandon();
      this.#show();
    }
    this.#stop();
    const controller = new AbortController();
    const { signal } = controller;
    this.#connecting = controller;
    this.conversation.connecting();
    const generation = {};
    this.#generation = generation;
    try {
      const credentials = this.#latest()?.credentials;
      const session = await this.#connect({
        url: this.#url || undefined,
        token: this.#source(generation),
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
    this.conversation.idle();
  }

  /** Returns the token or token function for a session: a string stays a string, the only token there is. @param {object} generation the session's @returns {import('../attache.js').ConnectOptions['token']} */
  #source(generation) {
    const provider = this.#provider();
    if (typeof provider !== 'string') return () => this.#token(generation);
    this.#claimed = claims(provider) ?? this.#claimed;
    return provider;
  }

  /** Returns a token for a session, from the latest viewer. @param {object} generation the session's */
  async #token(generation) {
    const token = await this.#ask(this.#provider());
    const claimed = claims(token);
    if (generation === this.#generation && this.#isOtherParty(claimed)) this.#switch();
    if (generation !== this.#generation) throw otherPartyError();
    this.#claimed = claimed ?? this.#claimed;
    return token;
  }

  /**
   * Reports whether a token is for another party or chat session. Until the first chat session
   * was joined, another one of the same user does not count.
   *
   * @param {Identity | undefined} claimed
   */
  #isOtherParty(claimed) {
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
      const [generation, claimed] = [this.#generation, this.#claimed];
      this.#abandon();
      [this.#generation, this.#claimed] = [generation, claimed];
    }
    this.#identity = identity;
    if (this.#lastUser !== undefined && this.#lastUser !== identity.userId) this.#forget(this.#lastUser);
    this.#lastUser = identity.userId;
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
    for (const viewer of this.#viewers) if (this.#admitted.has(viewer)) viewer.show(this.conversation);
  }

  /** The token names another party or chat session: the old chat disappears at once, and the new one is connected. */
  #switch() {
    this.#abandon();
    this.#show();
    this.#open();
  }

  /** Closes the session. Its draft and files stay in the store until its party returns. */
  #abandon() {
    this.#stop();
    const { conversation } = this;
    const identity = this.#identity;
    this.conversation = this.#blank();
    this.#identity = undefined;
    this.#claimed = undefined;
    this.#generation = {};
    closeSession(conversation);
    if (identity && conversation.worthKeeping) this.#store.put(this.#label(identity), conversation);
  }

  #expire() {
    // A chosen file is meant to arrive, whatever is shown meanwhile.
    const { busy, phase } = this.conversation;
    if (busy && phase === 'connected') this.#closing = setTimeout(() => this.#expire(), grace);
    else this.#close(true);
  }

  /** Closes it for good. @param {boolean} keep whether draft and files stay in the store */
  #close(keep) {
    clearTimeout(this.#closing);
    unviewed.delete(this);
    this.ended = true;
    const key = stringify([this.#url, this.#name]);
    if (named.get(key) === this) named.delete(key);
    const identity = this.#identity;
    this.#abandon();
    if (!keep && identity) this.#store.take(this.#label(identity));
  }

  /** @param {Identity} identity */
  #label(identity) {
    return { url: this.#url, name: this.#name, identity };
  }
}

/** Closes a conversation's session. @param {Conversation} conversation */
function closeSession(conversation) {
  const { session } = conversation;
  conversation.detach();
  // An error means that the session is closed already.
  session?.close().catch(() => {});
}

/** @returns {never} */
function tokenTimedOut() {
  throw new AttacheError({ code: 'timeout', message: 'the application returned no token in time' });
}
