/** The key code of a key that an input method has consumed. */
const consumed = 229;

/**
 * Distinguishes an Enter that sends from one that does not: with Shift it breaks the line,
 * and one that ends a conversion (Chinese, Japanese, Korean) belongs to the input
 * method. All browsers give that key the code 229; Safari no longer sets
 * `isComposing` then (WebKit bug 165004). `isComposing` itself is not enough: Gboard
 * composes every word until the space after it, and an Enter within has its own code
 * and sends. Android keyboards that report no keys give 229 for every key, and only
 * the line break that follows shows that it was Enter.
 */
export class EnterKey {
  #unnamed = false;

  /** Reports whether the key sends. @param {Pick<KeyboardEvent, 'key' | 'keyCode' | 'shiftKey'>} event of type keydown */
  pressed({ key, keyCode, shiftKey }) {
    this.#unnamed = keyCode === consumed && !shiftKey;
    return key === 'Enter' && keyCode !== consumed && !shiftKey;
  }

  /** Reports whether the line break about to be inserted is an Enter that was not reported. @param {Pick<InputEvent, 'inputType'>} event of type beforeinput */
  writes({ inputType }) {
    const sends = this.#unnamed && (inputType === 'insertLineBreak' || inputType === 'insertParagraph');
    this.#unnamed = false;
    return sends;
  }
}
