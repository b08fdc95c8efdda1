import type { AttacheError, ChatFile, ChatInfo, Code, Limits, Party, Right, Session, SessionState, StandardResponse, TranscriptEvent, UserType } from './attache.js';

/** How the next upload behaves; without a script it succeeds. */
export interface Script {
  /** The error that it fails with. */
  fail?: Error;
  /** The part of the file, 0 to 1, after which it fails or is held. Default 0: before anything is sent. */
  at?: number;
  /** The upload stays at `at` until this resolves. */
  hold?: Promise<unknown>;
  /** How many pieces it is sent in. Default 10. */
  steps?: number;
}

/** Makes an error as a session rejects with; without a message it has that of the catalogue. */
export function fakeError(code: Code, message?: string): AttacheError;

/** A chat session in memory, for tests: any number of fake sessions take part in it. */
export class FakeChat {
  /** @param options.stepDelay milliseconds between the steps of an upload; default 0, as fast as possible */
  constructor(options?: { stepDelay?: number });
  stepDelay: number;
  readonly events: TranscriptEvent[];
  /** The content of uploaded files, by file id. */
  readonly contents: Map<string, Blob>;
  readonly sessions: Set<FakeSession>;
  /** What {@link Session.find} finds; empty at first. */
  library: StandardResponse[];
  /** Adds a party and returns its session. */
  join(options?: { nickname?: string; userType?: UserType; userId?: string; limits?: Partial<Limits>; rights?: Right[] }): FakeSession;
  /** Adds an event to the transcript and fires it in every session. */
  add(event: { type: TranscriptEvent['type']; from: Party } & Record<string, unknown>): TranscriptEvent;
  /** Shows the other parties an event that is not kept. */
  pass(event: { type: 'typing' | 'receipt'; from: Party } & Record<string, unknown>): void;
  /** Adds a file to the transcript. */
  addFile(from: Party, file: Partial<ChatFile> & { name: string }): ChatFile;
}

/** One party in a {@link FakeChat}: a double of `Session`. */
export interface FakeSession extends Session {
  /** Sets how the next upload behaves; several scripts are used one after the other. */
  script(script: Script): void;
  /** Changes the limits, or what is used of them. */
  setLimits(limits: Partial<Limits>): void;
  /** Changes what is said of the chat session. */
  setInfo(info: Partial<ChatInfo>): void;
  /** Changes the state of the connection. */
  setState(state: SessionState, detail?: { error?: Error; retryIn?: number }): void;
}
