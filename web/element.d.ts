import type { AttacheError, ChatFile, Session, SessionState, UploadEvent } from './attache.js';
import type { Dictionary } from './widget/locales/en.js';
export type { Dictionary } from './widget/locales/en.js';

/**
 * `<attache-chat>`: a chat with files in one element.
 *
 * ```html
 * <script type="module" src="https://files.example/web/element.js"></script>
 * <attache-chat url="wss://files.example" heading="Support"></attache-chat>
 * <script type="module">
 *   document.querySelector('attache-chat').token = () => getToken();
 * </script>
 * ```
 *
 * **Connecting.** It connects once it has a `url` and a token. If the proxy or the application's server is down, the banner
 * and `attache-error` say why, and the element retries.
 *
 * **Sessions outlive elements.** The element is a view: session, draft, chosen files and uploads do not belong to it. The
 * same node keeps its session whatever is set or rendered again: `url` with the same value, a new token function, `lang`,
 * `readonly`, a move within or to another document, removal and return within 30 seconds. Another node takes the session
 * over, or shares it, only with the same `url` and the same `conversation`; its token is requested before anything is shown.
 * A session that no element has shown for 30 seconds is closed, unless an upload is under way. An element that is not in a
 * document fires no events.
 *
 * **Switching and logging out.** Another `conversation`, another `url`, or a token that names another chat session or user
 * is a switch: the old chat disappears at once, and nothing more is sent to it. Its draft and chosen files return with it as
 * long as the page is open. Removing the token or `conversation` logs out: the session is closed, and the user's drafts and
 * chosen files are forgotten.
 *
 * **A session of the page's own.** A page that has called `connect` itself sets `session` instead: the element then neither
 * connects nor closes anything. Draft and uploads belong to that session and return with it.
 *
 * **Errors.** What only the page's developer can fix (no `url` or `token`, a refused origin, a token that is not accepted)
 * is logged to the console and fired as `attache-error`; the person who chats reads neutral words instead, with the id that
 * is also in the proxy's log.
 *
 * **Downloads.** With the attribute `credentials` (`same-origin`, `include`) downloads send cookies, for a reverse proxy
 * that requires them; see `ConnectOptions.credentials`. A change takes effect at the next connect. A file is shown as
 * downloaded once it was compared with the announced size and digest. If the browser does not report whether it saved the
 * file, it is shown as passed to the browser: a file over 64 MiB without `showSaveFilePicker`, and any file in a frame of
 * another origin, which may have a `sandbox` without `allow-downloads`.
 *
 * **Styling.** `widget/styles/sheet.js` lists the custom properties. Every box is a `part`: `frame`, `header`, `heading`,
 * `participants`, `avatars`, `state`, `banner`, `transcript`, `empty`, `item`, `head`, `bubble`, `own`, `link`, `line`,
 * `file`, `file-icon`, `file-name`, `file-meta`, `file-note`, `file-changed`, `file-description`, `file-custom`, `bar`,
 * `bar-sent`, `bar-stored`, `composer`, `field-row`, `field`, `allowance`, `composer-error`, `overlay`, `button` (and with it
 * `attach`, `send`, `cancel`, `retry`, `dismiss`, `choose`, `jump`, `reconnect`). States for `:state()`: `connected`,
 * `reconnecting`, `closed`, `dragging`. `data-theme="light"` or `"dark"` on the element sets the colour scheme.
 */
export class AttacheChat extends HTMLElement {
  /** The proxy's address, as `connect` takes it; empty: the origin that this module was loaded from. Reflects the attribute. */
  url: string;
  /**
   * The token, or a function called at every connect and reconnect; the attribute is always a string. Setting another
   * function replaces the one before, without reconnecting. A falsy value logs out.
   */
  get token(): Token;
  set token(token: Token | null | undefined);
  /**
   * A name for this party in this chat, such as `ada/4711`. Elements with the same name and `url` show the same session.
   * Empty: no other element shares this one's session. Reflects the attribute.
   */
  get conversation(): string;
  set conversation(name: string | null | undefined);
  /** The heading above the chat. Reflects the attribute. */
  heading: string;
  /** Shows no composer: messages and files are shown, and files can be downloaded. Reflects the attribute `readonly`. */
  readOnly: boolean;
  /** The session that is shown. Setting one replaces `url` and `token`. */
  get session(): Session | null;
  set session(session: Session | null | undefined);

  /** Sends files, as if they had been dropped here. Without a connection they are sent as soon as there is one. Throws a TypeError for other values. */
  add(files: Iterable<File | Blob>): void;
  /** Opens the file picker. Browsers require a user gesture. */
  showPicker(): void;
  /** Moves the focus to the text field. */
  focus(): void;

  addEventListener<K extends keyof AttacheChatEventMap>(
    type: K, listener: (this: AttacheChat, event: AttacheChatEventMap[K]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener<K extends keyof HTMLElementEventMap>(
    type: K, listener: (this: AttacheChat, event: HTMLElementEventMap[K]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

/** A token, or a function that returns one; `conversation` is the element's, or empty. */
export type Token = string | ((request: { conversation: string }) => string | Promise<string>);

/** The element's events. All of them bubble and cross shadow roots. */
export interface AttacheChatEventMap {
  /** A file of any party became visible here. Files of the earlier transcript are included: compare `detail.at`. */
  'attache-file': CustomEvent<ChatFile>;
  /** An upload of this session changed. */
  'attache-upload': CustomEvent<UploadEvent>;
  /** Something was refused or has failed, and its message is shown: an upload, a download, a text, the connection. */
  'attache-error': CustomEvent<AttacheError>;
  /** The connection changed. From the first `connected` on, `session` holds the session. */
  'attache-state': CustomEvent<{ state: SessionState; error?: AttacheError }>;
}

/**
 * Adds or replaces the words of a language. An element uses the language of its `lang` attribute, of an ancestor's, or of
 * the browser.
 *
 * @param tag a BCP 47 tag: `de`, `pt-BR`
 * @param words entries as in `widget/locales/en.js`; missing ones are shown in English
 */
export function addLocale(tag: string, words: Dictionary): void;

declare global {
  interface HTMLElementTagNameMap {
    'attache-chat': AttacheChat;
  }
  interface HTMLElementEventMap extends AttacheChatEventMap {}
}
