/** The names of the entries of en.js, in its order. */
export type Word =
  | 'heading' | 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'closed' | 'you' | 'alone' | 'CLIENT' | 'AGENT'
  | 'SUPERVISOR' | 'EXTERNAL' | 'SYSTEM' | 'partyOf' | 'partyHidden' | 'lost' | 'lostRetry' | 'ended' | 'delayed'
  | 'unreachable' | 'connectAgain' | 'transcript' | 'empty' | 'emptyHint' | 'emptyHintText' | 'emptyReadonly' | 'today'
  | 'yesterday' | 'joined' | 'left' | 'leftAndEnded' | 'leftDisconnected' | 'removedBySystem'
  | 'removedForSecurity' | 'removedIdle' | 'removedRestored' | 'leftBecause' | 'removed' | 'removedByOther' | 'renamed' | 'pushed' | 'pushedOwn' | 'idleAlert'
  | 'idleClosed' | 'fileDeleted' | 'fileDeletedOwn' | 'INT' | 'VIP' | 'toYou' | 'toOne' | 'newer' | 'latest' | 'typing'
  | 'write' | 'send' | 'attach' | 'seenBy' | 'seenByALL' | 'seenByINT' | 'seenByVIP' | 'writeINT' | 'writeVIP'
  | 'unsent' | 'limitFiles' | 'limitEach' | 'limitEachOnly' | 'limitTotal' | 'limitTypes' | 'limitMoreTypes' | 'used'
  | 'remaining' | 'downloadsLeft' | 'exhausted' | 'uploadsOff' | 'needAgent' | 'drop' | 'dropOff' | 'dropNoFile'
  | 'dropNoFileHint' | 'dropNothing' | 'dropClosed' | 'download' | 'open' | 'cancelDownload' | 'downloading'
  | 'downloadStarting' | 'downloaded' | 'handed' | 'savedInstead' | 'delete' | 'deleteAsk' | 'deleteText' | 'deleteYes'
  | 'notDeleted' | 'save' | 'close' | 'no' | 'openPage' | 'openPageYes' | 'responses' | 'searchResponses' | 'noFolder'
  | 'responsesFound' | 'responsesMore' | 'moreResponses' | 'notShown' | 'downloadsUsed' | 'error-download-intercepted'
  | 'error-download-mismatch' | 'error-document-changed' | 'error-downloads-used-up' | 'details' | 'program' | 'macros'
  | 'container' | 'settings' | 'type-disagrees' | 'name-altered' | 'name-path' | 'name-reserved' | 'name-characters'
  | 'name-shortened' | 'uploads' | 'offered' | 'sending' | 'waiting' | 'waitingPart' | 'storing' | 'scanning'
  | 'stored' | 'announced' | 'failed' | 'unfinished' | 'unfinishedNone' | 'choose' | 'chooseName' | 'chooseOther'
  | 'cancel' | 'retry' | 'retryName' | 'dismiss' | 'dismissName' | 'folder' | 'broken' | 'notSetUp' | 'notSignedIn'
  | 'notRegistered' | 'notAllowed' | 'outdated' | 'errorId' | 'saidSending' | 'saidPart' | 'saidCancelled' | 'saidDownloaded'
  | 'saidHanded' | 'saidRefused' | 'saidNotDownloaded' | 'kind-image' | 'kind-audio' | 'kind-video' | 'kind-pdf'
  | 'kind-document' | 'kind-sheet' | 'kind-slides' | 'kind-text' | 'kind-code' | 'kind-data' | 'kind-archive'
  | 'kind-mail' | 'kind-font' | 'kind-program' | 'kind-unknown';

/** A sentence, or its plural forms, chosen by `{count}`. */
export type Phrase = string | Partial<Record<Intl.LDMLPluralRule, string>>;

/** The words of a language. Missing entries are shown in English. */
export type Dictionary = Partial<Record<Word, Phrase>>;

/** The words in English. */
declare const en: Readonly<Record<Word, Phrase>>;
export default en;
