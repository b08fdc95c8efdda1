/**
 * English, the source of all translations. A translation is a module of the
 * same shape handed to `addLocale`; what it leaves out is shown in English.
 *
 * `{name}` is filled in, formatted and, where it came from outside, isolated: a
 * sentence may have it anywhere. An entry with `one` and `other` (or any of
 * `zero`, `two`, `few`, `many`) is chosen by `{count}`.
 */
export default {
  // Header, when the page gives the element no heading.
  heading: 'Chat',
  // Header, beside the dot: the state of the session.
  idle: 'Not connected',
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  closed: 'Closed',
  // Header, under the heading: who is here, as a list of names.
  you: 'you',
  alone: 'Nobody else is here yet',
  // Header, beside a name and behind an initial: what someone is in this chat.
  CLIENT: 'Customer',
  AGENT: 'Agent',
  SUPERVISOR: 'Supervisor',
  EXTERNAL: 'External',
  SYSTEM: 'System',
  partyOf: '{name} ({role})',

  // Banner over the transcript while the connection is away, and after it ended.
  lost: 'The connection was lost and is being restored. Files being sent will continue.',
  lostRetry: 'The connection was lost. Trying again in {count} s. Files being sent will continue.',
  ended: 'This chat is closed.',
  delayed: 'The chat cannot be opened at the moment. Trying again.',
  unreachable: 'The chat could not be opened.',
  connectAgain: 'Try again',

  // Transcript: its name for screen readers, and what stands there before anything was said.
  transcript: 'Conversation',
  empty: 'Nothing here yet',
  emptyHint: 'Write something, or drop a file.',
  emptyReadonly: 'Messages and files will appear here.',
  // Transcript, between the messages of two days, for the last two.
  today: 'Today',
  yesterday: 'Yesterday',
  // Transcript, small lines; {reason} is Chat Server's own text.
  joined: '{name} joined',
  left: '{name} left',
  leftBecause: '{name} left: {reason}',
  // Transcript, beside the time of what only some can see.
  INT: 'agents only',
  VIP: 'supervisors only',
  // Transcript, the button that leads back to the end.
  newer: { one: '{count} new message', other: '{count} new messages' },
  latest: 'To the latest',

  // Composer.
  write: 'Write a message',
  send: 'Send',
  attach: 'Add files',
  // Composer, after a text could not be sent: the refusal follows.
  unsent: 'Not sent. {reason}',
  // Composer, under the field: the allowance, put together from these pieces.
  limitFiles: { one: 'up to {count} file', other: 'up to {count} files' },
  limitEach: '{size} each',
  limitEachOnly: 'files up to {size}',
  limitTotal: '{size} in all',
  limitTypes: 'only {types}',
  limitMoreTypes: { one: '{count} more type', other: '{count} more types' },
  used: { one: '{count} used', other: '{count} used' },
  remaining: '{size} left',
  downloadsLeft: { one: '{count} download left', other: '{count} downloads left' },
  exhausted: { one: 'The {count} file allowed in this chat has been sent', other: 'The {count} files allowed in this chat have been sent' },
  uploadsOff: 'No files can be sent in this chat',
  needAgent: 'Files can be sent once an agent is here',

  // Overlay over the whole element while files are dragged over it.
  drop: 'Drop to send',
  dropOff: 'Files cannot be dropped here',
  // Overlay, while something else is dragged over it: a picture of another page, a link, a mail.
  dropNoFile: 'This is not a file',
  dropNoFileHint: 'Save it as a file and drop that, or copy it and paste it here.',
  // Composer, after a drop or a paste of which nothing was sent.
  dropNothing: 'Nothing was sent, because what was dropped is not a file.',
  dropClosed: 'Nothing was sent, because files cannot be sent now. {reason}',

  // File tile: the name of its button, heard by screen readers.
  download: 'Download {name}, {kind}, {size}',
  cancelDownload: 'Stop downloading {name}',
  // File tile, under the name, while and after it is fetched.
  downloading: 'Downloading, {percent}',
  downloadStarting: 'Downloading',
  downloaded: 'Downloaded',
  handed: 'Handed to your browser',
  // File tile: why a file is not offered any more.
  downloadsUsed: { one: 'The {count} download allowed in this chat has been used', other: 'The {count} downloads allowed in this chat have been used' },
  // File tile: why it was not downloaded; other failures are told in the proxy's words.
  'error-download-intercepted': 'Something else answered in place of the file service. Sign in to the network or the site again, then try again.',
  'error-download-mismatch': 'What arrived is not the file that was announced. Try again, or ask the sender to send it again.',
  'error-document-changed': 'The file changed while it was being downloaded. Try again to get the one that is there now.',
  'error-downloads-used-up': 'No more downloads are allowed in this chat. Ask the agent for another way to get the file.',
  // File tile: the disclosure over more than two lines of custom information.
  details: { one: '{count} detail', other: '{count} details' },
  // File tile: why its mark asks for caution.
  program: 'Opening it can run a program. Open it only if you know where it comes from.',
  macros: 'It can hold programs (macros) that run when it is opened. Open it only if you know where it comes from.',
  container: 'It opens like a disk or folder, and what is inside is not checked. Open it only if you know where it comes from.',
  settings: 'Opening it can change how this computer is set up. Open it only if you know where it comes from.',
  'type-disagrees': 'Its declared type does not match its name.',
  'name-altered': 'Its name had characters that are invisible or look like others. It may not be the kind of file that it seems to be.',
  'name-path': 'Its name was a path; only the last part was kept.',
  // File tile: what was changed in its name, without being a reason for caution.
  'name-reserved': 'Its name was changed, because Windows keeps that name for itself.',
  'name-characters': 'Some characters of its name were replaced by “_”, because Windows cannot store them.',
  'name-shortened': 'Its name was too long to be saved and was shortened in the middle.',

  // Upload tile: the list's name for screen readers, and the words of the states.
  uploads: 'Files being sent',
  offered: 'Waiting to be sent',
  sending: 'Sending, {done} of {size}',
  waiting: 'Waiting for the connection',
  waitingPart: 'Waiting for the connection, {done} of {size} stored',
  storing: 'Storing',
  scanning: 'Checking for viruses',
  stored: 'Announcing',
  announced: 'Announced',
  failed: 'Not sent',
  // Upload tile, for what an earlier page did not finish, with a button that opens the file picker.
  unfinished: 'Not finished, {percent} stored. Choose the file again to continue.',
  unfinishedNone: 'Not finished. Choose the file again to send it.',
  choose: 'Choose it again',
  chooseName: 'Choose {name} again',
  // Composer, after another file was chosen there; {attach} is the button for that.
  chooseOther: 'Nothing was sent, because you chose another file than {name}. To send that one, use “{attach}”.',
  // Upload tile: buttons. The longer ones are heard by screen readers.
  cancel: 'Cancel {name}',
  retry: 'Retry',
  retryName: 'Retry {name}',
  dismiss: 'Dismiss',
  dismissName: 'Dismiss {name}',
  // Upload tile, for a folder that was dropped.
  folder: 'A folder cannot be sent. Put it into an archive and send that.',
  // Upload tile, for a failure without a sentence of its own.
  broken: 'It could not be sent. Try it again.',

  // Instead of the reason, where only who made or runs this page can do something.
  notSetUp: 'Something about this page is not set up as it should be. Try again later, or tell whoever runs it.',
  notSignedIn: 'You could not be signed in. Reload the page, or sign in again.',
  notAllowed: 'You may not do this here.',
  outdated: 'This page and its file service are of different releases. Reload the page.',

  // After a refusal whose hint asks to report its id, or of which only others can find the cause.
  errorId: '(Id {id})',

  // Heard by screen readers only, as it happens.
  saidSending: 'Sending {name}',
  saidPart: '{name}: {percent} stored',
  saidCancelled: '{name} was cancelled',
  saidDownloaded: '{name} was downloaded',
  saidHanded: '{name} was handed to the browser',
  saidRefused: '{name} was not sent. {reason}',
  saidNotDownloaded: '{name} was not downloaded. {reason}',

  // Kinds of files, beside the size.
  'kind-image': 'Image',
  'kind-audio': 'Audio',
  'kind-video': 'Video',
  'kind-pdf': 'PDF',
  'kind-document': 'Document',
  'kind-sheet': 'Spreadsheet',
  'kind-slides': 'Slides',
  'kind-text': 'Text',
  'kind-code': 'Code',
  'kind-data': 'Data',
  'kind-archive': 'Archive',
  'kind-mail': 'E-mail',
  'kind-font': 'Font',
  'kind-program': 'Program',
  'kind-unknown': 'File',
};
