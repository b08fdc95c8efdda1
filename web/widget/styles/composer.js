/** The composer, and the overlay over everything while files are dragged. */
export const composerStyles = `
.composer { padding: calc(var(--gap) * 1.2) calc(var(--gap) * 1.5); border-block-start: 1px solid var(--border); background: var(--raised); }
.field-row {
  display: flex;
  align-items: flex-end;
  gap: .15em;
  padding: .25em;
  border: 1px solid light-dark(#8b93a1, #6b7483);
  border-radius: calc(var(--radius) + .35em);
  background: var(--surface);
  cursor: text;
  transition: border-color var(--duration);
}
.field-row:has(.field:focus) { border-color: var(--focus); box-shadow: 0 0 0 1px var(--focus); }
.field-row:has(.field:disabled) { cursor: default; border-color: var(--border); }
.file-input { display: none; }
.field {
  flex: 1;
  min-inline-size: 0;
  min-block-size: 2.25em;
  max-block-size: 9em;
  padding: .42em .4em;
  border: 0;
  outline: none;
  resize: none;
  background: none;
  color: inherit;
  font: inherit;
  letter-spacing: inherit;
  field-sizing: content;
}
.field::placeholder { color: var(--muted); opacity: 1; }
.round {
  flex: none;
  display: grid;
  place-items: center;
  inline-size: max(2.25em, 24px);
  block-size: max(2.25em, 24px);
  border-radius: var(--radius);
  color: var(--muted);
  transition: background-color var(--duration), color var(--duration);
}
.round:hover:enabled { background: color-mix(in oklab, var(--text) 8%, transparent); color: var(--text); }
.round:disabled { opacity: .45; }
.send:enabled { background: var(--accent); color: var(--on-accent); }
.send:hover:enabled { background: color-mix(in oklab, var(--accent) 86%, var(--text)); color: var(--on-accent); }
.composer-row { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 .6em; }
.allowance, .composer .refusal { padding: .45em .5em 0; font-size: .82em; }
.visibility-choice {
  margin-block-start: .5em;
  min-block-size: 24px;
  padding: .1em .3em;
  border: 1px solid var(--border);
  border-radius: calc(var(--radius) * .6);
  background: var(--surface);
  color: var(--text);
  font: inherit;
  font-size: .82em;
}
.composer:is([data-visibility="INT"], [data-visibility="VIP"]) :is(.field-row, .visibility-choice) { border-color: var(--warning); border-style: dashed; }
.allowance { color: var(--muted); }
.composer .refusal:empty { padding: 0; }

.overlay { position: absolute; inset: 0; z-index: 2; display: grid; place-items: center; padding: calc(var(--gap) * 2); border-radius: var(--radius); background: color-mix(in oklab, var(--surface) 84%, transparent); backdrop-filter: blur(2px); pointer-events: none; }
.overlay::before { content: ""; position: absolute; inset: calc(var(--gap) * 1.2); border: 2px dashed var(--accent); border-radius: var(--radius); background: color-mix(in oklab, var(--accent) 7%, transparent); }
.overlay.closed::before { border-color: var(--muted); background: none; }
.overlay-card { position: relative; display: grid; justify-items: center; gap: .3em; text-align: center; color: var(--accent); }
.overlay.closed .overlay-card { color: var(--muted); }
.overlay-card .glyph { inline-size: 2.6em; block-size: 2.6em; }
.overlay-title { font-size: 1.15em; font-weight: 650; }
.overlay-text { font-size: .9em; color: var(--text); }

@media (forced-colors: active) {
  .round { border: 1px solid transparent; }
  .round:enabled { border-color: ButtonBorder; }
  .send:enabled { background: ButtonFace; color: ButtonText; }
  .round:disabled { color: GrayText; opacity: 1; }
  .field-row { border-color: CanvasText; }
  .overlay { background: Canvas; }
}
`;
