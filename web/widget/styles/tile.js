/** A file's tile. */
export const tileStyles = `
.tile {
  position: relative;
  display: flex;
  align-items: flex-start;
  gap: calc(var(--gap) * 1.5);
  inline-size: min(100%, var(--tile-size));
  padding: calc(var(--gap) * 1.4);
  border: 1px solid var(--border);
  border-radius: var(--radius);
  background: var(--raised);
  transition: border-color var(--duration), background-color var(--duration);
}
.tile:focus { outline: none; }
.tile-icon { flex: none; inline-size: var(--icon-size); }
.tile-icon svg { display: block; inline-size: 100%; block-size: auto; overflow: visible; }
.tile-body { flex: 1; min-inline-size: 0; display: flex; flex-direction: column; gap: .15em; padding-block: .1em; }

.tile-name { display: flex; inline-size: 100%; font-weight: 600; text-align: start; }
.tile-name bdi { display: flex; min-inline-size: 0; max-inline-size: 100%; }
.tile-name span { white-space: pre; }
.name-head { flex: 0 1000 auto; min-inline-size: 0; overflow: hidden; text-overflow: ellipsis; }
.name-tail { flex: 0 1 auto; min-inline-size: 0; overflow: hidden; }
.name-suffix { flex: none; max-inline-size: 13em; overflow-wrap: anywhere; }
.tile-name .name-suffix { white-space: pre-wrap; }

button.tile-name::after { content: ""; position: absolute; inset: -1px; border-radius: var(--radius); }
button.tile-name:focus-visible { outline: none; }
button.tile-name:focus-visible::after { outline: 2px solid var(--focus); outline-offset: -2px; }
button.tile-name[aria-disabled] { cursor: default; }
.tile:has(button.tile-name:hover:not([aria-disabled])) { border-color: color-mix(in oklab, var(--accent) 55%, var(--border)); background: color-mix(in oklab, var(--accent) 4%, var(--raised)); }
.tile:has(button.tile-name:active:not([aria-disabled])) { background: color-mix(in oklab, var(--accent) 9%, var(--raised)); }
.tile:has(button.tile-name:hover) .glyph-download { color: var(--accent); }

.tile-meta { font-size: .86em; color: var(--muted); font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.tile-side { flex: none; display: flex; align-items: center; justify-content: center; min-inline-size: 1.9em; block-size: calc(var(--icon-size) * 1.2); color: var(--muted); }
.tile-side:empty { display: none; }
.glyph-done { color: var(--success); }
.tile-save, .tile-delete, .tile-cancel {
  position: relative;
  z-index: 1;
  display: grid;
  place-items: center;
  inline-size: max(1.9em, 24px);
  block-size: max(1.9em, 24px);
  border-radius: 50%;
  color: var(--muted);
}
.tile-save:hover { background: color-mix(in oklab, var(--text) 8%, transparent); color: var(--accent); }
.tile-delete:hover, .tile-cancel:hover { background: color-mix(in oklab, var(--error) 12%, transparent); color: var(--error); }

.bar { position: relative; block-size: var(--bar-size); margin-block: .4em .2em; border-radius: 1em; overflow: hidden; background: color-mix(in oklab, var(--accent) 13%, var(--raised)); }
.bar-sent, .bar-stored { position: absolute; inset-block: 0; inset-inline-start: 0; border-radius: inherit; transition: inline-size .12s linear; }
.bar-sent { background: color-mix(in oklab, var(--accent) 38%, var(--raised)); }
.bar-stored { background: var(--accent); }
.bar.waiting > * { inline-size: 0 !important; }
.tile[data-state="downloading"] .bar.waiting { animation: breathe 1.4s ease-in-out infinite; }
.tile:is([data-state="accepted"], [data-state="scanning"], [data-state="stored"]) .bar-stored { animation: breathe 1.4s ease-in-out infinite; }

.tile-note, .tile-more { font-size: .9em; }
.tile-note:empty, .tile-more:empty { display: none; }
.tile-note { display: flex; flex-direction: column; gap: .5em; margin-block-start: .2em; }
.caution { color: var(--warning); }
.reason { color: var(--muted); }
.refusal { color: var(--error); overflow-wrap: anywhere; }
.tile-actions { display: flex; flex-wrap: wrap; gap: .5em; }
.tile[data-state="failed"] { border-color: color-mix(in oklab, var(--error) 45%, var(--border)); }
.tile[data-state="failed"] .tile-meta { color: var(--error); font-weight: 500; }
.tile:is([data-state="unavailable"], [data-state="unfinished"]) { border-style: dashed; }
.tile[data-cut] .bar { opacity: .5; }
.tile[data-cut] .bar * { animation: none; }
.tile[data-state="unavailable"] .tile-icon { opacity: .7; }

.tile-description { margin-block-start: .25em; overflow-wrap: anywhere; white-space: pre-line; }
.tile-custom { display: grid; grid-template-columns: fit-content(45%) 1fr; gap: .1em .8em; margin-block-start: .35em; }
.tile-custom > div { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; }
.tile-custom dt { color: var(--muted); overflow-wrap: anywhere; }
.tile-custom dd { overflow-wrap: anywhere; }
details { position: relative; z-index: 1; margin-block: .1em; }
details:not([open]) { margin-block-end: -.4em; }
summary { inline-size: fit-content; min-block-size: 24px; align-content: center; cursor: pointer; color: var(--accent); border-radius: .3em; }
summary::marker { font-size: .85em; }
.tile-actions, .tile-description, .tile-custom { position: relative; z-index: 1; }
.tile-description, .tile-custom { pointer-events: none; }

@container attache (inline-size < 26em) {
  .tile { padding: calc(var(--gap) * 1.2); gap: calc(var(--gap) * 1.2); }
}
@media (forced-colors: active) {
  .bar { border: 1px solid CanvasText; }
  .bar-sent { background: GrayText; forced-color-adjust: none; }
  .bar-stored { background: Highlight; forced-color-adjust: none; }
  button.tile-name[aria-disabled] { cursor: default; }
.tile:has(button.tile-name:hover:not([aria-disabled])) { border-color: Highlight; }
  .glyph-done { color: CanvasText; }
  .tile:has(button.tile-name:hover) .glyph-download { color: Highlight; }
  .tile[data-state="failed"] { border-style: double; border-width: 3px; }
}
`;
