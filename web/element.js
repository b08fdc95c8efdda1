import { normalizeBaseURL } from './session/address.js';
import { isBlob, inThisRealm } from './session/blob.js';
import { asAttacheError, otherChatError, readOnlyError } from './session/error.js';
import { stringify } from './session/json.js';
import { Connection } from './widget/connection.js';
import { Conversation } from './widget/conversation.js';
import { logMistake } from './widget/faults.js';
import { Locale } from './widget/locale.js';
import { Pane } from './widget/pane.js';
import { Reflection, applyEarlyProperties, warnOfMisspellings } from './widget/reflection.js';
import { SetupCheck } from './widget/setupcheck.js';
import { ConversationStore } from './widget/store.js';
import { styles } from './widget/styles/sheet.js';

export { addLocale } from './widget/locale.js';

/** @typedef {import('./attache.js').AttacheError} AttacheError */
/** @typedef {import('./attache.js').Session} Session */
/** @typedef {import('./widget/connection.js').Token} Token */

/**
 * A chat with files, as one element. `element.d.ts` documents its API, and
 * `widget/styles/sheet.js` the custom properties.
 *
 * It is a view of a {@link Conversation}, which stays when the element is moved, removed for
 * a while or shown in another language. The conversation is that of a {@link Connection},
 * by `url` and `token`, or of the page's own `session`.
 */
export class AttacheChat extends Reflection {
  static observedAttributes = ['url', 'token', 'conversation', 'heading', 'lang', 'nickname', 'readonly', 'uploads-enabled'];

  #root = this.attachShadow({ mode: 'open' });
  #internals = this.attachInternals?.();
  /** Shown while there is no connection and no session. */
  #unconnected = new Conversation();
  #conversation = this.#unconnected;
  /** @type {Pane | undefined} */
  #pane;
  /** The language and mode of the pane. */
  #renderedMode = '';
  /** The page's own session. @type {Session | undefined} */
  #session;
  /** @type {Token | undefined} */
  #token;
  /** Its unnamed conversations. */
  #store = new ConversationStore();
  /** What was last reported to the page. @type {{ session?: Session, phase?: string, error?: AttacheError }} */
  #reported = {};
  /** The last nickname that was asked for, and of which session. @type {{ session: Session, nickname: string } | undefined} */
  #renamed;
  #joinQueued = false;
  #setupCheck = new SetupCheck();
  /** The address and name of the connection that it has joined. */
  #joined = '';
  #viewer;
  /** What had the focus last. @type {import('./widget/pane.js').ViewState['focus']} */
  #focused;
  /** Aborting it removes the listeners from another document's window. @type {AbortController | undefined} */
  #windowListeners;

  constructor() {
    super();
    const element = this;
    this.#viewer = {
      /** @type {Connection | undefined} */
      connection: undefined,
      get provider() { return element.#provider; },
      get credentials() { return element.#credentials; },
      /** @param {Conversation} conversation */
      show: (conversation) => element.#show(conversation),
    };
    this.#root.addEventListener('focusin', () => { this.#focused = this.#pane?.viewState.focus; });
    this.#root.addEventListener('focusout', () => {
      // A node that is moved loses the focus for a moment.
      const before = this.#focused;
      queueMicrotask(() => { if (this.#focused === before) this.#focused = this.#pane?.viewState.focus; });
    });
  }

  get token() {
    return this.#provider ?? '';
  }

  set token(value) {
    this.#token = value || undefined;
    this.#tokenChanged();
  }

  get uploadsEnabled() {
    const value = this.getAttribute('uploads-enabled');
    // Like contenteditable, and unlike readonly: the default is not false for everyone.
    if (value !== null) return value.trim().toLowerCase() !== 'false';
    const { party } = this.#conversation.session ?? {};
    return party !== undefined && party.userType !== 'CLIENT';
  }

  set uploadsEnabled(value) {
    if (value === null || value === undefined) this.removeAttribute('uploads-enabled');
    else this.setAttribute('uploads-enabled', String(value) === 'false' ? 'false' : 'true');
  }

  get session() {
    return this.#conversation.session ?? null;
  }

  set session(session) {
    const next = session ?? undefined;
    if (next === this.#session) return;
    this.#leave();
    this.#session = next;
    if (next) this.#carryOver(() => this.#show(Conversation.of(next)));
    else this.#showUnconnected();
    this.#joinSoon();
  }

  /** @param {Iterable<File | Blob>} files */
  add(files) {
    const given = [...files];
    // An exception, because there is no file that a tile could show.
    if (!given.every(isBlob)) throw new TypeError('add takes Files and Blobs');
    if (!this.readOnly) this.#conversation.add(given.map(inThisRealm));
    else this.#conversation.refuse(given, readOnlyError());
  }

  showPicker() {
    this.#pane?.showPicker();
  }

  focus() {
    this.#pane?.focus();
  }

  connectedCallback() {
    applyEarlyProperties(this);
    warnOfMisspellings(this);
    this.#adoptStyles();
    this.#watchWindow();
    const focus = this.#focused;
    if (this.#pane?.node.ownerDocument === this.ownerDocument && this.#renderedMode === this.#mode()) this.#pane.mounted();
    else this.#render();
    const { activeElement, body } = this.ownerDocument;
    if (focus && this.#pane && (activeElement === null || activeElement === body)) this.#pane.viewState = { focus, scroll: this.#pane.viewState.scroll };
    this.#joinSoon();
  }

  disconnectedCallback() {
    // An element that is only moved comes back at once.
    queueMicrotask(() => {
      if (!this.#present) this.#hide();
    });
  }

  adoptedCallback() {
    this.#adoptStyles();
  }

  /** @param {string} name @param {string | null} before @param {string | null} value */
  attributeChangedCallback(name, before, value) {
    if (before === value) return;
    switch (name) {
      case 'token':
        this.#tokenChanged();
        break;
      case 'conversation':
        if (!value) this.#leave('logOut');
        this.#joinSoon();
        break;
      case 'url':
        this.#joinSoon();
        break;
      case 'heading':
        if (this.#pane) this.#pane.heading = this.heading;
        break;
      case 'nickname':
        this.#rename();
        break;
      case 'uploads-enabled':
        this.#pane?.uploadsChanged();
        break;
      default:
        if (this.#pane && this.#renderedMode !== this.#mode()) this.#render();
    }
  }

  /** Whether it is in a document that has a window. */
  get #present() {
    return this.isConnected && this.ownerDocument.defaultView !== null;
  }

  get #provider() {
    return this.#token ?? (this.getAttribute('token') || undefined);
  }

  /** The credentials mode of downloads; read at each connect. */
  get #credentials() {
    const given = this.getAttribute('credentials');
    return given === 'include' || given === 'same-origin' ? given : undefined;
  }

  /** A style sheet belongs to one document, and an element loses it when it moves to another. */
  #adoptStyles() {
    const sheet = styles(this.ownerDocument);
    if (sheet) this.#root.adoptedStyleSheets = [sheet];
  }

  /** A window that closes takes the element with it without a callback; this script may continue in another window. */
  #watchWindow() {
    this.#windowListeners?.abort();
    const window = this.ownerDocument.defaultView;
    if (!window || window === globalThis) return;
    this.#windowListeners = new AbortController();
    const { signal } = this.#windowListeners;
    window.addEventListener('pagehide', () => this.#hide(), { signal });
    window.addEventListener('pageshow', ({ persisted }) => persisted && this.connectedCallback(), { signal });
  }

  /** There is another token provider, or none any more. */
  #tokenChanged() {
    if (this.#provider === undefined) this.#leave('logOut');
    else if (this.#viewer.connection?.has(this.#viewer)) this.#viewer.connection.providerChanged(this.#viewer);
    else this.#joinSoon();
  }

  /** Joins once, however many attributes change in one task. */
  #joinSoon() {
    if (this.#joinQueued) return;
    this.#joinQueued = true;
    queueMicrotask(() => {
      this.#joinQueued = false;
      if (this.#present && !this.#session) this.#join();
    });
  }

  /** Joins the connection that the attributes name, unless it has joined it already. */
  #join() {
    const url = normalizeBaseURL(this.url);
    const name = this.conversation;
    const where = this.hasAttribute('url') && this.#provider !== undefined ? stringify([url, name]) : '';
    if (where !== this.#joined) this.#leave();
    if (where === '') this.#setupCheck.schedule(() => this.#missing());
    else this.#setupCheck.pass();
    if (where === '' || this.#viewer.connection?.has(this.#viewer)) return;
    this.#joined = where;
    const { connection } = this.#viewer;
    this.#carryOver(() => {
      if (connection && !connection.ended) connection.join(this.#viewer);
      else if (name !== '') Connection.named(url, name).join(this.#viewer);
      else new Connection(url, '', { store: this.#store }).join(this.#viewer);
    });
  }

  /** Returns the attributes that the page has not set. */
  #missing() {
    if (!this.isConnected || this.#session || this.#joined !== '') return [];
    return [...(this.hasAttribute('url') ? [] : ['url']), ...(this.#provider === undefined ? ['token'] : [])];
  }

  /** Runs a change of conversation, and takes along what was written and chosen while there was none. @param {() => void} go */
  #carryOver(go) {
    const before = this.#conversation;
    go();
    if (before !== this.#unconnected || before === this.#conversation) return;
    this.#unconnected = new Conversation();
    this.#conversation.inherit(before);
  }

  /** Leaves its connection, if it has one, and shows nothing of it any more. @param {'leave' | 'logOut'} [how] */
  #leave(how = 'leave') {
    const { connection } = this.#viewer;
    if (!connection) return;
    this.#viewer.connection = undefined;
    this.#joined = '';
    connection[how](this.#viewer);
    this.#showUnconnected();
  }

  /** Shows an empty conversation. */
  #showUnconnected() {
    this.#unconnected = new Conversation();
    this.#show(this.#unconnected);
  }

  /** Stops showing anything, because it was removed. */
  #hide() {
    this.#windowListeners?.abort();
    this.#focused = undefined;
    this.#viewer.connection?.leave(this.#viewer);
    this.#pane?.detach();
    this.#pane = undefined;
  }

  /** @param {Conversation} conversation */
  #show(conversation) {
    const same = conversation === this.#conversation;
    this.#conversation = conversation;
    this.#render(same);
  }

  /** Gives the party the nickname that the page has set, once for each session and nickname. */
  #rename() {
    const { session } = this.#conversation;
    const nickname = this.nickname.trim();
    if (!session || session.state !== 'connected' || nickname === '' || !this.#present) return;
    if (this.#renamed?.session === session && this.#renamed.nickname === nickname) return;
    this.#renamed = { session, nickname };
    if (session.party.nickname !== nickname) session.rename(nickname).catch((error) => this.#fire('attache-error', error));
  }

  /** The pane's language and mode; another one needs another pane. */
  #mode() {
    return `${Locale.of(this).tag} ${this.readOnly}`;
  }

  /** Replaces the pane. @param {boolean} [same] whether the conversation is the same */
  #render(same = true) {
    const viewState = this.#pane?.viewState;
    this.#pane?.detach();
    this.#pane = undefined;
    if (!this.#present) {
      this.#root.replaceChildren();
      return;
    }
    const conversation = this.#conversation;
    const pane = new Pane(Locale.of(this), this.readOnly, conversation, {
      fire: (type, detail) => this.#fire(type, detail),
      add: (files) => {
        // A file picker stays open while another chat is shown, and the parties in that one must not get the file.
        if (conversation === this.#conversation) this.add(files);
        else this.#conversation.refuse(files, otherChatError());
      },
      dragging: (dragging) => this.#setState('dragging', dragging),
      phaseChanged: () => this.#phaseChanged(),
      uploadsEnabled: () => this.uploadsEnabled,
    });
    this.#pane = pane;
    this.#renderedMode = this.#mode();
    pane.heading = this.heading;
    this.#root.replaceChildren(pane.node);
    pane.mounted();
    if (viewState && same) pane.viewState = viewState;
    else if (viewState?.focus) pane.focus();
    this.#phaseChanged();
  }

  /** Reports the connection's state to the page if it has changed. */
  #phaseChanged() {
    const { session, phase, error } = this.#conversation;
    this.#rename();
    for (const one of ['connected', 'reconnecting', 'closed']) this.#setState(one, one === phase && session !== undefined);
    const before = this.#reported;
    if (before.session === session && before.phase === phase && before.error === error) return;
    this.#reported = { session, phase, error };
    if (phase === 'unreachable' && error) logMistake(error);
    // While connecting is retried, each cause is reported once.
    const delayed = phase === 'connecting' && error !== undefined && error.code !== before.error?.code;
    if (phase === 'unreachable' || delayed) this.#fire('attache-error', error);
    else if (session && phase !== 'connecting' && phase !== 'idle') this.#fire('attache-state', { state: phase, error });
  }

  /** @param {string} type @param {unknown} detail */
  #fire(type, detail) {
    const value = type === 'attache-error' ? asAttacheError(detail) : detail;
    this.dispatchEvent(new CustomEvent(type, { detail: value, bubbles: true, composed: true }));
  }

  /** @param {string} state @param {boolean} on */
  #setState(state, on) {
    try {
      if (on) this.#internals?.states.add(state);
      else this.#internals?.states.delete(state);
    } catch {
      // Older browsers have no custom states, or require two dashes in front.
    }
  }
}

if (globalThis.customElements && !customElements.get('attache-chat')) {
  customElements.define('attache-chat', AttacheChat);
}
