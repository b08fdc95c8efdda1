/** The names of the entries of en.js, in its order. */
export type Word =
  | 'heading' | 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'closed' | 'you' | 'alone' | 'CLIENT' | 'AGENT'
  | 'SUPERVISOR' | 'EXTERNAL' | 'SYSTEM' | 'partyOf' | 'lost' | 'lostRetry' | 'ended' | 'delayed' | 'unreachable'
  | 'connectAgain' | 'transcript' | 'empty' | 'emptyHint' | 'emptyReadonly' | 'today' | 'yesterday' | 'joined' | 'left'
  | 'leftBecause' | 'INT' | 'VIP' | 'newer' | 'latest' | 'write' | 'send' | 'attach' | 'unsent' | 'limitFiles'
  | 'limitEach' | 'limitEachOnly' | 'limitTotal' | 'limitTypes' | 'limitMoreTypes' | 'used' | 'remaining'
  | 'downloadsLeft' | 'exhausted' | 'uploadsOff' | 'needAgent' | 'drop' | 'dropOff' | 'dropNoFile' | 'dropNoFileHint'
  | 'dropNothing' | 'dropClosed' | 'download' | 'cancelDownload' | 'downloading' | 'downloadStarting' | 'downloaded'
  | 'handed' | 'downloadsUsed' | 'error-download-intercepted' | 'error-download-mismatch' | 'error-document-changed'
  | 'error-downloads-used-up' | 'details' | 'program' | 'macros' | 'container' | 'settings' | 'type-disagrees'
  | 'name-altered' | 'name-path' | 'name-reserved' | 'name-characters' | 'name-shortened' | 'uploads' | 'offered'
  | 'sending' | 'waiting' | 'waitingPart' | 'storing' | 'scanning' | 'stored' | 'announced' | 'failed' | 'unfinished'
  | 'unfinishedNone' | 'choose' | 'chooseName' | 'chooseOther' | 'cancel' | 'retry' | 'retryName' | 'dismiss'
  | 'dismissName' | 'folder' | 'broken' | 'notSetUp' | 'notSignedIn' | 'notAllowed' | 'outdated' | 'errorId'
  | 'saidSending' | 'saidPart' | 'saidCancelled' | 'saidDownloaded' | 'saidHanded' | 'saidRefused'
  | 'saidNotDownloaded' | 'kind-image' | 'kind-audio' | 'kind-video' | 'kind-pdf' | 'kind-document' | 'kind-sheet'
  | 'kind-slides' | 'kind-text' | 'kind-code' | 'kind-data' | 'kind-archive' | 'kind-mail' | 'kind-font'
  | 'kind-program' | 'kind-unknown';

/** A sentence, or its plural forms, chosen by `{count}`. */
export type Phrase = string | Partial<Record<Intl.LDMLPluralRule, string>>;

/** The words of a language. Missing entries are shown in English. */
export type Dictionary = Partial<Record<Word, Phrase>>;

/** The words in English. */
declare const en: Readonly<Record<Word, Phrase>>;
export default en;
