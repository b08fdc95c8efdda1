/** The code of a key that an input method has taken. */
const taken = 229;

/**
 * Tells the Enter that sends from those that do not: with Shift it breaks the
 * line, and one that ends a conversion (Chinese, Japanese, Korean) belongs to the
 * input method. Chromium and Firefox say `isComposing` then; Safari ends the
 * composition before the key, which only the code 229 still tells (WebKit bug
 * 165004). Keyboards of Android that name no key say 229 for every one, and only
 * the line break that follows tells that it was Enter.
 */
export class Enter {
  #soft = false;

  /** Whether the key sends. @param {Pick<KeyboardEvent, 'key' | 'keyCode' | 'isComposing' | 'shiftKey'>} event of type keydown */
  pressed({ key, keyCode, isComposing, shiftKey }) {
    this.#soft = keyCode === taken && !isComposing && !shiftKey;
    return key === 'Enter' && keyCode !== taken && !isComposing && !shiftKey;
  }

  /** Whether what is about to be written is an Enter that was not named. @param {Pick<InputEvent, 'inputType' | 'isComposing'>} event of type beforeinput */
  writes({ inputType, isComposing }) {
    const sends = this.#soft && !isComposing && (inputType === 'insertLineBreak' || inputType === 'insertParagraph');
    this.#soft = false;
    return sends;
  }
}
