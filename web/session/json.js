/**
 * Returns a plain value as JSON. On old pages `JSON.stringify` cannot be trusted with arrays and objects, because a library
 * (Prototype, MooTools) gives their prototypes a `toJSON`; with strings and numbers it can.
 *
 * @param {unknown} value strings, finite numbers, booleans, null, and arrays and objects of them
 * @returns {string}
 * @throws {TypeError} for functions, symbols and bigints
 */
export function stringify(value) {
  if (value === null || value === undefined) return 'null';
  if (['function', 'symbol', 'bigint'].includes(typeof value)) throw new TypeError(`a ${typeof value} cannot be written as JSON`);
  if (typeof value !== 'object') return JSON.stringify(value);
  let text = '';
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) text += `${i > 0 ? ',' : ''}${stringify(value[i])}`;
    return `[${text}]`;
  }
  const object = /** @type {Record<string, unknown>} */ (value);
  for (const key of Object.getOwnPropertyNames(object)) {
    if (object[key] !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${stringify(object[key])}`;
  }
  return `{${text}}`;
}
