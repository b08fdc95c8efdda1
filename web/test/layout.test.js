import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('..', import.meta.url));

/** The folders that each may import from, types included, beside the public files at the top. */
const allowed = {
  base: ['base'],
  session: ['base', 'dist', 'session'],
  widget: ['base', 'widget'],
};

for (const [folder, folders] of Object.entries(allowed)) {
  test(`${folder}/ imports from ${folders.join(', ')} and the top only`, () => {
    const files = readdirSync(web + folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
    assert.notEqual(files.length, 0);
    for (const file of files) {
      for (const [, name] of readFileSync(`${web}${folder}/${file}`, 'utf8').matchAll(/(?:\bfrom |\bimport |\bimport\()'(\.[^']+)'/g)) {
        const parts = new URL(name, `file:///${folder}/${file}`).pathname.slice(1).split('/');
        assert.ok(parts.length === 1 || folders.includes(parts[0]), `${folder}/${file} imports ${parts.join('/')}`);
      }
    }
  });
}
