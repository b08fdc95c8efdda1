/** The transcript: bubbles, groups, news, days. */
export const transcriptStyles = `
.scroller { position: relative; flex: 1; min-block-size: 0; display: grid; }
.transcript {
  display: flex;
  flex-direction: column;
  min-block-size: 0;
  overflow-y: auto;
  overscroll-behavior: contain;
  padding: calc(var(--gap) * 1.5) calc(var(--gap) * 2) calc(var(--gap) * 2);
  scrollbar-width: thin;
  scrollbar-color: var(--border) transparent;
}
.transcript:focus-visible { outline-offset: -3px; }
.events, .pending { display: flex; flex-direction: column; }
.log { margin-block-start: auto; }

.item {
  display: flex;
  flex-direction: column;
  align-items: flex-start;
  margin-block-start: calc(var(--gap) * .6);
  animation: arrive var(--duration) ease-out;
}
/* Items out of sight are not laid out. This clips, so focus rings stay inside. */
.events > .item { content-visibility: auto; contain-intrinsic-size: auto 4em; }
.log[aria-busy] .item, .item.file { animation: none; }
.item.file, .item.file + .item { margin-block-start: calc(var(--gap) * .9); }
.item.own { align-items: flex-end; }
.item.item.news { align-items: center; margin-block-start: calc(var(--gap) * 1.2); }
.item.news + .item.item.news { margin-block-start: calc(var(--gap) * .3); }
.item.item.first { margin-block-start: calc(var(--gap) * 1.8); }

.head {
  display: flex;
  align-items: baseline;
  flex-wrap: wrap;
  gap: 0 .55em;
  margin-block-end: calc(var(--gap) * .5);
  padding-inline: .2em;
  font-size: .86em;
  color: var(--muted);
}
.head .nickname { font-weight: 600; color: var(--text); overflow-wrap: anywhere; }
.head .nickname:is([data-type="AGENT"], [data-type="SUPERVISOR"]) { color: var(--agent); }
.head .nickname[data-type="CLIENT"] { color: var(--customer); }
.visibility { padding-inline: .5em; border: 1px solid var(--warning); border-radius: 1em; color: var(--warning); font-size: .92em; }
.line.gone { padding: .3em .7em; border: 1px dashed var(--border); border-radius: var(--radius); text-align: start; }
.pushed { margin-inline-start: .3em; font-size: 1em; max-inline-size: 100%; overflow-wrap: anywhere; }
.typing { padding-inline: calc(var(--gap) * 2); font-size: .86em; color: var(--muted); background: var(--surface); overflow-wrap: anywhere; }
.typing.on { padding-block: .3em .45em; }
.typing.on::after { content: "…"; animation: breathe 1.4s ease-in-out infinite; }
.line .visibility { display: inline-block; margin-inline-start: .5em; }
.item:is([data-visibility="INT"], [data-visibility="VIP"]) :is(.bubble, .tile) { border: 1px dashed var(--warning); }

.bubble {
  max-inline-size: min(88%, 34em);
  padding: .45em .8em;
  border-radius: var(--bubble-radius);
  background: var(--bubble);
  color: var(--on-bubble);
  text-align: start;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.link { color: inherit; text-underline-offset: .15em; overflow-wrap: anywhere; pointer-events: auto; }
.link[data-host]::after { content: " (" attr(data-host) ")"; }
.own .bubble { background: var(--bubble-own); color: var(--on-bubble-own); }
.first.other .bubble { border-start-start-radius: .3em; }
.first.own .bubble { border-start-end-radius: .3em; }
.pending .bubble { opacity: .65; }

.line { max-inline-size: 100%; font-size: .86em; color: var(--muted); text-align: center; overflow-wrap: anywhere; }
.day {
  align-self: stretch;
  display: flex;
  align-items: center;
  gap: 1em;
  margin-block: calc(var(--gap) * 1.2) calc(var(--gap) * 1.2);
  font-size: .8em;
  color: var(--muted);
}
.day::before, .day::after { content: ""; flex: 1; border-block-start: 1px solid var(--border); }
.events > .item:first-child, .events > .item:first-child > .day { margin-block-start: 0; }

.empty { margin: auto; padding: 1.5em; text-align: center; color: var(--muted); }
.empty-icons { display: flex; justify-content: center; margin-block-end: .8em; }
.empty-icons svg { inline-size: 2.6em; overflow: visible; opacity: .85; }
.empty-icons svg:first-child { transform: translate(.35em, .3em) rotate(-10deg); }
.empty-icons svg:nth-child(2) { z-index: 1; opacity: 1; }
.empty-icons svg:last-child { transform: translate(-.35em, .3em) rotate(10deg); }
.empty-title { font-weight: 600; color: var(--text); }
.log:has(~ .empty:not([hidden])) { margin: 0; }

.jump {
  position: absolute;
  inset-block-end: calc(var(--gap) * 1.5);
  inset-inline: 0;
  margin-inline: auto;
  inline-size: fit-content;
  display: flex;
  align-items: center;
  gap: .4em;
  min-block-size: 2em;
  padding-inline: .8em 1em;
  border: 1px solid var(--border);
  border-radius: 1em;
  background: var(--raised);
  box-shadow: var(--shadow);
  font-size: .86em;
  font-weight: 500;
}
.jump:hover { border-color: var(--muted); }

@container attache (inline-size < 26em) {
  .transcript { padding-inline: calc(var(--gap) * 1.4); }
}
@media (forced-colors: active) {
  .bubble, .jump { border: 1px solid CanvasText; }
  .own .bubble { border-width: 2px; }
}
`;
