import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import test from 'node:test';

const folder = new URL('../', import.meta.url);

test('the element can be imported where there is no DOM', async () => {
  assert.equal(globalThis.HTMLElement, undefined);
  const { AttacheChat, addLocale } = await import('../element.js');
  assert.deepEqual(AttacheChat.observedAttributes, ['url', 'token', 'heading', 'lang', 'readonly']);
  assert.equal(typeof addLocale, 'function');
});

test('every documented custom property is used and every used one is documented', async () => {
  const text = await readFile(new URL('styles.js', folder), 'utf8');
  const [documentation, sheet] = [text.slice(0, text.indexOf('*/')), text.slice(text.indexOf('*/'))];
  const names = (/** @type {string} */ part) => [...new Set(part.match(/--attache-[a-z]+(?:-[a-z]+)*/g))].filter((name) => !name.startsWith('--attache-kind')).sort();
  assert.deepEqual(names(documentation), names(sheet));
});

test('nothing parses HTML or writes inline style, which strict policies refuse', async () => {
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|DOMParser|document\.write|setAttribute\('style'|style=|\.cssText|eval\(|new Function/;
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.js'))) {
    const text = await readFile(new URL(name, folder), 'utf8');
    assert.doesNotMatch(text, forbidden, name);
  }
  assert.doesNotMatch(await readFile(new URL('../index.html', folder), 'utf8'), / style=|<style| on\w+=/);
});
