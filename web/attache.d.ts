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
 * One `connect` is one chat session as one party; an agent with five chats
 * calls it five times. The WebAssembly module behind it is loaded once a page.
 */

import type { Caution, Change, Code, Kind, Right, UploadState } from './codes.js';
export type { Caution, Change, Code, Kind, Right, UploadState } from './codes.js';

/**
 * Opens the chat session that the token names and resolves once it is joined.
 *
 * It stays pending and retries for as long as it may succeed. If the proxy or the application's server is away, the pauses
 * grow to ten seconds at most; it retries at once when the browser is back online or the page becomes visible. `onRetry`
 * says why it takes so long; `signal` gives it up. It rejects with an {@link AttacheError} when retrying is of no use: the
 * options are wrong, a fixed token or two successive tokens of a function are refused, the origin is refused, or the chat
 * session has ended.
 */
export function connect(options: ConnectOptions): Promise<Session>;

/**
 * Judges a file before anything is sent, with the same function the proxy
 * uses: what `upload` would be refused for, or `null`.
 */
export function check(file: Pick<File, 'name' | 'size'>, limits: Limits): Promise<AttacheError | null>;

/** The icon kind of a file name, and whether to be careful with it. */
export function describe(name: string, type?: string): Promise<FileName>;

export interface ConnectOptions {
  /** The proxy: `https:`/`wss:` (or `http:`/`ws:` on loopback). A path is kept. Default: the origin this module was loaded from. */
  url?: string | URL;
  /**
   * The token, or a function called at every connect, every reconnect and when a token expires; a session lasts no longer
   * than a fixed token. It travels in the first message, never in a URL. A function that throws, returns something that is
   * not a token (a page, JSON, "Bad Gateway", "undefined") or takes longer than ten seconds is reported in the console and
   * called again; the session goes on. A token of the same user with another nickname renames the party. A token of another
   * user or chat session ends this session with the code `session-invalid`, and nothing is sent under the other name. A
   * function may throw that error itself.
   */
  token: string | (() => string | Promise<string>);
  /** Stops connecting; once connected it has no effect. */
  signal?: AbortSignal;
  /** Called when the first connect has failed for a reason that may pass; it is retried in `retryIn` milliseconds. */
  onRetry?: (why: { error: AttacheError; retryIn: number }) => void;
  /** The chat protocol version to join with (ClientVersion). Default 106. Below 104 Chat Server hides files. */
  clientVersion?: number;
  /** The compiled module, when it is not to be loaded from beside this script. */
  wasm?: string | URL | Response | WebAssembly.Module;
  /**
   * Whether downloads carry cookies and HTTP authentication, for a reverse proxy of the proxy that requires them (single
   * sign-on, basic auth): `same-origin` or `include`. Default `omit`: the proxy needs none. From another origin `include`
   * needs `--download-credentials` at the proxy, and the reverse proxy has to let OPTIONS through without them.
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
  /** A file became visible in the chat: the decoded `file-uploaded` notice. */
  file: CustomEvent<ChatFile>;
  /** Any other notice, as it came. */
  notice: CustomEvent<NoticeEvent>;
  /** An upload of this session changed: offered, receiving, accepted, scanning, stored, announced, failed, cancelled. */
  upload: CustomEvent<UploadEvent>;
  /** `connected` · `reconnecting` · `closed`. A proxy that goes out of service while another takes over is not a change. */
  state: CustomEvent<{ state: SessionState; error?: AttacheError; retryIn?: number }>;
  /** The allowances, or what is used of them, changed. */
  limits: CustomEvent<Limits>;
}

export type SessionState = 'connected' | 'reconnecting' | 'closed';

/** A party's place in one chat session. Events since its start arrive in order, the transcript first. */
export interface Session extends EventTarget {
  /** The chat session's id. */
  readonly id: string;
  /** Who we are in it. */
  readonly party: Party;
  readonly state: SessionState;
  /** What binds our uploads and downloads, with what is used of it. */
  readonly limits: Limits;
  readonly rights: readonly Right[];
  /** The whole transcript received so far, oldest first. */
  readonly transcript: readonly TranscriptEvent[];

  /**
   * Replaces the token, or the function that returns it, without reconnecting: it is used at the next reconnect, or when the
   * present token expires. A token that names another chat session or user ends this session with
   * the code `session-invalid`.
   */
  setToken(token: ConnectOptions['token']): void;

  /**
   * Sends a file. Files given in one turn of the event loop are announced in that
   * order, except after one that makes no progress for 30 s. Resolves with the file as announced in the chat: stored
   * durably, its notice in the transcript. Rejects with an {@link AttacheError},
   * or with `signal.reason` when aborted; an abort removes what was stored.
   */
  upload(file: Blob, options?: UploadOptions): Promise<ChatFile>;

  /**
   * Returns the key of an unfinished upload of a file of the same name, size and
   * date, by this party in a page that is gone. Pass it to {@link upload} to resume
   * it. What arrived is compared first: if the content differs, the upload fails
   * with `file-changed`; if a living page, another tab say, is sending under the
   * key, with `upload-conflict`. In both cases send the file with a new key. Keys
   * are kept for a day in `localStorage`, with neither content nor token, and only
   * in a secure context: elsewhere no page can tell that another one is gone.
   */
  resumeKey(file: File): string | undefined;

  /**
   * Uploads that this party began in an earlier page within the last day and did not finish. None of them is being sent by
   * this or another tab. {@link upload} resumes one when its file is chosen again; see {@link resumeKey}.
   */
  unfinished(): Promise<UnfinishedUpload[]>;

  /** Gives up an unfinished upload: what is stored of it is removed. */
  discard(key: string): void;

  /**
   * Opens a file for reading. Resolves with a `Response` once the answer is known to be the file and not a login or error
   * page: stream it, or call `blob()`. A body that breaks off is resumed without the reader noticing. The body fails with an
   * {@link AttacheError} if it does not have the announced size and SHA-256 (`download-mismatch`; with an `offset` only the
   * size is compared), if something else answers (`download-intercepted`), if the file changed (`document-changed`), if the
   * right to it is lost, and if nothing has arrived for `idleTimeout`. The reader has all but the last bytes by then, so trust
   * them only once the stream has ended without an error.
   *
   * Costs a customer one download attempt a file; asking again for the same file is free while the page lives.
   * @param file a {@link ChatFile}, or its id: then the size announced in the chat is not compared
   */
  download(file: ChatFile | string, options?: DownloadOptions): Promise<Response>;

  /**
   * A URL of the same file for a plain link. A download may begin within ten minutes, and one that was cut may be resumed
   * for six hours; both only while the chat lasts, this party is in it, and the file exists. A link that is refused leaves
   * the page where it is and says nothing: `check` finds out why beforehand.
   */
  link(file: ChatFile | string, options?: LinkOptions): Promise<string>;

  /** Says something in the chat. Resolves with the event once it is in the transcript. */
  send(text: string, options?: SendOptions): Promise<TextEvent>;

  /**
   * Leaves. `after` says what becomes of the chat session: `keep-alive` (the
   * default), `close-if-no-agents` or `force-close`. Uploads that were accepted go on. With
   * `keep-alive` the party stays in the chat as long as it has another session open in this page.
   */
  close(options?: { after?: 'keep-alive' | 'close-if-no-agents' | 'force-close' }): Promise<void>;

  addEventListener<K extends keyof SessionEventMap>(
    type: K, listener: (this: Session, event: SessionEventMap[K]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof SessionEventMap>(
    type: K, listener: (this: Session, event: SessionEventMap[K]) => void, options?: boolean | EventListenerOptions): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface UploadOptions {
  /** Aborts the upload: it stops, and what was stored is removed. */
  signal?: AbortSignal;
  /** Called at most ten times a second, and once at the end. */
  onProgress?: (progress: Progress) => void;
  /** The name to announce. Default: `file.name`; of a Blob, which has none, one after its type, such as `image.png`. */
  name?: string;
  /** The declared MIME type. Default: `file.type`. */
  type?: string;
  /** Shown with the file (`file-description`). */
  description?: string;
  /** How it came here (`file-upload-type`). Default `file-system`. */
  uploadType?: 'file-system' | 'standard-response';
  /** Further keys for the notice; values as text. Keys of the vendor's own table are refused. */
  custom?: Record<string, string>;
  /** SHA-256 of the content in hex, when it is known: the upload fails with `digest-mismatch` if it is another. */
  digest?: string;
  /** Who may see it: `ALL` (default), `INT` (agents only), `VIP` (supervisors only). */
  visibility?: Visibility;
  /** The key of an earlier try of the same user action, to continue it; see {@link Session.resumeKey}. Default: a new random one. */
  key?: string;
}

export interface DownloadOptions {
  signal?: AbortSignal;
  /** First byte wanted (a Range request). Default 0. */
  offset?: number;
  /** Milliseconds without a byte after which a download that was cut is given up; 0: at the first cut. Default 120,000. */
  idleTimeout?: number;
}

export interface LinkOptions {
  signal?: AbortSignal;
  /** Whether to check first that the link is answered with the file, and to reject as {@link Session.download} does if not. */
  check?: boolean;
  /** How long to keep trying, as for {@link Session.download}. */
  idleTimeout?: number;
}

export interface SendOptions {
  signal?: AbortSignal;
  visibility?: Visibility;
}

export interface Progress {
  /** The upload's key: the same in every event about it and in the notice. */
  readonly key: string;
  readonly state: UploadState;
  /** Bytes handed to the network. */
  readonly sent: number;
  /** Bytes that the proxy has stored durably; the point from which an interrupted upload resumes. */
  readonly stored: number;
  readonly total: number;
}

/** What is known of an upload without its file. */
export interface UnfinishedUpload {
  readonly key: string;
  /** The file's, as it was chosen. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
  /** Bytes of it that the proxy has, at least. */
  readonly stored: number;
}

export type UserType = 'CLIENT' | 'AGENT' | 'SUPERVISOR' | 'EXTERNAL' | 'SYSTEM';
export type Visibility = 'ALL' | 'INT' | 'VIP';

export interface Party {
  readonly userId: string;
  readonly nickname: string;
  readonly userType: UserType;
}

interface TranscriptBase {
  /** Chat Server's event id: increasing within the session, with gaps. */
  readonly event: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly from: Party;
  /** Whether it came from this very party. */
  readonly own: boolean;
  readonly visibility: Visibility;
}
export interface PartyEvent extends TranscriptBase {
  readonly type: 'join' | 'leave';
  readonly reason?: { readonly code: number; readonly text: string };
}
export interface TextEvent extends TranscriptBase {
  readonly type: 'message';
  readonly text: string;
}
export interface NoticeEvent extends TranscriptBase {
  readonly type: 'notice';
  readonly notice: string;
  readonly text: string;
  readonly data: Readonly<Record<string, string | number>>;
}
export type TranscriptEvent = PartyEvent | TextEvent | NoticeEvent | ChatFile;

export interface FileName {
  /** Safe to show: no path, control or bidi characters. */
  readonly name: string;
  /** The true extension, lower case, without the dot; may be empty. */
  readonly extension: string;
  readonly kind: Kind;
  /** Why to be careful with it, or empty. */
  readonly caution: '' | Caution;
  /** What was changed in its name so that every computer can save it; absent if nothing that a person would notice. */
  readonly changed?: Change;
}

/** A file in the chat, decoded from its `file-uploaded` notice. */
export interface ChatFile extends TranscriptBase, FileName {
  readonly type: 'file';
  /** `file-id`: Chat Server's id of the file in this session. */
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  /** The upload's key, if the file was sent through Attaché. */
  readonly key: string;
  /** `file-source`: the store it is in, `ucs` for Genesys. */
  readonly source: string;
  /** `file-document-id`: not a right to read it. */
  readonly documentId: string;
  readonly uploadType: string;
  readonly description: string;
  /** All other keys of the notice. */
  readonly custom: Readonly<Record<string, string>>;
  /** Whether `download` can be called, and if not, why in one sentence. */
  readonly downloadable: boolean;
  readonly reason: string;
}

/** One step of an upload. */
export interface UploadEvent extends Progress, FileName {
  readonly error?: AttacheError;
  /** The announced file, in state `announced`. */
  readonly file?: ChatFile;
  /** Set if the upload was resumed, after a lost connection or by another page: from `stored`. */
  readonly resumed?: true;
  /** Set if the proxy's own record of it has ended: it cannot be resumed under this key. */
  readonly over?: true;
  /** Milliseconds since 1970, this page's clock. */
  readonly at: number;
}

/** Allowances. A limit that is absent does not exist; a limit of 0 switches uploads off. */
export interface Limits {
  readonly maxFiles?: number;
  readonly usedFiles: number;
  /** Bytes of one file. */
  readonly maxFileSize?: number;
  /** Bytes of all files of the session. */
  readonly maxTotalSize?: number;
  readonly usedTotalSize: number;
  /** Extensions without dots; empty: every type. */
  readonly types: readonly string[];
  /** Whether an agent must be in the session first. */
  readonly needAgent: boolean;
  /** Whether an agent or supervisor whom this party may see is in the session. The proxy computes it. */
  readonly agentHere: boolean;
  readonly maxDownloads?: number;
  readonly usedDownloads: number;
}

/** Every rejection of this module except an abort. */
export class AttacheError extends Error {
  constructor(init: { code: Code; message: string; hint?: string; retryable?: boolean; id?: string; cause?: unknown });
  readonly name: 'AttacheError';
  /** One of a closed list; docs/protocol.md explains each. */
  readonly code: Code;
  /** What to do about it, in one sentence. */
  readonly hint: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Also in the proxy's log; may be empty. */
  readonly id: string;
}
