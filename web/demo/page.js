import '../element.js';
import { Desk } from './desk.js';
import { MailView } from './mail.js';
import { Plug } from './plug.js';
import { Timeline } from './timeline.js';

/**
 * The demo page: an element and a token for each party, one chat session. It does what an
 * application does: get a token from its own server and pass it to the element.
 *
 * @typedef {'agent' | 'customer' | 'supervisor'} Side
 * @typedef {{ url: string | null, session: string } & Record<Side, { token: string }>} Demo
 */

/** The chat session's id is in the URL, so that a reload and a second tab show the same one. */
const fragment = () => decodeURIComponent(location.hash.slice(1));

/** @param {string} [session] @returns {Promise<Demo>} */
async function load(session = fragment()) {
  const address = new URL('demo/session.json', document.baseURI);
  if (session !== '') address.searchParams.set('session', session);
  const response = await fetch(address, { cache: 'no-store' });
  if (!response.ok) throw new Error(`the demo's tokens could not be fetched: ${response.status} ${response.statusText}`);
  return response.json();
}

/** @param {string} selector */
function find(selector) {
  return /** @type {HTMLElement} */ (document.querySelector(selector));
}

/** @type {Side[]} */
const sides = ['agent', 'customer', 'supervisor'];

/** Returns the panes to show: only one if the URL says so. @returns {Side[]} */
function shown() {
  const wanted = new URLSearchParams(location.search).get('pane');
  const single = sides.find((side) => side === wanted);
  if (single === undefined) return ['agent', 'customer'];
  for (const side of sides) if (side !== single) document.getElementById(side)?.remove();
  if (single !== 'agent') find('#desk').remove();
  find('#supervise').hidden = find('#rest-customer').hidden = true;
  find('#end').hidden = single !== 'agent';
  document.body.classList.add('single');
  return [single];
}

async function start() {
  const demo = await load();
  history.replaceState(null, '', `#${encodeURIComponent(demo.session)}`);
  /** @type {HTMLAnchorElement} */ (find('#mails')).href += `?session=${encodeURIComponent(demo.session)}`;
  const timeline = new Timeline(find('#timeline'));
  const plug = new Plug(find('#plug'), find('#outage'));
  const mail = new MailView(find('#end'), find('#mail'));
  /** @param {Side} side */
  const connect = (side) => {
    const chat = /** @type {import('../element.js').AttacheChat} */ (document.getElementById(side) ?? supervisor());
    timeline.watch(chat);
    plug.watch(chat);
    chat.url = demo.url ?? '';
    let first = true;
    // It is called again at every reconnect: by then the first token may have expired.
    chat.token = async () => {
      const { [side]: { token } } = first ? demo : await load();
      first = false;
      return token;
    };
    if (side === 'agent') mail.watch(chat, demo.session);
  };
  shown().forEach(connect);
  superviseBy(connect);
  // Another origin than the proxy's does not serve these.
  if (demo.url === null) serveRest(demo.session, timeline);
  else find('#rest-customer').hidden = true;
}

/** Lets the button open a customer's page on REST, and the agent's desk show who waits there. @param {string} session @param {Timeline} timeline */
function serveRest(session, timeline) {
  const own = /** @type {import('../element.js').AttacheChat | null} */ (document.querySelector('#agent'));
  if (own === null) return;
  const desk = new Desk(find('#chats'), own, session, (chat, requested) => {
    timeline.watch(chat);
    chat.url = '';
    chat.token = async () => (await load(requested)).agent.token;
  });
  toggleBy(find('#rest-customer'), 'rest', () => {
    const frame = Object.assign(document.createElement('iframe'), { id: 'rest', title: 'Customer on REST', src: 'web/demo/rest.html' });
    find('main').append(frame);
    desk.start();
  });
}

/** Adds the supervisor's pane. */
function supervisor() {
  const pane = document.createElement('attache-chat');
  pane.id = 'supervisor';
  pane.heading = 'Supervisor’s desk';
  find('main').append(pane);
  return pane;
}

/** Lets the button open and close the supervisor's pane. The supervisor joins with the first opening. @param {(side: Side) => void} connect */
function superviseBy(connect) {
  toggleBy(find('#supervise'), 'supervisor', () => connect('supervisor'));
}

/** Lets a button open and close a pane. @param {HTMLElement} button @param {string} id @param {() => void} open */
function toggleBy(button, id, open) {
  button.addEventListener('click', () => {
    const pane = document.getElementById(id);
    if (pane) pane.hidden = !pane.hidden;
    else open();
    button.setAttribute('aria-pressed', String(!pane?.hidden));
  });
}

find('#new').addEventListener('click', () => {
  history.replaceState(null, '', location.pathname + location.search);
  location.reload();
});

// A file dropped beside the panes must not replace the page.
for (const type of ['dragover', 'drop']) {
  document.addEventListener(type, (event) => event.preventDefault());
}

start().catch((error) => {
  const trouble = find('#trouble');
  trouble.textContent = `This page gets its tokens from its server. Start the server with “attache demo”. (${error.message})`;
  trouble.hidden = false;
});
