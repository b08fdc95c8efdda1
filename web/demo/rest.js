/**
 * A customer's page that needs nothing but `fetch`: GMS' Chat API version 2 over REST, which
 * docs/gms.md documents. An example to copy, with rest.html and rest.css.
 *
 * @typedef {{ nickname: string, type: string }} From
 * @typedef {{ from: From, type: string, text?: string, userData?: Record<string, string> }} Message
 * @typedef {{ statusCode: number, chatId: string, userId: string, secureKey: string, alias: string, nextPosition: number,
 *   chatEnded: boolean, messages: Message[], errors?: { code: number, advice: string }[] }} Reply
 */

/** How long to wait between two polls, in milliseconds. */
const pause = 1000;
const url = /** @type {string} */ (document.body.dataset.url);

/** The chat's address, and what says in each request who asks. The secure key is a secret. @type {string} */
let chat = url;
/** @type {Record<string, string>} */
let party = {};
let next = 1;

/** The request failed; `final` says that the chat is over, too. */
class Refused extends Error {
  /** @param {Reply} reply */
  constructor(reply) {
    super(reply.errors?.[0]?.advice ?? 'The request failed.');
    this.final = reply.statusCode === 2;
  }
}

/** @param {Reply} reply */
function checked(reply) {
  if (reply.statusCode !== 0) throw new Refused(reply);
  return reply;
}

/** Sends a form. @param {string} path @param {Record<string, string | number>} [fields] */
function post(path, fields = {}) {
  const body = new URLSearchParams(party);
  for (const [name, value] of Object.entries(fields)) body.set(name, String(value));
  return fetch(chat + path, { method: 'POST', body });
}

/** @param {string} path @param {Record<string, string | number>} [fields] @returns {Promise<Reply>} */
async function ask(path, fields) {
  return checked(await (await post(path, fields)).json());
}

/** Requests the chat. @param {FormData} form */
async function start(form) {
  const reply = checked(await (await fetch(url, { method: 'POST', body: form })).json());
  const { userId, secureKey, alias, chatId } = reply;
  party = { userId, secureKey, alias };
  chat = `${url}/${chatId}`;
  find('#start').hidden = true;
  find('#chat').hidden = find('#composer').hidden = false;
  say('Waiting for an agent');
  show(reply);
  poll();
  await limits();
}

/** Asks what is new until the chat ends. Only this gets `next`, so that nothing is missed. */
async function poll() {
  for (let ended = false; !ended;) {
    await new Promise((resolve) => { setTimeout(resolve, pause); });
    try {
      const reply = await ask('/refresh', { transcriptPosition: next });
      party.alias = reply.alias;
      if (find('#status').textContent === reconnecting) say('Connected again');
      show(reply);
      ended = reply.chatEnded;
    } catch (error) {
      ended = error instanceof Refused && error.final;
      say(ended ? '' : reconnecting);
    }
  }
  party = {};
  find('#composer').hidden = true;
  say('The chat has ended');
}

const reconnecting = 'Reconnecting…';

/** @param {Reply} reply */
function show({ messages, nextPosition }) {
  next = nextPosition;
  for (const { from, type, text = '', userData = {} } of messages) {
    const own = from.type === 'Client';
    const said = own ? 'You' : from.nickname;
    if (type === 'Message') add(own, said, text);
    else if (type === 'FileUploaded') addFile(own, said, userData);
    else if (type === 'FileDeleted') find(`[data-file="${CSS.escape(userData['file-id'] ?? '')}"]`)?.remove();
    else if (type === 'ParticipantJoined' && !own) say(`${said} is here`);
    else if (type === 'ParticipantLeft' && !own) say(`${said} has left`);
    else if (type === 'TypingStarted' && !own) say(`${said} is typing…`);
    else if (type === 'TypingStopped' && !own) say(`${said} is here`);
  }
}

/** A file is shown as an icon; a click downloads it. @param {boolean} own @param {string} said @param {Record<string, string>} data */
function addFile(own, said, data) {
  const button = make('button', `${data['file-name']}`);
  button.append(make('small', size(data['file-size'])));
  button.addEventListener('click', () => attempt(() => download(data['file-id'], data['file-name'])));
  add(own, said, button, data['file-description'] ?? '').dataset.file = data['file-id'];
}

/** Sends a file. Only XMLHttpRequest reports how much is sent. @param {File} file */
function upload(file) {
  const form = new FormData();
  for (const [name, value] of Object.entries(party)) form.append(name, value);
  form.append('file', file); // after the parameters, so that a refusal comes before the bytes
  const bar = document.createElement('progress');
  bar.ariaLabel = `Sending ${file.name}`;
  const item = add(true, 'You', file.name, bar);
  const request = new XMLHttpRequest();
  request.responseType = 'json';
  request.upload.addEventListener('progress', ({ loaded, total }) => { bar.value = loaded / total; });
  request.addEventListener('loadend', () => attempt(async () => {
    item.remove(); // its message takes its place
    checked(request.response ?? { statusCode: 1, errors: [{ advice: 'The connection was lost. Send the file again.' }] });
    await limits();
  }));
  request.open('POST', `${chat}/file`);
  request.send(form);
}

/** @param {string} id @param {string} name */
async function download(id, name) {
  const answer = await post(`/file/${id}/download`);
  if (!answer.ok) throw new Refused(await answer.json());
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Shows what may be sent, which changes with each file. */
async function limits() {
  const { messages: [{ userData = {} }] } = await ask('/file/limits');
  const left = Number(userData['upload-max-files']) - Number(userData['used-upload-max-files']);
  find('#limits').textContent = `${left} more ${left === 1 ? 'file' : 'files'}, up to ${size(userData['upload-max-file-size'])} each`;
}

/** Does something, and shows why it failed. @param {() => Promise<unknown>} action */
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    add(false, '', /** @type {Error} */ (error).message).className = 'failed';
  }
}

/** @param {boolean} own @param {string} said @param {(string | Node)[]} what */
function add(own, said, ...what) {
  const item = make('li', '', make('small', said), make('p', '', ...what));
  item.className = own ? 'own' : '';
  find('ol').append(item);
  item.scrollIntoView({ block: 'nearest' });
  return item;
}

/** @param {string} words */
const say = (words) => { find('#status').textContent = words; };

/** @param {string} selector */
const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));

/** @param {string} name @param {(string | Node)[]} children */
function make(name, ...children) {
  const node = document.createElement(name);
  node.append(...children);
  return node;
}

/** In units of 1024, as limits are set and <attache-chat> shows them. @param {string | undefined} bytes */
function size(bytes) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  let value = Number(bytes);
  let step = 0;
  for (; Math.round(value) >= 1024 && step < units.length - 1; step += 1) value /= 1024;
  return new Intl.NumberFormat('en', {
    style: 'unit', unit: units[step], unitDisplay: step === 0 ? 'long' : 'short', maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value);
}

/** Calls back for a form. @param {string} selector @param {(form: HTMLFormElement) => Promise<unknown>} action */
function onSubmit(selector, action) {
  find(selector).addEventListener('submit', (event) => {
    event.preventDefault();
    attempt(() => action(/** @type {HTMLFormElement} */ (event.target)));
  });
}

onSubmit('#start', (form) => start(new FormData(form)));
onSubmit('#composer', async (form) => {
  await ask('/send', { message: form.message.value });
  form.message.value = '';
});
find('[type=file]').addEventListener('change', ({ target }) => {
  const input = /** @type {HTMLInputElement} */ (target);
  for (const file of input.files ?? []) upload(file);
  input.value = '';
});
addEventListener('pagehide', () => {
  if (party.userId) navigator.sendBeacon(`${chat}/disconnect`, new URLSearchParams(party));
});
/** @type {HTMLButtonElement} */ (find('#start button')).disabled = false; // before, it would send the form by itself
