/** The code of a key that an input method has taken. */
const taken = 229;

/**
 * Tells the Enter that sends from those that do not: with Shift it breaks the
 * line, and one that ends a conversion (Chinese, Japanese, Korean) belongs to the
 * input method. All browsers give that key the code 229; Safari no longer says
 * `isComposing` then (WebKit bug 165004). `isComposing` itself is no sign: Gboard
 * composes every word until the space after it, and an Enter within has its own
 * code and sends. Keyboards of Android that name no key say 229 for every one,
 * and only the line break that follows tells that it was Enter.
 */
export class Enter {
  #soft = false;

  /** Whether the key sends. @param {Pick<KeyboardEvent, 'key' | 'keyCode' | 'shiftKey'>} event of type keydown */
  pressed({ key, keyCode, shiftKey }) {
    this.#soft = keyCode === taken && !shiftKey;
    return key === 'Enter' && keyCode !== taken && !shiftKey;
  }

  /** Whether what is about to be written is an Enter that was not named. @param {Pick<InputEvent, 'inputType'>} event of type beforeinput */
  writes({ inputType }) {
    const sends = this.#soft && (inputType === 'insertLineBreak' || inputType === 'insertParagraph');
    this.#soft = false;
    return sends;
  }
}
