import { isBlob, inThisRealm } from './session/blob.js';
import { Connection } from './widget/connection.js';
import { Conversation } from './widget/conversation.js';
import { AttacheError, asAttacheError, readOnlyError } from './session/error.js';
import { SetupCheck, complain } from './widget/faults.js';
import { Locale } from './widget/locale.js';
import { Pane } from './widget/pane.js';
import { stringify } from './session/json.js';
import { ConversationStore } from './widget/store.js';
import { styles } from './widget/styles/sheet.js';
import { normalizeBaseURL } from './session/address.js';

export { addLocale } from './widget/locale.js';

/** @typedef {import('./attache.js').Session} Session */
/** @typedef {import('./widget/connection.js').Token} Token */

// So that the module can be imported where there is no DOM.
const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

/**
 * A chat with files, as one element. See `element.d.ts` for what it offers and
 * `widget/styles/sheet.js` for the custom properties.
 *
 * It only shows: the session, and what was written and chosen, belong to a
 * {@link Conversation}, which stays when the element is moved, removed for a
 * while or made to speak another language. There are two ways to one: `url` and
 * `token`, then a {@link Connection} has the session and closes it; or
 * `session`, which stays the page's own.
 */
export class AttacheChat extends Base {
  static observedAttributes = ['url', 'token', 'conversation', 'heading', 'lang', 'readonly'];

  #root = this.attachShadow({ mode: 'open' });
  #internals = this.attachInternals?.();
  /** What is shown while it is nowhere. */
  #nobodys = new Conversation();
  #conversation = this.#nobodys;
  /** @type {Pane | undefined} */
  #pane;
  /** The language and mode that the pane was made for. */
  #built = '';
  /** The page's own. @type {Session | undefined} */
  #session;
  /** @type {Token | undefined} */
  #token;
  /** Its conversations without a name. */
  #store = new ConversationStore();
  /** What the page was told last. @type {{ session?: Session, phase?: string, error?: AttacheError }} */
  #told = {};
  #due = false;
  #setup = new SetupCheck();
  /** The address and name of the connection that it is at. */
  #where = '';
  #viewer;
  /** What has the focus. @type {import('./widget/pane.js').ViewState['focus']} */
  #focused;
  /** Ends what is listened to in another document's window. @type {AbortController | undefined} */
  #abroad;

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
      // A node that is moved loses the focus on the way.
      const before = this.#focused;
      queueMicrotask(() => { if (this.#focused === before) this.#focused = this.#pane?.viewState.focus; });
    });
  }

  get url() {
    return this.getAttribute('url') ?? '';
  }

  set url(value) {
    this.setAttribute('url', value);
  }

  get token() {
    return this.#provider ?? '';
  }

  set token(value) {
    this.#token = value || undefined;
    this.#renewed();
  }

  get conversation() {
    return this.getAttribute('conversation') ?? '';
  }

  set conversation(value) {
    if (value) this.setAttribute('conversation', value);
    else this.removeAttribute('conversation');
  }

  get heading() {
    return this.getAttribute('heading') ?? '';
  }

  set heading(value) {
    this.setAttribute('heading', value);
  }

  get readOnly() {
    return this.hasAttribute('readonly');
  }

  set readOnly(value) {
    this.toggleAttribute('readonly', value);
  }

  get session() {
    return this.#conversation.session ?? null;
  }

  set session(session) {
    const next = session ?? undefined;
    if (next === this.#session) return;
    this.#depart();
    this.#session = next;
    if (next) this.#take(() => this.#show(Conversation.of(next)));
    else this.#vacate();
    this.#arriveSoon();
  }

  /** @param {Iterable<File | Blob>} files */
  add(files) {
    const given = [...files];
    // Told to whoever calls it: there is no file that a tile could stand for.
    if (!given.every(isBlob)) throw new TypeError('add takes Files and Blobs');
    if (!this.readOnly) this.#conversation.add(given.map(inThisRealm));
    else this.#conversation.refuse(given, readOnlyError());
  }

  open() {
    this.#pane?.pick();
  }

  focus() {
    this.#pane?.focus();
  }

  connectedCallback() {
    this.#upgrade();
    this.#dress();
    this.#watchWindow();
    const focus = this.#focused;
    if (this.#pane?.node.ownerDocument === this.ownerDocument && this.#built === this.#mode()) this.#pane.mounted();
    else this.#build();
    const { activeElement, body } = this.ownerDocument;
    if (focus && this.#pane && (activeElement === null || activeElement === body)) this.#pane.viewState = { focus, scroll: this.#pane.viewState.scroll };
    this.#arriveSoon();
  }

  disconnectedCallback() {
    // An element that is only moved comes back at once.
    queueMicrotask(() => {
      if (!this.#present) this.#hide();
    });
  }

  adoptedCallback() {
    this.#dress();
  }

  /** @param {string} name @param {string | null} before @param {string | null} value */
  attributeChangedCallback(name, before, value) {
    if (before === value) return;
    switch (name) {
      case 'token':
        this.#renewed();
        break;
      case 'conversation':
        if (!value) this.#logOut();
        this.#arriveSoon();
        break;
      case 'url':
        this.#arriveSoon();
        break;
      case 'heading':
        if (this.#pane) this.#pane.heading = this.heading;
        break;
      default:
        if (this.#pane && this.#built !== this.#mode()) this.#build();
    }
  }

  /** Whether it stands in a document that somebody may look at. */
  get #present() {
    return this.isConnected && this.ownerDocument.defaultView !== null;
  }

  get #provider() {
    return this.#token ?? (this.getAttribute('token') || undefined);
  }

  /** What downloads carry; read at each connect. */
  get #credentials() {
    const given = this.getAttribute('credentials');
    return given === 'include' || given === 'same-origin' ? given : undefined;
  }

  /** Takes over what was set before the element was defined. */
  #upgrade() {
    const self = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (this));
    for (const name of ['url', 'token', 'conversation', 'heading', 'readOnly', 'session']) {
      if (!Object.hasOwn(this, name)) continue;
      const value = self[name];
      delete self[name];
      self[name] = value;
    }
  }

  /** A sheet belongs to one document, and an element loses it on the way to another. */
  #dress() {
    const sheet = styles(this.ownerDocument);
    if (sheet) this.#root.adoptedStyleSheets = [sheet];
  }

  /** A window that goes takes the element with it, and tells it nothing; this script may live on in another one. */
  #watchWindow() {
    this.#abroad?.abort();
    const window = this.ownerDocument.defaultView;
    if (!window || window === globalThis) return;
    this.#abroad = new AbortController();
    const { signal } = this.#abroad;
    window.addEventListener('pagehide', () => this.#hide(), { signal });
    window.addEventListener('pageshow', ({ persisted }) => persisted && this.connectedCallback(), { signal });
  }

  /** There is another provider of tokens, or none any more. */
  #renewed() {
    if (this.#provider === undefined) this.#logOut();
    else if (this.#viewer.connection?.has(this.#viewer)) this.#viewer.connection.renew(this.#viewer);
    else this.#arriveSoon();
  }

  /** Shows nothing of the former user any more, at once. */
  #logOut() {
    const { connection } = this.#viewer;
    if (!connection) return;
    this.#viewer.connection = undefined;
    this.#where = '';
    connection.logOut(this.#viewer);
    this.#vacate();
  }

  /** One connection for however many attributes change in one go. */
  #arriveSoon() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.#present && !this.#session) this.#arrive();
    });
  }

  /** Goes to the connection that the attributes name, unless it is there. */
  #arrive() {
    const url = normalizeBaseURL(this.url);
    const name = this.conversation;
    const where = this.hasAttribute('url') && this.#provider !== undefined ? stringify([url, name]) : '';
    if (where !== this.#where) this.#depart();
    if (where === '') this.#setup.look(() => this.#missing());
    else this.#setup.done();
    if (where === '' || this.#viewer.connection?.has(this.#viewer)) return;
    this.#where = where;
    const { connection } = this.#viewer;
    this.#take(() => {
      if (connection && !connection.ended) connection.join(this.#viewer);
      else if (name !== '') Connection.named(url, name).join(this.#viewer);
      else new Connection(url, '', { store: this.#store }).join(this.#viewer);
    });
  }

  /** What the page has not given it, by the names of the attributes. */
  #missing() {
    if (!this.isConnected || this.#session || this.#where !== '') return [];
    return [...(this.hasAttribute('url') ? [] : ['url']), ...(this.#provider === undefined ? ['token'] : [])];
  }

  /** What was written and chosen while it was nowhere goes along to where it goes now. @param {() => void} go */
  #take(go) {
    const before = this.#conversation;
    go();
    if (before !== this.#nobodys || before === this.#conversation) return;
    this.#nobodys = new Conversation();
    this.#conversation.inherit(before);
  }

  /** Leaves the connection that it is at, if it is at one. */
  #depart() {
    const { connection } = this.#viewer;
    if (!connection) return;
    this.#viewer.connection = undefined;
    this.#where = '';
    connection.leave(this.#viewer);
    this.#vacate();
  }

  /** Shows nobody's conversation. */
  #vacate() {
    this.#nobodys = new Conversation();
    this.#show(this.#nobodys);
  }

  /** It was removed. What it shows may be gone when it returns. */
  #hide() {
    this.#abroad?.abort();
    this.#focused = undefined;
    this.#viewer.connection?.leave(this.#viewer);
    this.#pane?.detach();
    this.#pane = undefined;
  }

  /** @param {Conversation} conversation */
  #show(conversation) {
    const same = conversation === this.#conversation;
    this.#conversation = conversation;
    this.#build(same);
  }

  /** What a pane is made for: another language or mode needs another pane. */
  #mode() {
    return `${Locale.of(this).tag} ${this.readOnly}`;
  }

  /** Makes what is seen anew. @param {boolean} [same] whether it is of the same conversation */
  #build(same = true) {
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
        // A file picker stays open while another chat is shown, and whoever is in that one must not get the file.
        if (conversation === this.#conversation) this.add(files);
        else this.#conversation.refuse(files, switched());
      },
      dragging: (dragging) => this.#mark('dragging', dragging),
      stated: () => this.#stated(),
    });
    this.#pane = pane;
    this.#built = this.#mode();
    pane.heading = this.heading;
    this.#root.replaceChildren(pane.node);
    pane.mounted();
    if (viewState && same) pane.viewState = viewState;
    else if (viewState?.focus) pane.focus();
    this.#stated();
  }

  /** Tells the page of the state of the connection, where that is another. */
  #stated() {
    const { session, phase, error } = this.#conversation;
    for (const one of ['connected', 'reconnecting', 'closed']) this.#mark(one, one === phase && session !== undefined);
    const told = this.#told;
    if (told.session === session && told.phase === phase && told.error === error) return;
    this.#told = { session, phase, error };
    if (phase === 'unreachable' && error) complain(error);
    // While it is tried again, each cause is told once.
    const delayed = phase === 'connecting' && error !== undefined && error.code !== told.error?.code;
    if (phase === 'unreachable' || delayed) this.#fire('attache-error', error);
    else if (session && phase !== 'connecting' && phase !== 'idle') this.#fire('attache-state', { state: phase, error });
  }

  /** @param {string} type @param {unknown} detail */
  #fire(type, detail) {
    const told = type === 'attache-error' ? asAttacheError(detail) : detail;
    this.dispatchEvent(new CustomEvent(type, { detail: told, bubbles: true, composed: true }));
  }

  /** @param {string} state @param {boolean} on */
  #mark(state, on) {
    try {
      if (on) this.#internals?.states.add(state);
      else this.#internals?.states.delete(state);
    } catch {
      // A browser that has no such states, or wants them to begin with two dashes, does without.
    }
  }
}

function switched() {
  return new AttacheError({ code: 'cancelled', message: 'it was chosen for another chat than the one that is shown now', hint: 'choose it again if it is meant for this one' });
}

if (globalThis.customElements && !customElements.get('attache-chat')) {
  customElements.define('attache-chat', AttacheChat);
}
