import { draw } from './dom.js';

/** The icons on buttons, as strokes in a 20 × 20 view box. */
const strokes = {
  attach: 'M15.6 9.2l-5.9 5.9a3.7 3.7 0 0 1-5.2-5.2l6.4-6.4a2.5 2.5 0 0 1 3.5 3.5l-6.3 6.3a1.2 1.2 0 0 1-1.7-1.7l5.4-5.4',
  send: 'M10 16V4.5M5 9.5l5-5 5 5',
  download: 'M10 3.5v9M6 9l4 4 4-4M4 16.5h12',
  cancel: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
  done: 'M4.5 10.5l3.7 3.7 7.3-8',
  retry: 'M15.8 8.5A6.2 6.2 0 1 0 16 12M16.2 4v4.5h-4.5',
  down: 'M10 4v11.5M5 10.5l5 5 5-5',
  library: 'M3.5 4.5h3v11h-3zM7.5 4.5h3v11h-3zM11.6 5.2l2.9-.8 2.8 10.6-2.9.8z',
  delete: 'M4 5.5h12M8 5.5V3.8h4v1.7M5.5 5.5l.7 10.7h7.6l.7-10.7M8.5 8.5v5M11.5 8.5v5',
  drop: 'M10 2.5v9M6.5 8.5l3.5 3.5 3.5-3.5M3 12.5v2.5a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2v-2.5',
};

/** @param {keyof typeof strokes} name @returns {SVGSVGElement} */
export function glyph(name) {
  return draw('svg', { viewBox: '0 0 20 20', 'aria-hidden': 'true', class: `glyph glyph-${name}` }, draw('path', {
    d: strokes[name],
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': 1.7,
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
  }));
}
