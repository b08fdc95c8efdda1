import { all, focusIn } from './dom.js';

/** What has the focus, in terms that another pane can find. @typedef {{ part: string, key: string, id: string }} FocusMark */

/** @param {HTMLElement} pane @returns {FocusMark | undefined} */
export function focusMark(pane) {
  const node = focusIn(pane);
  if (!node) return undefined;
  const tile = /** @type {HTMLElement | null} */ (node.closest('.tile'));
  return { part: node.getAttribute('part') ?? '', key: tile?.dataset.key ?? '', id: tile?.dataset.id ?? '' };
}

/** Returns what has the mark in another pane. @param {HTMLElement} pane @param {FocusMark} mark @returns {HTMLElement | undefined} */
export function findFocus(pane, { part, key, id }) {
  const within = key === '' && id === '' ? pane
    : all(pane, '.tile').find((node) => {
      const { dataset } = /** @type {HTMLElement} */ (node);
      return id !== '' ? dataset.id === id : dataset.key === key;
    });
  const nodes = within ? all(within, '*') : [];
  return /** @type {HTMLElement | undefined} */ (nodes.find((node) => node.getAttribute('part') === part));
}
