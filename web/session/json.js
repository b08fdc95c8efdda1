/**
 * Plain values as JSON. What `JSON.stringify` writes of arrays and objects is up
 * to the page, where an old library gives their prototypes a `toJSON`
 * (Prototype, MooTools); of strings and numbers it is not.
 *
 * @param {unknown} value strings, finite numbers, booleans, null, and arrays and objects of them
 * @returns {string}
 * @throws {TypeError} of functions and the like
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
