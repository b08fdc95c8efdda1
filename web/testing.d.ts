import type { AttacheError, ChatFile, Code, Limits, Party, Right, Session, SessionState, TranscriptEvent, UserType } from './attache.js';

/** How the next upload goes; without a script it succeeds. */
export interface Script {
  /** What it is refused with. */
  fail?: Error;
  /** The part of the file, 0 to 1, after which it fails or is held. Default 0: before anything is sent. */
  at?: number;
  /** It stays at `at` until this resolves. */
  hold?: Promise<unknown>;
  /** How many pieces it is sent in. Default 10. */
  steps?: number;
}

/** An error as a session rejects with, its words from the catalogue where no message is given. */
export function fakeError(code: Code, message?: string): AttacheError;

/** A conversation that any number of fake sessions take part in: a double for tests, in memory. */
export class FakeChat {
  /** @param options.stepDelay milliseconds of each step of an upload; default 0, as fast as it goes */
  constructor(options?: { stepDelay?: number });
  stepDelay: number;
  readonly events: TranscriptEvent[];
  /** What was uploaded, by file id. */
  readonly contents: Map<string, Blob>;
  readonly sessions: Set<FakeSession>;
  /** Lets a party join. */
  join(options?: { nickname?: string; userType?: UserType; userId?: string; limits?: Partial<Limits>; rights?: Right[] }): FakeSession;
  /** Puts an event into the transcript and tells every session. */
  add(event: { type: TranscriptEvent['type']; from: Party } & Record<string, unknown>): TranscriptEvent;
  /** Puts a file into the transcript. */
  addFile(from: Party, file: Partial<ChatFile> & { name: string }): ChatFile;
}

/** One party's place in a {@link FakeChat}: a double of `Session`. */
export interface FakeSession extends Session {
  /** Says how the next upload goes; several are taken in turn. */
  script(script: Script): void;
  /** Changes the allowances, or what is used of them. */
  setLimits(limits: Partial<Limits>): void;
  /** Changes the state of the connection. */
  setState(state: SessionState, detail?: { error?: Error; retryIn?: number }): void;
  /** Renames the party, as a token with another nickname does. */
  rename(nickname: string): void;
}
