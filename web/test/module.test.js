import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

const folder = new URL('../', import.meta.url);

test('the element can be imported where there is no DOM', async () => {
  assert.equal(globalThis.HTMLElement, undefined);
  const { AttacheChat, addLocale } = await import('../element.js');
  assert.deepEqual(AttacheChat.observedAttributes, ['url', 'token', 'conversation', 'heading', 'lang', 'nickname', 'readonly', 'uploads-enabled']);
  assert.equal(typeof addLocale, 'function');
});

test('every documented custom property is used and every used one is documented', async () => {
  const text = await readFile(new URL('widget/styles/sheet.js', folder), 'utf8');
  const [documentation, sheet] = [text.slice(0, text.indexOf('*/')), text.slice(text.indexOf('*/'))];
  const names = (/** @type {string} */ part) => [...new Set(part.match(/--attache-[a-z]+(?:-[a-z]+)*/g))].filter((name) => !name.startsWith('--attache-kind')).sort();
  assert.deepEqual(names(documentation), names(sheet));
});
