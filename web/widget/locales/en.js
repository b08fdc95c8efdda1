/**
 * English, the source of all translations. A translation is a module of the same shape,
 * passed to `addLocale`; entries that it leaves out are shown in English.
 *
 * A placeholder such as `{name}` may be anywhere in a sentence. Its value is formatted, and
 * isolated if it comes from outside. An entry with `one` and `other` (or any of `zero`,
 * `two`, `few`, `many`) is chosen by `{count}`.
 */
export default {
  // Header, if the page sets no heading.
  heading: 'Chat',
  // Header, beside the dot: the state of the session.
  idle: 'Not connected',
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  closed: 'Closed',
  // Header, under the heading: the parties in the chat, as a list of names.
  you: 'you',
  alone: 'No one else has joined yet',
  // Header, after a name: the party's role.
  CLIENT: 'Customer',
  AGENT: 'Agent',
  SUPERVISOR: 'Supervisor',
  EXTERNAL: 'External',
  SYSTEM: 'System',
  partyOf: '{name} ({role})',
  // The same for a party that only some parties can see; {visibility} is one of the words INT and VIP.
  partyHidden: '{name} ({role}, {visibility})',

  // Banner above the transcript while the connection is lost, and after the session has ended.
  lost: 'Connection lost. Reconnecting. Uploads will resume where they stopped.',
  lostRetry: 'Connection lost. Reconnecting in {count} s. Uploads will resume where they stopped.',
  ended: 'This chat has ended.',
  delayed: 'The chat cannot be opened at the moment. Retrying.',
  unreachable: 'The chat could not be opened.',
  connectAgain: 'Try again',

  // Transcript: its name for screen readers, with the chat's heading, and its text as long as it is empty.
  transcript: 'Conversation: {name}',
  empty: 'No messages yet',
  emptyHint: 'Write a message or drop a file.',
  emptyHintText: 'Write a message.',
  emptyReadonly: 'Messages and files will appear here.',
  // Transcript, between the messages of two days, for today and yesterday.
  today: 'Today',
  yesterday: 'Yesterday',
  // Transcript, small lines.
  joined: '{name} joined',
  left: '{name} left',
  // The same by Chat Server's reason codes: 2, which ends the chat, 3, 5, 6, 7 and 8.
  leftAndEnded: '{name} ended the chat',
  leftDisconnected: '{name} disconnected',
  removedBySystem: '{name} was removed by the system',
  removedForSecurity: '{name} was removed for security reasons',
  removedIdle: '{name} was removed, because nobody had written for a while',
  removedRestored: '{name} did not come back after an interruption',
  // The same for a code that is none of Chat Server's; {reason} is the server's own text.
  leftBecause: '{name} left: {reason}',
  // The same for a party that another one removed, which may be unknown (code 4).
  removed: '{name} was removed by {party}',
  removedByOther: '{name} was removed',
  renamed: '{old} is now called {name}',
  pushed: '{name} suggests a page:',
  pushedOwn: 'You suggested a page:',
  // Transcript, when nothing has happened for long, unless Chat Server has words of its own.
  idleAlert: 'Nobody has written for a while. This chat will be closed soon unless somebody writes.',
  idleClosed: 'This chat is being closed because nobody has written for a while.',
  // Transcript, in the place of a file that a party deleted. A party is removed, a file is deleted.
  fileDeleted: '{party} deleted {name}',
  fileDeletedOwn: 'You deleted {name}',
  // Transcript, after the time of a message or file that only some parties can see.
  INT: 'agents only',
  VIP: 'supervisors only',
  // Transcript, after the time of a message for one party.
  toYou: 'to you only',
  toOne: 'to {name} only',
  // Transcript: the button that scrolls to the end.
  newer: { one: '{count} new message', other: '{count} new messages' },
  latest: 'Jump to latest',

  // Under the transcript, while other parties type; {name} is a list of nicknames.
  typing: { one: '{name} is typing', other: '{name} are typing' },

  // Composer.
  write: 'Write a message',
  send: 'Send',
  attach: 'Attach files',
  // Composer: the choice of the parties that can see what is sent next, and its values.
  seenBy: 'Who can see it',
  seenByALL: 'Everyone',
  seenByINT: 'Agents only',
  seenByVIP: 'Supervisors only',
  // Composer: the text field while not everyone can see what is sent.
  writeINT: 'Write to agents only',
  writeVIP: 'Write to supervisors only',
  // Composer, after a text could not be sent; {reason} is the error.
  unsent: 'Not sent. {reason}',
  // Composer, under the text field: the limits, composed of these pieces.
  limitFiles: { one: 'up to {count} file', other: 'up to {count} files' },
  limitEach: '{size} each',
  limitEachOnly: 'files up to {size}',
  limitTotal: '{size} in total',
  limitTypes: 'only {types}',
  limitMoreTypes: { one: '{count} more type', other: '{count} more types' },
  used: { one: '{count} sent', other: '{count} sent' },
  remaining: '{size} left',
  downloadsLeft: { one: '{count} download left', other: '{count} downloads left' },
  exhausted: { one: 'The one file this chat allows has been sent', other: 'The {count} files this chat allows have been sent' },
  uploadsOff: 'Files cannot be sent in this chat',
  needAgent: 'Files can be sent once an agent has joined',

  // Overlay, while files are dragged over the element.
  drop: 'Drop to send',
  dropOff: 'Files cannot be dropped here',
  // Overlay, while something else is dragged over it: a picture of another page, a link, an email.
  dropNoFile: 'This is not a file',
  dropNoFileHint: 'Save it as a file and drop that, or copy and paste it here.',
  // Composer, after a drop or a paste that sent nothing.
  dropNothing: 'Nothing was sent, because this is not a file.',
  dropClosed: 'Nothing was sent, because files cannot be sent at the moment. {reason}',

  // File tile: the names of its buttons, for screen readers.
  download: 'Download {name}, {kind}, {size}',
  open: 'Open {name}, {kind}, {size}',
  cancelDownload: 'Stop downloading {name}',
  // File tile, under the name, during and after a download.
  downloading: 'Downloading, {percent}',
  downloadStarting: 'Downloading',
  downloaded: 'Downloaded',
  handed: 'Passed to your browser',
  // File tile, after opening it.
  savedInstead: 'It cannot be shown here, so it was downloaded.',
  // File tile: the button that deletes a file, and the question it asks.
  delete: 'Delete {name}',
  deleteAsk: 'Delete {name}?',
  deleteText: 'Nobody in this chat will be able to open it any more.',
  deleteYes: 'Delete',
  notDeleted: '{name} was not deleted. {reason}',
  // Viewer and other dialogs.
  save: 'Download',
  close: 'Close',
  no: 'Cancel',
  // Question before a page is opened that another party suggests; {name} is its host.
  openPage: 'Open a page of {name}?',
  openPageYes: 'Open in a new tab',
  // Library of standard responses: the button in the composer and the title, and what is in it.
  responses: 'Standard responses',
  searchResponses: 'Search standard responses',
  noFolder: 'Without a folder',
  responsesFound: { one: '{count} response', other: '{count} responses' },
  responsesMore: { one: 'The first {count} response', other: 'The first {count} responses' },
  moreResponses: 'Show more',
  notShown: 'Your browser cannot show this file here. Download it to open it.',
  // File tile: why a file cannot be downloaded any more.
  downloadsUsed: { one: 'The one download this chat allows has been used', other: 'The {count} downloads this chat allows have been used' },
  // File tile: why a download failed; other failures are shown in the proxy's words.
  'error-download-intercepted': 'Another server answered instead of the file service. Sign in to the network or the site again, then retry.',
  'error-download-mismatch': 'The downloaded file is not the one that was sent. Retry, or ask the sender to send it again.',
  'error-document-changed': 'The file changed while it was being downloaded. Retry to get the current version.',
  'error-downloads-used-up': 'This chat allows no more downloads. Ask the agent for another way to get the file.',
  // File tile: the disclosure button for more than two lines of custom information.
  details: { one: '{count} detail', other: '{count} details' },
  // File tile: why its icon has a warning sign.
  program: 'Opening it can run a program. Open it only if you trust its source.',
  macros: 'It can contain macros, which run when it is opened. Open it only if you trust its source.',
  container: 'It opens like a disk or folder, and its contents are not checked. Open it only if you trust its source.',
  settings: 'Opening it can change this computer’s settings. Open it only if you trust its source.',
  'type-disagrees': 'Its declared type does not match its name.',
  'name-altered': 'Its name contained characters that are invisible or look like others. It may not be the type of file that it seems to be.',
  'name-path': 'Its name was a path; only the last part was kept.',
  // File tile: harmless changes to its name.
  'name-reserved': 'Its name was changed, because Windows reserves it.',
  'name-characters': 'Some characters in its name were replaced with “_”, because Windows does not allow them.',
  'name-shortened': 'Its name was too long to save and was shortened in the middle.',

  // Upload tile: the list's name for screen readers, and the upload's state.
  uploads: 'Files being sent',
  offered: 'Waiting to send',
  sending: 'Sending, {done} of {size}',
  waiting: 'Waiting for the connection',
  waitingPart: 'Waiting for the connection, {done} of {size} uploaded',
  storing: 'Saving',
  scanning: 'Scanning for viruses',
  stored: 'Posting',
  announced: 'Posted',
  failed: 'Not sent',
  // Upload tile, for an upload that an earlier page did not finish, with a button that opens the file picker.
  unfinished: 'Not finished, {percent} uploaded. Choose the file again to resume.',
  unfinishedNone: 'Not finished. Choose the file again to send it.',
  choose: 'Choose again',
  chooseName: 'Choose {name} again',
  // Composer, after another file was chosen there; {attach} is the name of the button that sends any file.
  chooseOther: 'Nothing was sent, because you did not choose {name}. To send another file, use “{attach}”.',
  // Upload tile: buttons. The longer names are for screen readers.
  cancel: 'Cancel {name}',
  retry: 'Retry',
  retryName: 'Retry {name}',
  dismiss: 'Dismiss',
  dismissName: 'Dismiss {name}',
  // Upload tile, for a folder that was dropped.
  folder: 'A folder cannot be sent. Compress it and send the archive.',
  // Upload tile, for a failure without a sentence of its own.
  broken: 'It could not be sent. Try again.',

  // Instead of the reason, if only the page's developer or operator can fix it.
  notSetUp: 'This page is not set up correctly. Try again later, or contact its operator.',
  notSignedIn: 'You could not be signed in. Reload the page, or sign in again.',
  notRegistered: 'You have not joined this chat yet. Join it first, then reload the page.',
  notAllowed: 'You are not allowed to do this here.',
  outdated: 'This page and the file service have different versions. Reload the page.',

  // After an error whose id is to be reported, because only the operator can find the cause.
  errorId: '(ID {id})',

  // Announced by screen readers only.
  saidSending: 'Sending {name}',
  saidPart: '{name}: {percent} uploaded',
  saidCancelled: '{name} was cancelled',
  saidDownloaded: '{name} was downloaded',
  saidHanded: '{name} was passed to the browser',
  saidRefused: '{name} was not sent. {reason}',
  saidNotDownloaded: '{name} was not downloaded. {reason}',

  // Kinds of files, after the size.
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
  'kind-mail': 'Email',
  'kind-font': 'Font',
  'kind-program': 'Program',
  'kind-unknown': 'File',
};
