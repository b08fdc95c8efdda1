/**
 * Attaché: file transfer for browser chat pages.
 *
 * ```js
 * import { connect } from 'https://files.example/web/attache.js';
 *
 * const session = await connect({ url: 'wss://files.example', token: () => getToken() });
 * session.addEventListener('file', (e) => show(e.detail));
 * const file = await session.upload(input.files[0]);   // resolves when every party can see it
 * const response = await session.download(file);       // a standard streaming Response
 * ```
 *
 * One `connect` joins one chat session as one party; an agent with five chats
 * calls it five times. Its WebAssembly module is loaded once for each page.
 */

import type { Caution, Change, Code, Kind, Right, UploadState } from './codes.js';
export type { Caution, Change, Code, Kind, Right, UploadState } from './codes.js';

/**
 * Joins the chat session that the token names, and resolves once it is joined.
 *
 * It retries as long as that may succeed. If the proxy or the application's server is down, the pauses between attempts
 * grow to ten seconds at most; it retries at once when the browser is online again or the page becomes visible. `onRetry`
 * reports each failed attempt; `signal` aborts.
 *
 * Rejects with `signal.reason` when aborted, and with an {@link AttacheError} if a retry cannot succeed: the options are
 * wrong, a fixed token or two successive tokens of a function are refused, the origin is refused, or the chat session has
 * ended.
 */
export function connect(options: ConnectOptions): Promise<Session>;

/**
 * Checks a file against limits before anything is sent, by the same function as the proxy. Resolves with the error that
 * `upload` would reject with, or with `null`.
 *
 * @param file its name and its size in bytes
 * @param limits of a session: {@link Session.limits}
 */
export function check(file: Pick<File, 'name' | 'size'>, limits: Limits): Promise<AttacheError | null>;

/**
 * Resolves with the safe form of a file name, the kind of its icon, and a warning if there is one.
 *
 * @param type the declared MIME type
 */
export function describe(name: string, type?: string): Promise<FileName>;

export interface ConnectOptions {
  /** The proxy's address: `https:`/`wss:` (or `http:`/`ws:` on loopback), with or without a path. Default: the origin that this module was loaded from. */
  url?: string | URL;
  /**
   * The token, or a function that returns one. The function is called at every connect, at every reconnect and when a
   * token expires; a session with a fixed token lasts no longer than the token. The token is sent in the first message,
   * never in a URL.
   *
   * If the function throws, returns something that is not a token (a page, JSON, "Bad Gateway", "undefined") or takes longer
   * than ten seconds, that is logged to the console and the function is called again; the session continues. A token of
   * the same user with another nickname renames the party. A token of another user or chat session ends this session with
   * the code `session-invalid`, and nothing is sent under the other name. The function may throw that error itself.
   */
  token: string | (() => string | Promise<string>);
  /**
   * The secure key of the token's user, which another program has registered as a party, such as the agent's desktop: the page
   * attaches as that party, and closing the session leaves it in the chat. It is sent with the token, in the first message of
   * each connection, and instead of a key in the token; at most 256 bytes. A key that is not accepted rejects `connect` with
   * `secure-key-refused`, and a user that is not registered with `party-unknown`.
   */
  secureKey?: string;
  /** Aborts connecting. It has no effect on a session that is connected. */
  signal?: AbortSignal;
  /** Called after each failed attempt of the first connect; the next one follows in `retryIn` milliseconds. */
  onRetry?: (why: { error: AttacheError; retryIn: number }) => void;
  /** The chat protocol version to join with (ClientVersion). Default 106. Below 104 Chat Server hides files. */
  clientVersion?: number;
  /** The compiled module, or where to load it. Default: `dist/attache.wasm` beside this script. */
  wasm?: string | URL | Response | WebAssembly.Module;
  /**
   * Whether downloads send cookies and HTTP authentication, for a reverse proxy in front of Attaché's proxy that requires
   * them (single sign-on, basic auth): `same-origin` or `include`. Default `omit`: the proxy itself needs none. From another
   * origin, `include` needs `--download-credentials` at the proxy, and a reverse proxy that lets OPTIONS through without them.
   */
  credentials?: 'omit' | 'same-origin' | 'include';
}

export interface SessionEventMap {
  /** A party joined. */
  join: CustomEvent<PartyEvent>;
  /** A party left; `detail.reason` says why. */
  leave: CustomEvent<PartyEvent>;
  /** A text message. */
  message: CustomEvent<TextEvent>;
  /** A file became visible in the chat: the decoded `file-uploaded` notice. Each file comes once. */
  file: CustomEvent<ChatFile>;
  /** Another party is typing, or has stopped: it paused, sent its text, left, or sent no notice for ten seconds. Not in the transcript. */
  typing: CustomEvent<TypingEvent>;
  /** A party has a new nickname; {@link Session.party} too if it is this one. */
  nickname: CustomEvent<NicknameEvent>;
  /** A party pushed an address for the others to open. Ask the person first. */
  url: CustomEvent<UrlEvent>;
  /** A file was deleted: it cannot be downloaded any more. */
  deletion: CustomEvent<DeletionEvent>;
  /** A party has read the chat up to an event. Not in the transcript. */
  receipt: CustomEvent<ReceiptEvent>;
  /** Nothing has happened for long: the chat session will be closed, or is. */
  idle: CustomEvent<IdleEvent>;
  /** Any other notice, as it was sent. */
  notice: CustomEvent<NoticeEvent>;
  /** An upload of this session changed its state: offered, receiving, accepted, scanning, stored, announced, failed, cancelled. */
  upload: CustomEvent<UploadEvent>;
  /** Another page of this party has ended and left an upload unfinished: {@link Session.unfinishedUploads} lists it now. */
  unfinished: CustomEvent<undefined>;
  /**
   * The connection changed: `connected`, `reconnecting` (after `error`; the next attempt follows in `retryIn` milliseconds),
   * `closed` (because of `error`, if it is set). A proxy that goes out of service while another one takes over is not a change.
   */
  state: CustomEvent<{ state: SessionState; error?: AttacheError; retryIn?: number }>;
  /** The limits, or what is used of them, changed. */
  limits: CustomEvent<Limits>;
  /** What the proxy says of the chat session changed: {@link Session.info}. */
  info: CustomEvent<ChatInfo>;
}

export type SessionState = 'connected' | 'reconnecting' | 'closed';

/** One party in one chat session. Its events come in order, the earlier transcript first. */
export interface Session extends EventTarget {
  /** The chat session's id. */
  readonly id: string;
  /** This party. */
  readonly party: Party;
  readonly state: SessionState;
  /** The limits of this party's uploads and downloads, with what is used of them. */
  readonly limits: Limits;
  /** What the token allows. */
  readonly rights: readonly Right[];
  /** What the proxy said last of the chat session; the event `info` reports a change. */
  readonly info: ChatInfo;
  /** The transcript received so far, oldest first. */
  readonly transcript: readonly TranscriptEvent[];

  /**
   * Replaces the token, or the function that returns it, without reconnecting. It is used at the next reconnect, or when the
   * present token expires. A token that names another chat session or user ends this session with the code `session-invalid`.
   */
  setToken(token: ConnectOptions['token']): void;

  /**
   * Sends a file. Resolves with the file as announced in the chat: stored durably, its notice in the transcript. It resumes
   * after a lost connection. Files given in one task of the event loop are announced in that order, except after a file that
   * makes no progress for 30 s.
   *
   * Rejects with an {@link AttacheError}, or with `signal.reason` when aborted; an abort removes what was stored.
   */
  upload(file: Blob, options?: UploadOptions): Promise<ChatFile>;

  /**
   * Returns the key of an unfinished upload of a file with the same name, size and date, started by this party in a page
   * that is closed; `undefined` if there is none. Pass it to {@link upload} to resume. The bytes that the proxy has are
   * compared with the file first: if they differ, the upload fails with `file-changed`. If another open page, such as
   * another tab, is sending under the key, it fails with `upload-conflict`. In both cases send the file with a new key.
   *
   * Keys are stored in `localStorage` for a day, without content or token, and only in a secure context: elsewhere a page
   * cannot find out whether another one is still open.
   */
  resumeKey(file: File): string | undefined;

  /**
   * Resolves with the uploads that this party started in an earlier page within the last day and did not finish. None of
   * them is being sent by this or another tab. {@link upload} resumes one when its file is chosen again; see {@link resumeKey}.
   */
  unfinishedUploads(): Promise<UnfinishedUpload[]>;

  /** Gives up an unfinished upload: the proxy removes what it stored of it. Throws if `key` is not a key. */
  discardUpload(key: string): void;

  /**
   * Opens a file for reading. Resolves with a `Response` once the answer is known to be the file and not a login or error
   * page: stream it, or call `blob()`. If the connection is lost, the body is resumed without the reader noticing.
   *
   * The body fails with an {@link AttacheError} if its size or SHA-256 is not the announced one (`download-mismatch`; with an
   * `offset` only the size is compared), if another server answers (`download-intercepted`), if the file changed
   * (`document-changed`), if this party loses the right to it, and if nothing has arrived for `idleTimeout`. The reader has
   * all but the last bytes by then, so do not trust the content before the stream has ended without an error.
   *
   * Each call counts as one of a customer's download attempts, also for a file that was downloaded before. Resuming is free,
   * and so is a call with an `offset`, which continues the page's latest download of the file.
   *
   * @param file a {@link ChatFile}, or its id: then the size announced in the chat is not compared
   */
  download(file: ChatFile | string, options?: DownloadOptions): Promise<Response>;

  /**
   * Resolves with a download link: a URL of the file for a plain `<a>`. A download must start within ten minutes, and an
   * interrupted one can be resumed for six hours; both only as long as the chat lasts, this party is in it, and the file
   * exists. If the link is refused, the browser stays on the page and shows nothing: `check` finds out why beforehand.
   *
   * It counts as a download attempt, as {@link download} does.
   */
  link(file: ChatFile | string, options?: LinkOptions): Promise<string>;

  /** Sends a text message. Resolves with the event once it is in the transcript. It ends {@link typing}. */
  send(text: string, options?: SendOptions): Promise<TextEvent>;

  /**
   * Shows other parties that this user is typing (`true`, or the text so far as a preview) or has stopped (`false`, or an
   * empty text). Call it at every keystroke: that the user is typing is sent at most once a second, and the end is sent by
   * itself five seconds after the last call. Nothing is queued or reported: while the session is not connected, the call
   * does nothing.
   */
  typing(typed: boolean | string, options?: AudienceOptions): void;

  /** Gives this party another nickname, which outlasts the token's as long as the party is in the chat. */
  rename(nickname: string, options?: { signal?: AbortSignal }): Promise<NicknameEvent>;

  /**
   * Sends a notice. Resolves with its event once that is in the transcript; with `undefined` if a notice of this type is not
   * kept, but shown to the parties that are there. Such a notice rejects with `offline` while the session is not connected;
   * any other waits for the connection.
   *
   * | type | text | data |
   * | --- | --- | --- |
   * | `USER_CUSTOM` | the application's | the application's |
   * | `PUSH_URL` | an `http` or `https` URL | |
   * | `UPDATE_USER_DATA` | | keys to set at the interaction; customers see it, unless its visibility is `INT` |
   * | `READ_RECEIPT` | | `transcript-position`: the last event that was read |
   * | `IDLE_CONTROL_SET` | | not for customers |
   *
   * docs/protocol.md has the rules of all types.
   */
  notify(type: 'USER_CUSTOM' | 'PUSH_URL' | 'UPDATE_USER_DATA' | 'READ_RECEIPT' | 'IDLE_CONTROL_SET' | (string & {}), options?: NotifyOptions):
    Promise<TranscriptEvent | undefined>;

  /** Searches the standard responses by words of their names, folders and descriptions; without words it lists them. */
  find(words?: string, options?: FindOptions): Promise<{ readonly responses: readonly StandardResponse[]; readonly more: boolean }>;

  /** Adds a standard response to the chat as a file, without uploading it. Not for customers. */
  attach(documentId: string, options?: AttachOptions): Promise<ChatFile>;

  /** Deletes a file for all parties: one that this party sent, or another one that `limits.deleteOthers` permits. */
  remove(file: ChatFile | string, options?: { signal?: AbortSignal }): Promise<DeletionEvent>;

  /** Removes another party from the chat. Not for customers. */
  removeParty(userId: string, options?: RemovePartyOptions): Promise<void>;

  /**
   * Leaves the chat session. Uploads in the state `accepted` or later finish by themselves; the promises of all others reject.
   *
   * @param options.after what Chat Server does with the chat session: `keep-alive` (default), `close-if-no-agents` or
   *   `force-close`. With `keep-alive` the party stays in the chat as long as it has another session open in this page.
   */
  close(options?: { after?: 'keep-alive' | 'close-if-no-agents' | 'force-close' }): Promise<void>;

  addEventListener<K extends keyof SessionEventMap>(
    type: K, listener: (this: Session, event: SessionEventMap[K]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof SessionEventMap>(
    type: K, listener: (this: Session, event: SessionEventMap[K]) => void, options?: boolean | EventListenerOptions): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
  /** Calls {@link close}. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface UploadOptions {
  /** Aborts the upload and removes what was stored. */
  signal?: AbortSignal;
  /** Called at most ten times a second, and once at the end. */
  onProgress?: (progress: Progress) => void;
  /** The name to announce. Default: `file.name`; for a Blob, which has none, a name made from its type, such as `image.png`. */
  name?: string;
  /** The declared MIME type. Default: `file.type`. */
  type?: string;
  /** A text shown with the file (`file-description`). */
  description?: string;
  /** Where the file comes from (`file-upload-type`). Default `file-system`. */
  uploadType?: 'file-system' | 'standard-response';
  /** Further keys for the notice. Keys of the vendor's own table are refused. */
  custom?: Record<string, string>;
  /** SHA-256 of the content in hex, if it is known: the upload fails with `digest-mismatch` if the content has another one. */
  digest?: string;
  /** The parties that can see it: `ALL` (default), `INT` (agents only), `VIP` (supervisors only). */
  visibility?: Visibility;
  /** The key of an earlier attempt of the same user action, to resume it; see {@link Session.resumeKey}. Default: a new random one. */
  key?: string;
}

export interface DownloadOptions {
  /** Aborts the download. */
  signal?: AbortSignal;
  /** The first byte wanted (a Range request). Default 0. */
  offset?: number;
  /** Milliseconds without a byte after which an interrupted download fails; 0: at the first interruption. Default 120,000. */
  idleTimeout?: number;
  /**
   * Called with `scanning` if the proxy has to scan the file first, because it did not come through Attaché, and with
   * `downloading` once it was found clean. If it was not, the promise rejects: `infected` or `unscannable`.
   */
  onState?: (state: 'scanning' | 'downloading') => void;
}

export interface LinkOptions {
  signal?: AbortSignal;
  /** As in {@link DownloadOptions}. */
  onState?: (state: 'scanning' | 'downloading') => void;
  /** Whether to check that the link is answered with the file, and to reject as {@link Session.download} does if it is not. Default `false`. */
  check?: boolean;
  /** Milliseconds after which the check fails. Default 120,000. */
  idleTimeout?: number;
}

/** The parties that see something. */
export interface AudienceOptions {
  /** Default `ALL`. */
  visibility?: Visibility;
  /** The user id of the only party, beside the sender, that sees it. It must be in the chat, and be allowed to see messages of that visibility. */
  receiver?: string;
}

export interface SendOptions extends AudienceOptions {
  /** Stops waiting. The message may be sent nevertheless. */
  signal?: AbortSignal;
  /** What the text is, in the application's words, such as `text`. */
  messageType?: string;
  /** `SYSTEM`: to be shown as if it was the system's. Not for customers. */
  treatAs?: 'NORMAL' | 'SYSTEM';
}

export interface NotifyOptions extends AudienceOptions {
  text?: string;
  /** Keys may not be `attache-key`, `attache-name` or begin with `file-`, at any depth. */
  data?: NoticeData;
  /** Stops waiting. The notice may be sent nevertheless. */
  signal?: AbortSignal;
}

export interface AttachOptions {
  /** A text shown with the file. */
  description?: string;
  /** The parties that can see it. Default `ALL`. */
  visibility?: Visibility;
  /** Further keys for the notice. */
  custom?: Record<string, string>;
  signal?: AbortSignal;
}

export interface RemovePartyOptions {
  /** What Chat Server does with the chat session then. Default `keep-alive`. */
  after?: 'keep-alive' | 'close-if-no-agents' | 'force-close';
  signal?: AbortSignal;
}

export interface FindOptions {
  /** The `documentId` of the last response of the page before. */
  after?: string;
  signal?: AbortSignal;
}

/** A prepared document that agents may attach. */
export interface StandardResponse {
  readonly documentId: string;
  readonly name: string;
  /** Its folder in the library, such as `a/b`; may be empty. */
  readonly folder: string;
  readonly description: string;
  /** Bytes. */
  readonly size: number;
}

/** Data of a notice: text, whole numbers from 0 to 2^53-1, bytes in base64, and lists of these, four deep at most. */
export interface NoticeData {
  readonly [key: string]: string | number | { readonly $binary: string } | NoticeData;
}

export interface Progress {
  /** The upload's key: the same in every event about it and in the notice. */
  readonly key: string;
  readonly state: UploadState;
  /** Bytes passed to the network. */
  readonly sent: number;
  /** Bytes that the proxy has stored durably; an interrupted upload resumes from there. */
  readonly stored: number;
  /** Bytes of the file. */
  readonly total: number;
}

/** What is known of an unfinished upload without its file. */
export interface UnfinishedUpload {
  readonly key: string;
  /** The file's own name. */
  readonly name: string;
  /** Bytes of the file. */
  readonly size: number;
  /** The file's date, in milliseconds since 1970. */
  readonly lastModified: number;
  /** Bytes that the proxy has stored, at least. */
  readonly stored: number;
}

export type UserType = 'CLIENT' | 'AGENT' | 'SUPERVISOR' | 'EXTERNAL' | 'SYSTEM';
/** The parties that can see a message or file: all, agents only, supervisors only. */
export type Visibility = 'ALL' | 'INT' | 'VIP';

export interface Party {
  readonly userId: string;
  readonly nickname: string;
  readonly userType: UserType;
}

interface TranscriptBase {
  /** Chat Server's event id: increasing within the chat session, with gaps. */
  readonly event: number;
  /** Milliseconds since 1970, Chat Server's clock. */
  readonly at: number;
  readonly from: Party;
  /** Whether it is from this very party. */
  readonly own: boolean;
  readonly visibility: Visibility;
  /** The user id of the only party, beside the sender, that sees it; absent if it is not direct. */
  readonly receiver?: string;
}
export interface PartyEvent extends TranscriptBase {
  readonly type: 'join' | 'leave';
  /** Chat Server's reason for which a party left. */
  readonly reason?: { readonly code: number; readonly text: string };
  /** The user id of the party that removed it, if another one did. */
  readonly asker?: string;
}
export interface TextEvent extends TranscriptBase {
  readonly type: 'message';
  readonly text: string;
  /** What the text is, in its sender's words. */
  readonly messageType?: string;
  /** `SYSTEM`: to be shown as if it was the system's. */
  readonly treatAs?: 'NORMAL' | 'SYSTEM';
}
export interface TypingEvent extends TranscriptBase {
  readonly type: 'typing';
  /** 0: it is not in the transcript. */
  readonly event: number;
  /** Whether `from` is typing; otherwise it has stopped. */
  readonly on: boolean;
  /** The text so far, or its beginning; mostly empty. */
  readonly preview: string;
}
export interface NicknameEvent extends TranscriptBase {
  readonly type: 'nickname';
  readonly nickname: string;
}
export interface UrlEvent extends TranscriptBase {
  readonly type: 'url';
  /** An absolute `http` or `https` URL. */
  readonly url: string;
}
export interface DeletionEvent extends TranscriptBase {
  readonly type: 'deletion';
  /** The file's {@link ChatFile.id}. */
  readonly file: string;
}
export interface ReceiptEvent extends TranscriptBase {
  readonly type: 'receipt';
  /** The last event that `from` has read. */
  readonly position: number;
}
export interface IdleEvent extends TranscriptBase {
  readonly type: 'idle';
  /** Whether the chat session is closed because of it; otherwise it will be. */
  readonly closed: boolean;
  /** Chat Server's words for the person; may be empty. */
  readonly text: string;
  /** Of an alert: `idle-time-expire`, in how many seconds the chat session will be closed. */
  readonly data: NoticeData;
}
export interface NoticeEvent extends TranscriptBase {
  readonly type: 'notice';
  /** Chat Server's name for the notice, such as `USER_CUSTOM`. */
  readonly notice: string;
  readonly text: string;
  readonly data: NoticeData;
}
export type TranscriptEvent = PartyEvent | TextEvent | ChatFile | NicknameEvent | UrlEvent | DeletionEvent | IdleEvent | NoticeEvent;

export interface FileName {
  /** Safe to show: no path, control or bidi characters. */
  readonly name: string;
  /** The true extension, lower case, without the dot; may be empty. */
  readonly extension: string;
  readonly kind: Kind;
  /** Why to be careful with the file; empty if there is no reason. */
  readonly caution: '' | Caution;
  /** How its name was changed so that every computer can save it; absent if a person would not notice. */
  readonly changed?: Change;
}

/** A file in the chat, decoded from its `file-uploaded` notice. */
export interface ChatFile extends TranscriptBase, FileName {
  readonly type: 'file';
  /** `file-id`: Chat Server's id of the file in this chat session. */
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  /** The upload's key; empty if the file was not sent through Attaché. */
  readonly key: string;
  /** `file-source`: the store that it is in, `ucs` for Genesys. Empty for a customer, unless the proxy shows it. */
  readonly source: string;
  /** `file-document-id`. It does not grant a right to read the file. Empty for a customer, unless the proxy shows it. */
  readonly documentId: string;
  /** `file-upload-type`. */
  readonly uploadType: string;
  /** `file-description`; may be empty. */
  readonly description: string;
  /** All other keys of the notice. */
  readonly custom: Readonly<Record<string, string>>;
  /**
   * Whether the file can be downloaded. The item in the transcript says so after a `deletion` event with its id, too; an object that
   * was got before does not change.
   */
  readonly downloadable: boolean;
  /** Why it cannot be downloaded, in one sentence; otherwise empty. */
  readonly reason: string;
}

/** A change of an upload. */
export interface UploadEvent extends Progress, FileName {
  /** In state `failed`. */
  readonly error?: AttacheError;
  /** The announced file, in state `announced`. */
  readonly file?: ChatFile;
  /** Set if the upload was resumed from `stored`, after a lost connection or by another page. */
  readonly resumed?: true;
  /** Set if the proxy's record of the upload has ended: it cannot be resumed under this key. */
  readonly ended?: true;
  /** Milliseconds since 1970, this page's clock. */
  readonly at: number;
}

/** What the proxy says of a chat session. */
export interface ChatInfo {
  /** When the chat session began, in milliseconds since 1970. */
  readonly started: number;
  /** The last event that is stored elsewhere, such as in UCS; 0: none is. */
  readonly saved: number;
  /** When the chat session ends unless something happens, in milliseconds since 1970; 0: never. */
  readonly idleExpires: number;
  /** Whether a hidden supervisor reads along, as far as this party may know. */
  readonly monitored: boolean;
  /** Whether another program registered the party: then it stays in the chat session when this page leaves. */
  readonly attached: boolean;
}

/** Limits of a party, with what is used of them. A limit that is absent does not exist; a limit of 0 switches uploads off. */
export interface Limits {
  /** Files of the chat session. */
  readonly maxFiles?: number;
  readonly usedFiles: number;
  /** Bytes of one file. */
  readonly maxFileSize?: number;
  /** Bytes of all files of the chat session. */
  readonly maxTotalSize?: number;
  readonly usedTotalSize: number;
  /** Allowed extensions, without dots; empty: every type. */
  readonly types: readonly string[];
  /** Whether files can be sent only while an agent is in the chat session. */
  readonly needAgent: boolean;
  /** Whether an agent or supervisor whom this party can see is in the chat session. The proxy computes it. */
  readonly agentHere: boolean;
  /** Download attempts of the chat session. */
  readonly maxDownloads?: number;
  readonly usedDownloads: number;
  /**
   * Whether a sender may delete its file, and what becomes of its share of the limits: `odd` (given back, unless Chat Server is
   * set to count it), `keep` (still counted), `off` (may not be deleted); empty: the proxy does not say.
   */
  readonly deleteFile: string;
  /** Which files of others this party may delete: `staff` (those of parties that are not customers), `all`; empty: none. */
  readonly deleteOthers: string;
}

/** Every rejection of this module except an abort. */
export class AttacheError extends Error {
  constructor(init: { code: Code; message: string; hint?: string; retryable?: boolean; id?: string; cause?: unknown });
  readonly name: 'AttacheError';
  /** One of a closed list; docs/protocol.md explains each. */
  readonly code: Code;
  /** What to do about it, in one sentence; may be empty. */
  readonly hint: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** The error's id in the proxy's log; may be empty. */
  readonly id: string;
}
