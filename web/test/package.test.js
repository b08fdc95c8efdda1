import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(`${web}package.json`, 'utf8'));
const locales = readdirSync(`${web}widget/locales`).filter((name) => name.endsWith('.js'));

/** The files that `npm publish` would include. */
const packed = new Set(JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: web, encoding: 'utf8', stdio: 'pipe' }))[0]
  .files.map(({ path }) => path));

const targets = Object.values(manifest.exports)
  .flatMap((entry) => typeof entry === 'string' ? [entry] : Object.values(entry))
  .flatMap((path) => path.includes('*') ? locales.map((name) => path.replace('*.js', name)) : [path])
  .map((path) => path.replace('./', ''))
  .filter((path) => !path.includes('*'));

test('every export is in the package', () => {
  assert.deepEqual(targets.filter((path) => !packed.has(path)), []);
});

test('types come first, as TypeScript requires', () => {
  for (const entry of Object.values(manifest.exports)) {
    if (typeof entry !== 'string') assert.equal(Object.keys(entry)[0], 'types');
  }
});

test('every import of a packed file is in the package', () => {
  for (const path of [...packed].filter((name) => name.endsWith('.js'))) {
    const text = readFileSync(web + path, 'utf8');
    for (const [, name] of text.matchAll(/(?:^import\b[^'"]*|\bfrom |\bimport\()['"](\.[^'"]+)['"]/gm)) {
      const wanted = new URL(name, `file:///${path}`).pathname.slice(1);
      assert.ok(packed.has(wanted), `${path} imports ${wanted}`);
    }
  }
});

// A consumer's compiler reads no types from JavaScript.
test('every module with an export, and every import of a declaration, has a packed declaration', () => {
  for (const path of targets.filter((name) => name.endsWith('.js'))) {
    assert.ok(packed.has(path.replace(/\.js$/, '.d.ts')), `${path} has no declaration`);
  }
  for (const path of [...packed].filter((name) => name.endsWith('.d.ts'))) {
    for (const [, name] of readFileSync(web + path, 'utf8').matchAll(/^(?:import|export)\b[^'"]* from ['"](\.[^'"]+)['"]/gm)) {
      const wanted = new URL(name, `file:///${path}`).pathname.slice(1).replace(/\.js$/, '.d.ts');
      assert.ok(packed.has(wanted), `${path} takes types from ${wanted}`);
    }
  }
});

test('the package has public files only', () => {
  assert.deepEqual([...packed].filter((path) => !/\.(js|d\.ts|wasm(\.br|\.gz)?|json)$|^(README\.md|LICENSE)$/.test(path) || /^(demo|test|pack)\//.test(path)), []);
});

test('the package has a README and the LICENSE', () => {
  assert.deepEqual(['README.md', 'LICENSE'].filter((path) => !packed.has(path)), []);
  assert.equal(readFileSync(`${web}LICENSE`, 'utf8'), readFileSync(`${web}../LICENSE`, 'utf8'));
});

test('nothing is packed without the module, or with one of another build', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'prepack-'));
  const prepack = () => spawnSync(process.execPath, [join(dir, 'prepack.mjs')], { encoding: 'utf8' });
  try {
    await cp(`${web}prepack.mjs`, join(dir, 'prepack.mjs'));
    assert.match(prepack().stderr, /dist\/build\.js is missing: run make pack/);
    await cp(`${web}dist`, join(dir, 'dist'), { recursive: true });
    assert.equal(prepack().status, 0, prepack().stderr);
    await appendFile(join(dir, 'dist/attache.wasm'), ' ');
    assert.match(prepack().stderr, /another build/);
    assert.equal(prepack().status, 1);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('a host without compression of its own has the compressed module', () => {
  assert.deepEqual(['br', 'gz'].filter((ending) => !packed.has(`dist/attache.wasm.${ending}`)), []);
});
