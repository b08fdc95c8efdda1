/** Returns 128 random bits in hex: the key of one action of a user, wherever it is mentioned. */
export function randomKey() {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

/** Whether a value has the form of a key. @param {unknown} value @returns {value is string} */
export function isKey(value) {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);
}

/**
 * Returns bytes in lower-case hex. It uses a loop, because old libraries (Magento,
 * MooTools, Prototype) replace the language's `Array.from`.
 *
 * @param {ArrayLike<number>} numbers bytes, or words of more digits
 * @param {number} [digits] of each
 */
export function hex(numbers, digits = 2) {
  let text = '';
  for (let i = 0; i < numbers.length; i += 1) text += `00000000${(numbers[i] >>> 0).toString(16)}`.slice(-digits);
  return text;
}
