import { Locale } from './locale.js';
import { Pane } from './pane.js';
import { styles } from './styles.js';

export { addLocale } from './locale.js';

/** @typedef {import('./attache.js').Session} Session */
/** @typedef {import('./attache.js').ConnectOptions['token']} Token */

// So that the module can be imported where there is no DOM.
const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

/** Loaded when it is needed: a page that hands its own session in may need no module at all. */
const api = () => import('./attache.js');

/**
 * A chat with files, as one element. See `element.d.ts` for what it offers and
 * `styles.js` for the custom properties.
 *
 * Two ways to give it a session: `url` and `token`, then it connects and
 * closes by itself; or `session`, which stays the page's own.
 */
export class AttacheChat extends Base {
  static observedAttributes = ['url', 'token', 'heading', 'lang', 'readonly'];

  #root = this.attachShadow({ mode: 'open' });
  #internals = this.attachInternals();
  /** @type {Pane | undefined} */
  #pane;
  /** @type {Session | undefined} */
  #session;
  /** Whether the session was connected here and is ours to close. */
  #ours = false;
  /** @type {Token | undefined} */
  #token;
  /** @type {AbortController | undefined} */
  #connecting;
  #due = false;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [styles()];
  }

  get url() {
    return this.getAttribute('url') ?? '';
  }

  set url(value) {
    this.setAttribute('url', value);
  }

  get token() {
    return this.#token ?? this.getAttribute('token') ?? '';
  }

  set token(value) {
    this.#token = value || undefined;
    this.#connectSoon();
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
    return this.#session ?? null;
  }

  set session(session) {
    this.#leave();
    this.#session = session ?? undefined;
    this.#build();
    if (!session) this.#connectSoon();
  }

  /** @param {Iterable<File | Blob>} files */
  add(files) {
    this.#pane?.add(files);
  }

  open() {
    this.#pane?.pick();
  }

  focus() {
    this.#pane?.focus();
  }

  connectedCallback() {
    this.#upgrade();
    if (!this.#pane) this.#build();
    if (!this.#session) this.#connectSoon();
  }

  disconnectedCallback() {
    // An element that is only moved comes back at once.
    queueMicrotask(() => {
      if (!this.isConnected && this.#ours) this.#leave();
    });
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (!this.#pane) return;
    if (name === 'heading') this.#pane.heading = this.heading;
    else if (name === 'url' || name === 'token') this.#connectSoon();
    else this.#build();
  }

  /** Takes over what was set before the element was defined. */
  #upgrade() {
    const self = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (this));
    for (const name of ['url', 'token', 'heading', 'readOnly', 'session']) {
      if (!Object.hasOwn(this, name)) continue;
      const value = self[name];
      delete self[name];
      self[name] = value;
    }
  }

  /** Makes what is seen anew, for another session, language or mode. */
  #build() {
    if (!this.isConnected) return;
    this.#pane?.detach();
    this.#pane = new Pane(Locale.of(this), this.readOnly, {
      fire: (type, detail) => this.#fire(type, detail),
      describe: async (name, type) => (await api()).describe(name, type),
      reconnect: () => this.#connect(),
      dragging: (dragging) => this.#mark('dragging', dragging),
    });
    this.#pane.heading = this.heading;
    this.#root.replaceChildren(this.#pane.node);
    if (this.#session) this.#pane.attach(this.#session, this.#ours);
    else if (this.#connecting) this.#pane.connecting();
  }

  /** One connection for however many attributes change in one go. */
  #connectSoon() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.#session && !this.#ours) return;
      this.#connect();
    });
  }

  async #connect() {
    this.#leave();
    if (!this.isConnected || !this.hasAttribute('url') || !this.token) return;
    const controller = new AbortController();
    this.#connecting = controller;
    this.#build();
    try {
      const { connect } = await api();
      const session = await connect({ url: this.url || undefined, token: this.token, signal: controller.signal });
      if (controller.signal.aborted) {
        await session.close();
        return;
      }
      this.#connecting = undefined;
      this.#session = session;
      this.#ours = true;
      this.#pane?.attach(session, true);
    } catch (error) {
      if (controller.signal.aborted) return;
      this.#connecting = undefined;
      this.#pane?.connecting(error ?? null);
      this.#fire('attache-error', error);
    }
  }

  /** Gives the session up; one that was connected here is closed. */
  #leave() {
    this.#connecting?.abort();
    this.#connecting = undefined;
    this.#pane?.detach();
    // A session that is gone already has nothing left to close.
    if (this.#ours) this.#session?.close().catch(() => {});
    this.#session = undefined;
    this.#ours = false;
  }

  /** @param {string} type @param {unknown} detail */
  #fire(type, detail) {
    if (type === 'attache-state') {
      const { state } = /** @type {{ state: string }} */ (detail);
      for (const one of ['connected', 'reconnecting', 'closed']) this.#mark(one, one === state);
    }
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  /** @param {string} state @param {boolean} on */
  #mark(state, on) {
    if (on) this.#internals.states.add(state);
    else this.#internals.states.delete(state);
  }
}

if (globalThis.customElements && !customElements.get('attache-chat')) {
  customElements.define('attache-chat', AttacheChat);
}
