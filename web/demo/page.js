import '../element.js';
import { Plug } from './plug.js';
import { Timeline } from './timeline.js';

/**
 * The demo page: two elements, two tokens, one chat session. It does what an application
 * does: get a token from its own server and pass it to the element.
 *
 * @typedef {{ url: string | null, session: string, agent: { token: string }, customer: { token: string } }} Demo
 */

/** The chat session's id is in the URL, so that a reload and a second tab show the same one. */
const fragment = () => decodeURIComponent(location.hash.slice(1));

/** @returns {Promise<Demo>} */
async function load() {
  const address = new URL('demo/session.json', document.baseURI);
  if (fragment() !== '') address.searchParams.set('session', fragment());
  const response = await fetch(address, { cache: 'no-store' });
  if (!response.ok) throw new Error(`the demo's tokens could not be fetched: ${response.status} ${response.statusText}`);
  return response.json();
}

/** @param {string} selector */
function find(selector) {
  return /** @type {HTMLElement} */ (document.querySelector(selector));
}

/** Returns the panes to show: only one if the URL says so. @returns {('agent' | 'customer')[]} */
function shown() {
  const wanted = new URLSearchParams(location.search).get('pane');
  if (wanted !== 'agent' && wanted !== 'customer') return ['agent', 'customer'];
  find(wanted === 'agent' ? '#customer' : '#agent').remove();
  document.body.classList.add('single');
  return [wanted];
}

async function start() {
  const demo = await load();
  history.replaceState(null, '', `#${encodeURIComponent(demo.session)}`);
  const timeline = new Timeline(find('#timeline'));
  const plug = new Plug(find('#plug'), find('#outage'));
  for (const side of shown()) {
    const chat = /** @type {import('../element.js').AttacheChat} */ (document.getElementById(side));
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
  }
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
