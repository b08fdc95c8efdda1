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
 * **A party that the agent's desktop has registered.** To attach as that party, put its secure key into the token (the claim
 * `secure_key`), or call `connect({ url, token, secureKey })` and set `session`: the element has no property for a key.
 *
 * **Uploads.** A customer's element shows no button for files, and takes neither drops nor pastes, unless it has the attribute
 * `uploads-enabled`; agents' and supervisors' elements do. See {@link AttacheChat.uploadsEnabled}.
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
 * **Viewer.** The name of a picture, sound, video or plain text opens it in a dialog that runs nothing of it; the button beside
 * it downloads it. The extension decides what is offered, the content what is shown: anything else, and always HTML, SVG, XML
 * and PDF, is only saved. Opening costs a download attempt as downloading does, and saving what was opened costs none. The
 * page's policy needs `img-src blob:` and `media-src blob:`.
 *
 * **Agents.** Agents choose whether customers see what they send, supervisors also whether agents do. If the token has the
 * right `upload:standard-response` and the proxy has a library, a button lists and searches the standard responses.
 *
 * **Styling.** `widget/styles/sheet.js` lists the custom properties. Every box is a `part`: `frame`, `header`, `heading`,
 * `participants`, `avatars`, `state`, `banner`, `transcript`, `empty`, `item`, `head`, `bubble`, `own`, `link`, `line`,
 * `file`, `file-icon`, `file-name`, `file-meta`, `file-note`, `file-changed`, `file-description`, `file-custom`, `bar`,
 * `bar-sent`, `bar-stored`, `composer`, `field-row`, `field`, `visibility`, `allowance`, `composer-error`, `overlay`, `dialog`,
 * `viewer`, `viewer-media`, `viewer-text`, `question`, `library`, `responses-search`, `response`, `typing`, `button` (and with
 * it `attach`, `responses`, `send`, `cancel`, `retry`, `dismiss`, `choose`, `save`, `delete`, `pushed`, `jump`, `reconnect`,
 * `close`, `yes`, `no`, `more`). States for `:state()`: `connected`, `reconnecting`, `closed`, `dragging`. `data-theme="light"` or `"dark"` on the element sets the colour scheme.
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
  /**
   * A nickname for this party in the chat, in place of the token's; see {@link Session.rename}. Empty: the token's. A refused
   * one is reported by `attache-error`. Reflects the attribute.
   */
  nickname: string;
  /** Shows no composer: messages and files are shown, and files can be downloaded. Reflects the attribute `readonly`. */
  readOnly: boolean;
  /**
   * Whether the button that sends files is shown, and files can be dropped and pasted. It changes only what is shown: the token's
   * rights and the limits decide what may be sent, and {@link add} and {@link showPicker} work in both cases.
   *
   * Without the attribute `uploads-enabled`, it is false for customers, as on the vendor's widget, true for all other parties,
   * and false as long as the party is not known. Attribute: absent is that default; empty, `true` and every other value show
   * the button; `false` hides it. Setting `null` removes the attribute.
   */
  get uploadsEnabled(): boolean;
  set uploadsEnabled(enabled: boolean | null | undefined);
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
