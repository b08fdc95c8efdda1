import assert from 'node:assert/strict';
import test from 'node:test';
import { EnterKey } from '../widget/enterkey.js';

/** @param {Partial<KeyboardEvent>} [event] */
const key = (event = {}) => ({ key: 'Enter', keyCode: 13, isComposing: false, shiftKey: false, ...event });
const line = (inputType = 'insertLineBreak', isComposing = false) => ({ inputType, isComposing });

/** @type {[string, Partial<KeyboardEvent>, boolean][]} */
const keys = [
  ['Enter', {}, true],
  ['Enter with Ctrl', { ctrlKey: true }, true],
  ['Enter with Shift', { shiftKey: true }, false],
  ['Chromium and Firefox: Enter within a conversion', { isComposing: true, keyCode: 229 }, false],
  ['Firefox: the key of the input method', { key: 'Process', isComposing: true, keyCode: 229 }, false],
  ['Safari: Enter that ended a conversion', { keyCode: 229 }, false],
  ['Gboard: Enter within a word', { isComposing: true }, true],
  ['Gboard: Shift and Enter within a word', { isComposing: true, shiftKey: true }, false],
  ['a letter', { key: 'a', keyCode: 65 }, false],
  ['Android: a key without a name', { key: 'Unidentified', keyCode: 229 }, false],
];

for (const [what, event, want] of keys) {
  test(`B20 ${what} ${want ? 'sends' : 'does not send'}`, () => assert.equal(new EnterKey().pressed(key(event)), want));
}

test('B20 Safari: a conversion ends, then the next Enter sends', () => {
  const enter = new EnterKey();
  assert.equal(enter.pressed(key({ keyCode: 229 })), false);
  assert.equal(enter.writes(line('insertFromComposition')), false);
  assert.equal(enter.pressed(key()), true);
});

test('B20 Korean: Enter within a syllable ends it, and the Enter that follows sends', () => {
  const enter = new EnterKey();
  assert.equal(enter.pressed(key({ isComposing: true, keyCode: 229 })), false);
  assert.equal(enter.pressed(key()), true);
});

test('B20 Android: a line break after a key without a name sends', () => {
  const enter = new EnterKey();
  enter.pressed(key({ key: 'Unidentified', keyCode: 229 }));
  assert.equal(enter.writes(line()), true);
  assert.equal(enter.writes(line()), false, 'once');
  enter.pressed(key({ key: 'Unidentified', keyCode: 229 }));
  assert.equal(enter.writes(line('insertText')), false, 'a letter');
  enter.pressed(key({ key: 'Unidentified', keyCode: 229, isComposing: true }));
  assert.equal(enter.writes(line('insertCompositionText', true)), false, 'a letter of a word');
  enter.pressed(key({ key: 'Unidentified', keyCode: 229, isComposing: true }));
  assert.equal(enter.writes(line('insertLineBreak', true)), true, 'within a word');
});

test('B20 a line break with Shift, or without a key, does not send', () => {
  const enter = new EnterKey();
  assert.equal(enter.writes(line()), false);
  enter.pressed(key({ shiftKey: true }));
  assert.equal(enter.writes(line()), false);
  enter.pressed(key({ shiftKey: true, keyCode: 229 }));
  assert.equal(enter.writes(line()), false);
});
