// Run by npm before it packs the folder: a package without the module, or with one of another
// build, installs well and fails in the browser.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const dist = new URL('dist/', import.meta.url);

/** @param {string} name */
function read(name) {
  try {
    return readFileSync(new URL(name, dist));
  } catch {
    throw new Error(`web/dist/${name} is missing: run make pack, or make wasm before npm pack`);
  }
}

try {
  const named = /sha256: '([0-9a-f]+)'/.exec(read('build.js').toString())?.[1];
  const found = createHash('sha256').update(read('attache.wasm')).digest('hex');
  if (named !== found) throw new Error('web/dist/build.js is of another build than attache.wasm: run make wasm');
  for (const name of ['attache.wasm.br', 'attache.wasm.gz', 'wasm_exec.js']) read(name);
} catch (error) {
  console.error(`prepack: ${error.message}`);
  process.exit(1);
}
