/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Makes an element. Attributes with `false`, `null` or `undefined` are left out, `true` is
 * written as the empty string. Nothing here parses HTML, so the strictest
 * Content-Security-Policy allows it.
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
 * Writes a text unless it is there already, so that screen readers do not announce it
 * again.
 *
 * @param {Node} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Returns the elements within a node that match, in document order. It uses a loop,
 * because old pages replace or remove the iterator of NodeList.
 *
 * @param {ParentNode} root @param {string} selector @returns {Element[]}
 */
export function all(root, selector) {
  const list = root.querySelectorAll(selector);
  const found = [];
  for (let i = 0; i < list.length; i += 1) found.push(list[i]);
  return found;
}

/** Returns the element that has the focus, if it is the node or in it; in a shadow root too. @param {Node} node @returns {Element | null} */
export function focusIn(node) {
  const { activeElement } = /** @type {ShadowRoot | Document} */ (node.getRootNode());
  return node.contains(activeElement) ? activeElement : null;
}

/** Reports whether the focus is in a node. @param {Node} node */
export function hasFocus(node) {
  return focusIn(node) !== null;
}

/** Removes a node from the document. Old pages may have replaced `remove`. @param {Node | null | undefined} node */
export function removeNode(node) {
  node?.parentNode?.removeChild(node);
}

/**
 * Writes facts side by side. Each is isolated, so neither the page's direction nor that of
 * another fact reorders it.
 *
 * @param {Node & ParentNode} node
 * @param {'ltr' | 'rtl'} direction of their language
 * @param {string[]} facts
 */
export function writeFacts(node, direction, ...facts) {
  if (node.textContent === facts.join(' · ')) return;
  const [first, ...rest] = facts.map((fact) => make('bdi', {}, fact));
  node.replaceChildren(make('bdi', { dir: direction }, first, ...rest.flatMap((fact) => [' · ', fact])));
}
