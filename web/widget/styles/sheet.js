import { composerStyles } from './composer.js';
import { dialogStyles } from './dialog.js';
import { tileStyles } from './tile.js';
import { transcriptStyles } from './transcript.js';

/**
 * The styles of `<attache-chat>`. Colours follow the page's `color-scheme`, sizes are in
 * `em` and sides are logical, so the page decides about text size, direction and scheme.
 * A page can set:
 *
 * | property | what it sets |
 * | --- | --- |
 * | `--attache-font-family` | typeface |
 * | `--attache-font-size` | text size; all other sizes are relative to it |
 * | `--attache-surface` | background of the element |
 * | `--attache-surface-raised` | background of tiles, header and text field |
 * | `--attache-text` | text |
 * | `--attache-text-muted` | times, sizes and other secondary text |
 * | `--attache-border` | borders |
 * | `--attache-accent` | buttons, progress, links |
 * | `--attache-on-accent` | text and icons on the accent |
 * | `--attache-bubble` | bubbles of other parties |
 * | `--attache-on-bubble` | text in them |
 * | `--attache-bubble-own` | own bubbles |
 * | `--attache-on-bubble-own` | text in them |
 * | `--attache-agent` | an agent's name and avatar |
 * | `--attache-customer` | a customer's name and avatar |
 * | `--attache-success` | connected, downloaded |
 * | `--attache-warning` | reconnecting, warnings about a file |
 * | `--attache-error` | errors, closed |
 * | `--attache-focus` | focus rings |
 * | `--attache-radius` | corner radius of the element, tiles and text field |
 * | `--attache-bubble-radius` | corner radius of bubbles |
 * | `--attache-gap` | base unit of all distances |
 * | `--attache-shadow` | shadow of floating boxes |
 * | `--attache-icon-size` | width of a file icon |
 * | `--attache-tile-size` | maximum width of a tile |
 * | `--attache-bar-size` | thickness of a progress bar |
 * | `--attache-duration` | duration of transitions |
 * | `--attache-kind-NAME` | colour of one kind's icons, such as `--attache-kind-pdf` |
 */
const frameStyles = `
:host {
  color-scheme: light dark;
  --surface: var(--attache-surface, light-dark(#ffffff, #14171c));
  --raised: var(--attache-surface-raised, light-dark(#ffffff, #1b1f26));
  --text: var(--attache-text, light-dark(#1a1d23, #e4e7ec));
  --muted: var(--attache-text-muted, light-dark(#5c6472, #9aa3b2));
  --border: var(--attache-border, light-dark(#dfe3ea, #2d333d));
  --accent: var(--attache-accent, light-dark(#2f55d4, #8aa6ff));
  --on-accent: var(--attache-on-accent, light-dark(#ffffff, #0e1424));
  --bubble: var(--attache-bubble, light-dark(#f1f3f7, #232831));
  --on-bubble: var(--attache-on-bubble, var(--text));
  --bubble-own: var(--attache-bubble-own, light-dark(#e3eaff, #25315c));
  --on-bubble-own: var(--attache-on-bubble-own, light-dark(#17203d, #e6ebff));
  --agent: var(--attache-agent, light-dark(#2a5a8f, #8fbcec));
  --customer: var(--attache-customer, light-dark(#80501a, #e0b37c));
  --success: var(--attache-success, light-dark(#187a45, #5fd396));
  --warning: var(--attache-warning, light-dark(#a34d00, #ffb454));
  --error: var(--attache-error, light-dark(#b3261e, #ff9a91));
  --focus: var(--attache-focus, var(--accent));
  --radius: var(--attache-radius, .75em);
  --bubble-radius: var(--attache-bubble-radius, 1em);
  --gap: var(--attache-gap, .5em);
  --shadow: var(--attache-shadow, 0 .25em 1em light-dark(rgb(20 30 60 / .14), rgb(0 0 0 / .5)));
  --icon-size: var(--attache-icon-size, 2.5em);
  --tile-size: var(--attache-tile-size, 23em);
  --bar-size: var(--attache-bar-size, .25em);
  --duration: var(--attache-duration, .16s);

  display: block;
  position: relative;
  block-size: 34em;
  min-inline-size: 15em;
  min-block-size: 16em;
  container: attache / inline-size;
  font: 400 var(--attache-font-size, .9375rem)/1.4 var(--attache-font-family, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, system-ui, sans-serif);
  color: var(--text);

  /* Inherited properties enter a shadow root. Names and messages are shown as written, whatever the page sets. */
  -webkit-text-fill-color: currentcolor;
  -webkit-text-stroke: 0;
  cursor: auto;
  hyphens: manual;
  letter-spacing: normal;
  line-break: auto;
  overflow-wrap: normal;
  text-align: start;
  text-align-last: auto;
  text-emphasis: none;
  text-indent: 0;
  text-shadow: none;
  text-transform: none;
  -webkit-user-select: text;
  user-select: text;
  white-space: normal;
  word-break: normal;
  word-spacing: normal;
}
:host([hidden]) { display: none; }
:host([data-theme="light"]) { color-scheme: light; }
:host([data-theme="dark"]) { color-scheme: dark; }

*, ::before, ::after { box-sizing: border-box; }
p, h2, dl, dd, ol, ul { margin: 0; padding: 0; list-style: none; }
[hidden] { display: none !important; }
[dir="auto"] { text-align: -webkit-match-parent; text-align: match-parent; }
.visually-hidden {
  position: absolute;
  inline-size: 1px;
  block-size: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

button {
  font: inherit;
  color: inherit;
  letter-spacing: inherit;
  background: none;
  border: 0;
  padding: 0;
  cursor: pointer;
  -webkit-user-select: none;
  user-select: none;
}
button:disabled { cursor: default; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.glyph { display: block; inline-size: 1.25em; block-size: 1.25em; flex: none; }

.text-button {
  display: inline-flex;
  align-items: center;
  gap: .35em;
  min-block-size: 2em;
  min-inline-size: 24px;
  padding-inline: .7em;
  border: 1px solid var(--border);
  border-radius: calc(var(--radius) * .6);
  background: var(--raised);
  font-weight: 500;
  font-size: .9em;
  transition: background-color var(--duration), border-color var(--duration);
}
.text-button .glyph { inline-size: 1.1em; block-size: 1.1em; }
.text-button:hover { border-color: var(--muted); }
.text-button:is(.retry, .primary) { border-color: transparent; background: var(--accent); color: var(--on-accent); text-decoration: none; }
.text-button.danger { border-color: var(--error); color: var(--error); }

.frame {
  display: flex;
  flex-direction: column;
  block-size: 100%;
  overflow: hidden;
  background: var(--surface);
  border: 1px solid var(--border);
  border-radius: var(--radius);
}

.header {
  display: flex;
  align-items: center;
  gap: calc(var(--gap) * 1.5);
  padding: calc(var(--gap) * 1.2) calc(var(--gap) * 2);
  background: var(--raised);
  border-block-end: 1px solid var(--border);
}
.header-words { flex: 1; min-inline-size: 0; }
.heading { font-size: 1em; font-weight: 650; line-height: 1.3; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.participants { font-size: .86em; color: var(--muted); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.avatars { display: flex; flex: none; }
.avatars:empty { display: none; }
.avatar {
  --tone: var(--muted);
  display: grid;
  place-items: center;
  inline-size: 2.9em;
  block-size: 2.9em;
  margin-inline-start: -.7em;
  border: 2px solid var(--raised);
  border-radius: 50%;
  background: color-mix(in oklab, var(--tone) 16%, var(--raised));
  color: var(--tone);
  font-size: .8em;
  font-weight: 650;
}
.avatar:first-child { margin-inline-start: 0; }
.avatar[data-type="AGENT"], .avatar[data-type="SUPERVISOR"] { --tone: var(--agent); }
.avatar[data-type="CLIENT"] { --tone: var(--customer); }

.state {
  --tone: var(--muted);
  display: flex;
  align-items: center;
  gap: .45em;
  flex: none;
  font-size: .86em;
  color: var(--muted);
}
.state::before { content: ""; inline-size: .6em; block-size: .6em; border-radius: 50%; background: var(--tone); }
.state:not([data-state])::before { display: none; }
.state[data-state="connected"] { --tone: var(--success); }
.state[data-state="reconnecting"], .state[data-state="connecting"] { --tone: var(--warning); }
.state[data-state="reconnecting"]::before, .state[data-state="connecting"]::before { animation: breathe 1.6s ease-in-out infinite; }
.state[data-state="closed"] { --tone: var(--error); }
.state[data-state="idle"] { --tone: var(--muted); }

.banner {
  display: flex;
  align-items: center;
  flex-wrap: wrap;
  gap: var(--gap) calc(var(--gap) * 1.5);
  padding: calc(var(--gap) * 1.2) calc(var(--gap) * 2);
  font-size: .9em;
  background: color-mix(in oklab, var(--warning) 10%, var(--surface));
  border-block-end: 1px solid color-mix(in oklab, var(--warning) 30%, var(--surface));
}
.banner.ended { background: color-mix(in oklab, var(--error) 8%, var(--surface)); border-color: color-mix(in oklab, var(--error) 25%, var(--surface)); }
.banner p { flex: 1 1 14em; }

@keyframes breathe { 50% { opacity: .35; } }
@keyframes arrive { from { opacity: 0; transform: translateY(.4em); } }

@container attache (inline-size < 26em) {
  .state[data-state="connected"] .state-word { position: absolute; clip-path: inset(50%); inline-size: 1px; block-size: 1px; overflow: hidden; }
  .header, .banner { padding-inline: calc(var(--gap) * 1.4); }
}
@media (prefers-reduced-motion: reduce) {
  *, ::before, ::after { animation: none !important; transition: none !important; scroll-behavior: auto !important; }
}
@media (prefers-contrast: more) {
  :host { --muted: var(--text); --border: var(--text); }
}
@media (forced-colors: active) {
  .avatar, .banner, .text-button { border: 1px solid CanvasText; }
  .state::before { forced-color-adjust: none; background: CanvasText; }
  .state[data-state="closed"]::before { background: none; border: 2px solid CanvasText; }
  .text-button:is(.retry, .primary) { background: ButtonFace; color: ButtonText; border-color: ButtonText; }
  svg[data-kind] { color: CanvasText; }
  :focus-visible { outline-color: Highlight; }
}
`;

/** The sheet that all elements of a document share; another document cannot adopt it. @type {WeakMap<Document, CSSStyleSheet>} */
const sheets = new WeakMap();

/**
 * Returns the sheet of a document. It is made with the document's first element, so that
 * importing this needs no DOM; a document without a window has none.
 *
 * @param {Document} document
 */
export function styles(document) {
  const known = sheets.get(document);
  const { CSSStyleSheet } = document.defaultView ?? {};
  if (known || !CSSStyleSheet?.prototype.replaceSync) return known;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(frameStyles + transcriptStyles + tileStyles + composerStyles + dialogStyles);
  sheets.set(document, sheet);
  return sheet;
}
