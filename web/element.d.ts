import type { AttacheError, ChatFile, Session, SessionState, UploadEvent } from './attache.js';
import type { Dictionary } from './widget/locale.js';

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
 * It connects when it has a `url` and a token. It is a view: the session, the
 * draft, the chosen files and the uploads outlive it. The same node keeps its
 * session whatever is set or rendered again: `url` with the same value, a new
 * token function, `lang`, `readonly`, a move to another place or document,
 * removal and return within 30 seconds. Another node takes the session over, or
 * shares it, only if it has the same `url` and the same `conversation`; its token
 * is requested before anything is shown. A session that no element has shown for
 * 30 seconds is closed, unless an upload is under way. An element that is not in
 * a page fires no events.
 *
 * Another `conversation`, another `url`, or a token that names another chat
 * session or user is a switch: the old chat disappears at once, and nothing is
 * sent to it any more. What was written and chosen in it comes back with it, as
 * long as the page lives. Removing the token or `conversation` logs out: the
 * session is closed, and what this user wrote and chose is forgotten.
 *
 * A page that has a session of its own sets `session` instead and keeps it: the
 * element then neither connects nor closes anything. Draft and tiles belong to
 * that session and come back with it.
 *
 * What only the page's developer can fix (no `url` or `token`, a refused origin, a
 * token that is not accepted, …) is reported in the console and by `attache-error`; whoever
 * chats reads neutral words instead, with the id that is also in the proxy's log.
 *
 * If the proxy or the application's server is away when the chat is opened, the banner and `attache-error` say why, and the
 * element retries by itself.
 *
 * Custom properties are listed in `widget/styles/sheet.js`. Every box is a `part`: `frame`,
 * `header`, `heading`, `participants`, `avatars`, `state`, `banner`, `transcript`,
 * `empty`, `item`, `head`, `bubble`, `own`, `link`, `line`, `file`, `file-icon`,
 * `file-name`, `file-meta`, `file-note`, `file-changed`, `file-description`, `file-custom`,
 * `bar`, `bar-sent`, `bar-stored`, `composer`, `field-row`, `field`,
 * `allowance`, `composer-error`, `overlay`, `button` (and with it `attach`,
 * `send`, `cancel`, `retry`, `dismiss`, `choose`, `jump`, `reconnect`).
 *
 * With the attribute `credentials` (`same-origin`, `include`) downloads carry cookies, for a reverse proxy that requires
 * them; see `ConnectOptions.credentials`. A change takes effect at the next connect.
 *
 * A file is called downloaded once it has been compared with what was announced. If the browser does not report whether it
 * saved the file, it is called handed to the browser: a file over 64 MiB without `showSaveFilePicker`, and any file in a
 * frame of another origin, which may have a `sandbox` without `allow-downloads`.
 *
 * Its states for `:state()`: `connected`, `reconnecting`, `closed`, `dragging`.
 * `data-theme="light"` or `"dark"` on the element settles the colour scheme.
 */
export class AttacheChat extends HTMLElement {
  /** The proxy, as `connect` takes it; empty: the origin that this module came from. Reflects the attribute. */
  url: string;
  /**
   * The token, or a function called at every connect and reconnect; as an attribute, a string. Another function only
   * replaces the one before, without reconnecting. A falsy value logs out.
   */
  get token(): Token;
  set token(token: Token | null | undefined);
  /**
   * A name for this party's place in this chat, such as `ada/4711`. Elements with the same name and `url` show the same
   * session. Empty: the session is this element's own. Reflects the attribute.
   */
  get conversation(): string;
  set conversation(name: string | null | undefined);
  /** The heading over the chat. Reflects the attribute. */
  heading: string;
  /** Without composer: messages and files are shown and files can be downloaded. Reflects the attribute `readonly`. */
  readOnly: boolean;
  /** The session that is shown. Setting one replaces `url` and `token`. */
  get session(): Session | null;
  set session(session: Session | null | undefined);

  /** Sends files, as if they had been dropped here; those given while there is no connection, as soon as there is one. Throws a TypeError for anything else. */
  add(files: Iterable<File | Blob>): void;
  /** Opens the file picker. Browsers allow it only in answer to a person's action. */
  showPicker(): void;
  /** Puts the focus into the text field. */
  focus(): void;

  addEventListener<K extends keyof AttacheChatEventMap>(
    type: K, listener: (this: AttacheChat, event: AttacheChatEventMap[K]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener<K extends keyof HTMLElementEventMap>(
    type: K, listener: (this: AttacheChat, event: HTMLElementEventMap[K]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

/** A token, or where to get one; `conversation` is the element's, or empty. */
export type Token = string | ((request: { conversation: string }) => string | Promise<string>);

/** What happened in the element. All of them bubble and leave shadow roots. */
export interface AttacheChatEventMap {
  /** A file became visible here, sent by whomever; `detail.at` tells earlier files of the transcript from new ones. */
  'attache-file': CustomEvent<ChatFile>;
  /** A step of an upload of this session. */
  'attache-upload': CustomEvent<UploadEvent>;
  /** Something was refused or failed, and its sentence is shown: an upload, a download, a text, the connection. */
  'attache-error': CustomEvent<AttacheError>;
  /** The connection changed. `session` holds the session from the first `connected` on. */
  'attache-state': CustomEvent<{ state: SessionState; error?: AttacheError }>;
}

/**
 * Adds or replaces the words of a language. An element takes its language from
 * its `lang` attribute, an ancestor's, or the browser.
 *
 * @param tag a BCP 47 tag: `de`, `pt-BR`
 * @param words entries as in `widget/locales/en.js`; missing ones stay English
 */
export function addLocale(tag: string, words: Dictionary): void;

declare global {
  interface HTMLElementTagNameMap {
    'attache-chat': AttacheChat;
  }
  interface HTMLElementEventMap extends AttacheChatEventMap {}
}
