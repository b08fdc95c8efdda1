import { draw } from './dom.js';

/** @typedef {import('../codes.js').Kind} Kind */

/**
 * The file icons: a page with a folded corner, a colour and a mark for each kind, and the
 * extension on a tag. Everything is drawn in `currentColor` on `Canvas`, so an icon
 * follows light, dark and forced colours.
 */

const page = 'M9 2h16.5L35 11.5V42a4 4 0 0 1-4 4H9a4 4 0 0 1-4-4V6a4 4 0 0 1 4-4Z';
const fold = 'M25.5 2v6a3.5 3.5 0 0 0 3.5 3.5h6Z';
const warning = 'M8.8.7l6.8 11.6a.9.9 0 0 1-.8 1.3H1.2a.9.9 0 0 1-.8-1.3L7.2.7a.9.9 0 0 1 1.6 0Z';

/** Each kind's colour in light and dark; `--attache-kind-NAME` replaces it. */
export const colors = /** @type {const} */ ({
  image: ['#0b7a5e', '#56d0ab'],
  audio: ['#a1338f', '#ec92e0'],
  video: ['#6d42cf', '#b79cf8'],
  pdf: ['#c22f27', '#ff8f86'],
  document: ['#275fc4', '#8ab2ff'],
  sheet: ['#1c7a37', '#72d191'],
  slides: ['#b3500b', '#ffab70'],
  text: ['#55627a', '#aebacd'],
  code: ['#444ab0', '#a5abff'],
  data: ['#0a7188', '#63cfe2'],
  archive: ['#806210', '#dfbf62'],
  mail: ['#b1355f', '#f896ba'],
  font: ['#785342', '#d6b09e'],
  program: ['#3a414c', '#ccd3dd'],
  unknown: ['#6a7280', '#a3acba'],
});

/** The mark of each kind in the field 10…30 × 13…26: strokes, and fills after `+`. @type {Record<Kind, string>} */
const marks = {
  image: 'M11 25.5l6-7.5 4.7 5.6 2.6-3 4.7 4.9Z + M15.2 13a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z',
  audio: 'M12 18v3.5M16 14.5V25M20 17v5.5M24 13v13.5M28 17.5V22',
  video: '+ M15 13.3v12.4a1 1 0 0 0 1.5.9l10.4-6.2a1 1 0 0 0 0-1.8l-10.4-6.2a1 1 0 0 0-1.5.9Z',
  pdf: 'M20.5 15H28M20.5 19.5H28M12 25h16 + M12.8 14h3.9a.8.8 0 0 1 .8.8v4.9a.8.8 0 0 1-.8.8h-3.9a.8.8 0 0 1-.8-.8v-4.9a.8.8 0 0 1 .8-.8Z',
  document: 'M12 14.5h9M12 19.75h16M12 25h16',
  sheet: 'M12.5 14h15a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1h-15a1 1 0 0 1-1-1V15a1 1 0 0 1 1-1ZM11.5 18.2h17M11.5 22.2h17M17.5 14v12',
  slides: 'M11 13.5h18M12.5 13.5v8.3a.8.8 0 0 0 .8.8h13.4a.8.8 0 0 0 .8-.8v-8.3M20 22.6v1.6M16.5 26.6l3.5-2.4 3.5 2.4',
  text: 'M12 14h16M12 18h11M12 22h16M12 26h7',
  code: 'M16 15l-4.8 4.8 4.8 4.8M24 15l4.8 4.8-4.8 4.8M21.4 13.6l-2.8 12.4',
  data: 'M20 13.2c4 0 7 1 7 2.4s-3 2.4-7 2.4-7-1-7-2.4 3-2.4 7-2.4ZM13 15.6v8.6c0 1.4 3 2.4 7 2.4s7-1 7-2.4v-8.6M13 19.9c0 1.4 3 2.4 7 2.4s7-1 7-2.4',
  archive: 'M17.4 5.2H20M20 8.4h2.6M17.4 11.6H20M20 14.8h2.6 + M18.2 18.4h3.6a.9.9 0 0 1 .9.8l.8 5.2a2.1 2.1 0 0 1-2.1 2.4h-2.8a2.1 2.1 0 0 1-2.1-2.4l.8-5.2a.9.9 0 0 1 .9-.8Z',
  mail: 'M12 14h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H12a1 1 0 0 1-1-1V15a1 1 0 0 1 1-1ZM11.4 15l8.6 6 8.6-6',
  font: 'M11 26l4.8-12.5L20.6 26M12.6 22h6.4M28.8 18.8V26M28.8 22.4a2.9 3.2 0 1 1-5.8 0 2.9 3.2 0 0 1 5.8 0Z',
  program: 'M12 13.5h16a1 1 0 0 1 1 1v10.5a1 1 0 0 1-1 1H12a1 1 0 0 1-1-1V14.5a1 1 0 0 1 1-1ZM14.5 17.3l2.7 2.5-2.7 2.5M19.8 22.5h5',
  unknown: 'M16.4 17.2a3.7 3.7 0 1 1 5.4 3.2c-1.2.7-1.7 1.3-1.7 2.4 + M20.1 25a1.3 1.3 0 1 1 0 2.6 1.3 1.3 0 0 1 0-2.6Z',
};

/**
 * Draws the icon of a file. It is decorative: the name next to it says the same.
 *
 * @param {Kind} kind
 * @param {string} [extension] written on it, without the dot
 * @param {boolean} [careful] adds the mark that asks for caution
 * @returns {SVGSVGElement}
 */
export function icon(kind, extension = '', careful = false) {
  const known = kind in marks ? kind : 'unknown';
  const [light, dark] = colors[known];
  const label = short(extension);
  return draw(
    'svg',
    {
      viewBox: '0 0 40 48',
      'aria-hidden': 'true',
      'data-kind': known,
      color: `var(--attache-kind-${known}, light-dark(${light}, ${dark}))`,
    },
    draw('path', { d: page, fill: 'Canvas' }),
    draw('path', { d: page, fill: 'currentColor', 'fill-opacity': 0.1, stroke: 'currentColor', 'stroke-opacity': 0.5, 'stroke-width': 1.2 }),
    draw('path', { d: fold, fill: 'currentColor', 'fill-opacity': 0.5 }),
    ...mark(known),
    ...(label === '' ? [] : tag(label)),
    ...(careful ? caution() : []),
  );
}

/** At most six characters: more cannot be read at the size of an icon. @param {string} extension */
export function short(extension) {
  const letters = [...extension.toUpperCase()];
  return letters.length <= 6 ? letters.join('') : `${letters.slice(0, 5).join('')}…`;
}

/** @param {Kind} kind */
function mark(kind) {
  const [strokes, fills] = marks[kind].split('+').map((path) => path.trim());
  const line = { fill: 'none', stroke: 'currentColor', 'stroke-width': 1.8, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };
  return [
    ...(strokes ? [draw('path', { d: strokes, ...line })] : []),
    ...(fills ? [draw('path', { d: fills, fill: 'currentColor' })] : []),
  ];
}

/** @param {string} label */
function tag(label) {
  const length = [...label].length;
  const size = length <= 4 ? 9 : 44 / (length + 1);
  return [
    draw('rect', { x: 1, y: 30.5, width: 32, height: 12, rx: 2.5, fill: 'currentColor' }),
    draw(
      'text',
      {
        x: 17,
        y: 36.5 + size * 0.36,
        fill: 'Canvas',
        'font-size': size,
        'font-weight': 700,
        'font-family': 'inherit',
        'text-anchor': 'middle',
        direction: 'ltr',
      },
      label,
    ),
  ];
}

function caution() {
  return [
    draw('path', {
      d: warning,
      color: 'var(--attache-warning, light-dark(#a34d00, #ffb454))',
      fill: 'currentColor',
      stroke: 'Canvas',
      'stroke-width': 2.4,
      'paint-order': 'stroke',
    }),
    draw('path', { d: 'M8 3.8V8', stroke: 'Canvas', 'stroke-width': 1.9, 'stroke-linecap': 'round' }),
    draw('circle', { cx: 8, cy: 10.9, r: 1.15, fill: 'Canvas' }),
  ];
}
