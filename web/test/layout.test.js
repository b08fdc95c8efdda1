import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('..', import.meta.url));

/** The folders that each may import from, types included, beside the public files at the top. */
const allowed = {
  session: ['dist', 'session'],
  widget: ['session', 'widget'],
};

/** Returns what a file imports, as paths from web/. @param {string} file @param {RegExp} how @returns {string[]} */
function imports(file, how) {
  return [...readFileSync(web + file, 'utf8').matchAll(how)].map(([, name]) => new URL(name, `file:///${file}`).pathname.slice(1));
}

for (const [folder, folders] of Object.entries(allowed)) {
  test(`${folder}/ imports from ${folders.join(', ')} and the top only`, () => {
    const files = readdirSync(web + folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
    assert.notEqual(files.length, 0);
    for (const file of files) {
      for (const path of imports(`${folder}/${file}`, /(?:\bfrom |\bimport |\bimport\()'(\.[^']+)'/g)) {
        const parts = path.split('/');
        assert.ok(parts.length === 1 || folders.includes(parts[0]), `${folder}/${file} imports ${path}`);
      }
    }
  });
}

test('a page that only shows the element loads no WebAssembly', () => {
  const loaded = new Set(['element.js']);
  for (const file of loaded) for (const path of imports(file, /^(?:import|export)\b[^'"(]*'(\.[^']+)';$/gm)) loaded.add(path);
  assert.ok(loaded.has('session/error.js') && loaded.has('widget/pane.js'));
  assert.deepEqual([...loaded].filter((path) => path === 'loader.js' || path === 'attache.js' || path.startsWith('dist/')), []);
});
