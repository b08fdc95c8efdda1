import { composerStyles } from './composer.js';
import { tileStyles } from './tile.js';
import { transcriptStyles } from './transcript.js';

/**
 * The look of `<attache-chat>`. Colours follow the page's `color-scheme`;
 * sizes are in `em`, sides are logical, so text size, direction and scheme are
 * the page's to decide. What a page may change:
 *
 * | property | what |
 * | --- | --- |
 * | `--attache-font-family` | typeface |
 * | `--attache-font-size` | the size that everything is measured in |
 * | `--attache-surface` | background of the element |
 * | `--attache-surface-raised` | background of tiles, header and field |
 * | `--attache-text` | text |
 * | `--attache-text-muted` | times, sizes and other small text |
 * | `--attache-border` | lines |
 * | `--attache-accent` | buttons, progress, links |
 * | `--attache-on-accent` | text and signs on the accent |
 * | `--attache-bubble` | bubble of the others |
 * | `--attache-on-bubble` | text in it |
 * | `--attache-bubble-own` | own bubble |
 * | `--attache-on-bubble-own` | text in it |
 * | `--attache-agent` | an agent's name and face |
 * | `--attache-customer` | a customer's name and face |
 * | `--attache-good` | connected, downloaded |
 * | `--attache-caution` | reconnecting, files to be careful with |
 * | `--attache-bad` | refusals |
 * | `--attache-focus` | focus rings |
 * | `--attache-radius` | corners of the element, tiles and field |
 * | `--attache-bubble-radius` | corners of bubbles |
 * | `--attache-gap` | space that all distances are made of |
 * | `--attache-shadow` | shadow of what floats |
 * | `--attache-icon-size` | width of a file's icon |
 * | `--attache-tile-size` | the widest that a tile gets |
 * | `--attache-bar-size` | thickness of a progress bar |
 * | `--attache-speed` | length of transitions |
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
  --good: var(--attache-good, light-dark(#187a45, #5fd396));
  --caution: var(--attache-caution, light-dark(#a34d00, #ffb454));
  --bad: var(--attache-bad, light-dark(#b3261e, #ff9a91));
  --focus: var(--attache-focus, var(--accent));
  --radius: var(--attache-radius, .75em);
  --bubble-radius: var(--attache-bubble-radius, 1em);
  --gap: var(--attache-gap, .5em);
  --shadow: var(--attache-shadow, 0 .25em 1em light-dark(rgb(20 30 60 / .14), rgb(0 0 0 / .5)));
  --icon-size: var(--attache-icon-size, 2.5em);
  --tile-size: var(--attache-tile-size, 23em);
  --bar-size: var(--attache-bar-size, .25em);
  --speed: var(--attache-speed, .16s);

  display: block;
  position: relative;
  block-size: 34em;
  min-inline-size: 15em;
  min-block-size: 16em;
  container: attache / inline-size;
  font: 400 var(--attache-font-size, .9375rem)/1.4 var(--attache-font-family, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, system-ui, sans-serif);
  color: var(--text);

  /* What a shadow root lets in: names and messages are shown as they were written, whatever is around them. */
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
.heard {
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
  transition: background-color var(--speed), border-color var(--speed);
}
.text-button .glyph { inline-size: 1.1em; block-size: 1.1em; }
.text-button:hover { border-color: var(--muted); }
.text-button.retry { border-color: transparent; background: var(--accent); color: var(--on-accent); }

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
.people { font-size: .86em; color: var(--muted); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.faces { display: flex; flex: none; }
.faces:empty { display: none; }
.face {
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
.face:first-child { margin-inline-start: 0; }
.face[data-type="AGENT"], .face[data-type="SUPERVISOR"] { --tone: var(--agent); }
.face[data-type="CLIENT"] { --tone: var(--customer); }

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
.state[data-state="connected"] { --tone: var(--good); }
.state[data-state="reconnecting"], .state[data-state="connecting"] { --tone: var(--caution); }
.state[data-state="reconnecting"]::before, .state[data-state="connecting"]::before { animation: breathe 1.6s ease-in-out infinite; }
.state[data-state="closed"] { --tone: var(--bad); }
.state[data-state="idle"] { --tone: var(--muted); }

.banner {
  display: flex;
  align-items: center;
  flex-wrap: wrap;
  gap: var(--gap) calc(var(--gap) * 1.5);
  padding: calc(var(--gap) * 1.2) calc(var(--gap) * 2);
  font-size: .9em;
  background: color-mix(in oklab, var(--caution) 10%, var(--surface));
  border-block-end: 1px solid color-mix(in oklab, var(--caution) 30%, var(--surface));
}
.banner.ended { background: color-mix(in oklab, var(--bad) 8%, var(--surface)); border-color: color-mix(in oklab, var(--bad) 25%, var(--surface)); }
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
  .face, .banner, .text-button { border: 1px solid CanvasText; }
  .state::before { forced-color-adjust: none; background: CanvasText; }
  .state[data-state="closed"]::before { background: none; border: 2px solid CanvasText; }
  .text-button.retry { background: ButtonFace; color: ButtonText; border-color: ButtonText; }
  svg[data-kind] { color: CanvasText; }
  :focus-visible { outline-color: Highlight; }
}
`;

/** The one sheet that all elements of a document share: it can be adopted in no other one. @type {WeakMap<Document, CSSStyleSheet>} */
const sheets = new WeakMap();

/**
 * The sheet of a document, made when its first element is; importing needs no
 * DOM. There is none where nothing is drawn.
 *
 * @param {Document} document
 */
export function styles(document) {
  const known = sheets.get(document);
  const { CSSStyleSheet } = document.defaultView ?? {};
  if (known || !CSSStyleSheet?.prototype.replaceSync) return known;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(frameStyles + transcriptStyles + tileStyles + composerStyles);
  sheets.set(document, sheet);
  return sheet;
}
