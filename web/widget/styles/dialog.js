/** Dialogs over the page: the viewer, questions, the library of responses. */
export const dialogStyles = `
.dialog {
  inline-size: min(60em, 94vw);
  max-inline-size: none;
  max-block-size: 92dvh;
  padding: 0;
  border: 1px solid var(--border);
  border-radius: var(--radius);
  background: var(--surface);
  color: var(--text);
  font: inherit;
  box-shadow: var(--shadow);
  overflow: hidden;
}
.dialog[open] { display: flex; flex-direction: column; }
.dialog::backdrop { background: rgb(0 0 0 / .55); }
.dialog-head { display: flex; align-items: center; gap: var(--gap); padding: var(--gap) calc(var(--gap) * 1.5); border-block-end: 1px solid var(--border); background: var(--raised); }
.dialog-title { flex: 1; min-inline-size: 0; margin: 0; font-size: 1em; font-weight: 650; overflow-wrap: anywhere; }
.dialog-actions { display: flex; gap: var(--gap); }
.dialog-close { flex: none; }
.dialog-body { flex: 1; min-block-size: 0; overflow: auto; display: flex; flex-direction: column; }

.viewer .dialog-body { align-items: center; justify-content: safe center; min-block-size: 8em; background: light-dark(#f1f3f7, #0c0e11); }
.viewer-media { display: block; max-inline-size: 100%; max-block-size: 80dvh; }
audio.viewer-media { inline-size: 100%; margin: 1.5em; max-inline-size: calc(100% - 3em); }
img.viewer-media { background: repeating-conic-gradient(light-dark(#e3e6ec, #23272e) 0 25%, light-dark(#ffffff, #181b20) 0 50%) 0 0 / 20px 20px; }
.viewer-text {
  align-self: stretch;
  flex: 1;
  margin: 0;
  padding: calc(var(--gap) * 2);
  background: var(--surface);
  font: .9em/1.45 ui-monospace, "Liberation Mono", Menlo, Consolas, monospace;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
  overflow: auto;
  tab-size: 4;
}
.viewer-text:focus-visible { outline-offset: -3px; }
.viewer-note { padding: 2em; color: var(--muted); text-align: center; }

.question { inline-size: min(30em, 94vw); }
.question .dialog-body { padding: calc(var(--gap) * 2) calc(var(--gap) * 1.5) calc(var(--gap) * 1.5); gap: calc(var(--gap) * 2); }
.question-text { overflow-wrap: anywhere; }
.pushed-address { display: block; padding: .6em .8em; border: 1px solid var(--border); border-radius: calc(var(--radius) * .6); background: var(--raised); font-size: .9em; max-block-size: 12em; overflow: auto; }
.question-buttons { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: var(--gap); }

.library { inline-size: min(38em, 94vw); block-size: min(40em, 92dvh); }
.library .dialog-body { padding: calc(var(--gap) * 1.5); gap: var(--gap); overflow: hidden; }
.responses-search { padding: .5em .7em; border: 1px solid light-dark(#8b93a1, #6b7483); border-radius: var(--radius); background: var(--surface); color: var(--text); font: inherit; }
.responses-search::placeholder { color: var(--muted); opacity: 1; }
.responses-search:focus { outline: none; border-color: var(--focus); box-shadow: 0 0 0 1px var(--focus); }
.responses-status { font-size: .82em; color: var(--muted); }
.responses { flex: 1; min-block-size: 4em; overflow: auto; border: 1px solid var(--border); border-radius: var(--radius); }
.responses:empty { visibility: hidden; }
.responses[aria-disabled] { opacity: .5; }
.responses-heading { position: sticky; inset-block-start: 0; padding: .35em .8em; background: var(--raised); color: var(--muted); font-size: .82em; font-weight: 600; border-block-end: 1px solid var(--border); }
.response { display: flex; flex-direction: column; align-items: flex-start; gap: .1em; padding: .5em .8em; border-inline-start: .2em solid transparent; cursor: pointer; overflow-wrap: anywhere; }
.response-name { font-weight: 600; }
.response-facts { font-size: .86em; color: var(--muted); }
.response:hover { background: color-mix(in oklab, var(--text) 5%, transparent); }
.response[aria-selected="true"] { background: color-mix(in oklab, var(--accent) 12%, var(--surface)); border-color: var(--accent); }
.response[aria-selected="true"] .response-facts { color: var(--text); }
.library .text-button { align-self: center; }
.library .refusal:empty { display: none; }

@media (forced-colors: active) {
  .dialog { border-color: CanvasText; }
  .response[aria-selected="true"] { outline: 2px solid Highlight; outline-offset: -2px; }
}
`;
