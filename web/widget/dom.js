/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Makes an element. Attributes with `false`, `null` or `undefined` are left
 * out, `true` is written as the empty string. Nothing here parses HTML, so the
 * strictest content security policy has nothing to object to.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * Makes an SVG element.
 *
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * Writes a text only where it is another, so that screen readers are not told
 * the same thing again.
 *
 * @param {Node} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * What matches within a node, in its order: by a loop, because old pages give
 * NodeList another iterator, or none.
 *
 * @param {ParentNode} root @param {string} selector @returns {Element[]}
 */
export function all(root, selector) {
  const list = root.querySelectorAll(selector);
  const found = [];
  for (let i = 0; i < list.length; i += 1) found.push(list[i]);
  return found;
}

/** Returns what has the focus if it is a node or in it, also within a shadow root. @param {Node} node @returns {Element | null} */
export function focusIn(node) {
  const { activeElement } = /** @type {ShadowRoot | Document} */ (node.getRootNode());
  return node.contains(activeElement) ? activeElement : null;
}

/** Whether the focus is in a node. @param {Node} node */
export function hasFocus(node) {
  return focusIn(node) !== null;
}

/** Takes a node out of the document. `remove` may mean something else on an old page. @param {Node | null | undefined} node */
export function discard(node) {
  node?.parentNode?.removeChild(node);
}

/**
 * Writes facts that stand beside each other, none of which the direction of the
 * page or of another one turns round.
 *
 * @param {Node & ParentNode} node
 * @param {'ltr' | 'rtl'} direction of the language that they are in
 * @param {string[]} facts
 */
export function writeFacts(node, direction, ...facts) {
  if (node.textContent === facts.join(' · ')) return;
  const [first, ...rest] = facts.map((fact) => make('bdi', {}, fact));
  node.replaceChildren(make('bdi', { dir: direction }, first, ...rest.flatMap((fact) => [' · ', fact])));
}
