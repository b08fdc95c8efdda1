import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const web = fileURLToPath(new URL('..', import.meta.url));
const untouched = Object.getOwnPropertyNames(globalThis);

let dir, bytes, module, server, origin;
let answer, requests, warnings, copies = 0;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'loader-'));
  for (const folder of ['dist', 'session']) await mkdir(join(dir, folder));
  await writeFile(join(dir, 'package.json'), '{"type":"module"}');
  for (const name of ['loader.js', 'session/go.js', 'session/goglobal.js', 'session/key.js', 'session/parts.js']) await cp(join(web, name), join(dir, name));

  const [version, root] = execFileSync('go', ['env', 'GOVERSION', 'GOROOT'], { cwd: web, encoding: 'utf8' }).split('\n');
  await cp(join(root, 'lib/wasm/wasm_exec.js'), join(dir, 'dist/wasm_exec.js'));
  const file = join(dir, 'probe.wasm');
  execFileSync('go', ['build', '-o', file, './probe'], { cwd: join(web, '../test/e2e'), env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' } });
  bytes = await readFile(file);
  module = await WebAssembly.compile(bytes);

  server = createServer((request, response) => {
    requests++;
    response.writeHead(answer.status, { 'Content-Type': answer.type }).end(answer.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${server.address().port}`;
  const digest = createHash('sha384').update(bytes).digest('base64');
  await writeFile(join(dir, 'dist/build.js'),
    `export const wasm = { url: new URL('${origin}/attache.wasm'), integrity: 'sha384-${digest}', go: '${version}' };\n`);
});

after(async () => {
  server.close();
  await rm(dir, { recursive: true });
});

const warn = console.warn;
beforeEach(() => {
  answer = { status: 200, type: 'application/wasm', body: bytes };
  requests = 0;
  warnings = [];
  console.warn = (...words) => warnings.push(words.join(' '));
  globalThis.probe = 'ready';
  Object.defineProperty(globalThis, 'trap', { get() { throw new Error('a getter'); }, configurable: true });
});
afterEach(() => {
  console.warn = warn;
  delete globalThis.probe;
  delete globalThis.trap;
});

/** A loader that was not used yet, as on a new page. */
const fresh = (from = dir) => import(`${pathToFileURL(join(from, 'loader.js'))}?copy=${copies++}`);

const leftovers = () => Object.getOwnPropertyNames(globalThis)
  .filter((name) => !untouched.includes(name) && !['fs', 'path', 'probe', 'trap'].includes(name));

const ended = (loader) => new Promise((resolve) => loader.onExit(resolve));

test('importing the loader has no effect', async () => {
  const names = Object.getOwnPropertyNames(globalThis);
  await fresh();
  assert.deepEqual(Object.getOwnPropertyNames(globalThis), names);
  assert.equal(requests, 0);
});

test('all callers share one program, and no global remains', async () => {
  const { load } = await fresh();
  const [a, b] = await Promise.all([load(), load()]);
  assert.equal(a, b);
  assert.equal(await load(), a);
  assert.equal(a.echo('hello'), 'hello');
  assert.equal(a.argv, 2);
  assert.equal(requests, 1);
  assert.deepEqual(warnings, []);
  assert.deepEqual(leftovers(), []);
});

test('copies of the loader on one page do not collide', async () => {
  const loaders = await Promise.all([fresh(), fresh(), fresh()]);
  const programs = await Promise.all(loaders.map(({ load }) => load({ wasm: module })));
  assert.equal(new Set(programs).size, 3);
  programs.forEach((program, i) => assert.equal(program.echo(i), i));
  assert.deepEqual(leftovers(), []);
});

test('another Go program on the page keeps its class', async () => {
  const theirs = class {};
  globalThis.Go = theirs;
  try {
    const { load } = await fresh();
    await load({ wasm: module });
    assert.equal(globalThis.Go, theirs);
  } finally {
    delete globalThis.Go;
  }
});

for (const [way, end, code] of [
  ['exits', (api) => api.exit(3), 3],
  ['panics', (api) => api.panic(), 2],
  ['traps', (api) => assert.throws(() => api.trap(), /a getter/), -1],
]) {
  test(`a program that ${way} is started again without loading it again`, async () => {
    const loader = await fresh();
    const heard = [];
    loader.onExit(() => { throw new Error('a listener that throws'); });
    const thrown = [];
    process.setUncaughtExceptionCaptureCallback((error) => thrown.push(error.message));
    loader.onExit((status) => heard.push(status));
    loader.onExit((status) => heard.push(status))();
    const first = await loader.load();
    const exit = ended(loader);
    const log = console.log;
    console.log = () => {};
    end(first);
    assert.equal(await exit, code);
    console.log = log;
    process.setUncaughtExceptionCaptureCallback(null);
    assert.deepEqual(thrown, ['a listener that throws']);
    assert.deepEqual(heard, [code]);
    assert.throws(() => first.echo(1), /exited/);

    const second = await loader.load();
    assert.notEqual(second, first);
    assert.equal(second.echo('again'), 'again');
    assert.equal(requests, 1);
  });
}

test('the timers of a program that ended do not fire', async () => {
  const { setTimeout, clearTimeout } = globalThis;
  const pending = new Set();
  globalThis.setTimeout = (...args) => {
    const timer = setTimeout(...args);
    pending.add(timer);
    return timer;
  };
  globalThis.clearTimeout = (timer) => {
    pending.delete(timer);
    clearTimeout(timer);
  };
  try {
    globalThis.probe = 'waits';
    const loader = await fresh();
    const api = await loader.load({ wasm: module });
    assert.equal(pending.size, 1);
    const exit = ended(loader);
    api.exit(0);
    await exit;
    assert.equal(pending.size, 0);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
});

for (const [mode, sentence] of [
  ['ends early', /ended with code 4 before it was ready/],
  ['traps', /ended with code -1 before it was ready/],
  ['other version', /built with go1\.0, but its wasm_exec\.js is from go.*from one build/],
]) {
  test(`load rejects a program (${mode}), and the next load can succeed`, async () => {
    const loader = await fresh();
    loader.onExit(() => assert.fail('nobody had it'));
    globalThis.probe = mode;
    await assert.rejects(loader.load(), sentence);
    assert.deepEqual(leftovers(), []);
    globalThis.probe = 'ready';
    assert.equal((await loader.load()).echo(1), 1);
    assert.equal(requests, 1);
  });
}

for (const [what, wrong, sentence] of [
  ['is missing', { status: 404, body: 'no' }, /could not load/],
  ['is other content', { body: 'something else' }, /not the file that belongs to .*build\.js/],
]) {
  test(`a module that ${what} is reported, and the next load can succeed`, async () => {
    const { load } = await fresh();
    answer = { ...answer, ...wrong };
    await assert.rejects(load(), sentence);
    answer = { ...answer, status: 200, body: bytes };
    assert.equal((await load()).echo(1), 1);
  });
}

test('a wrong media type logs a warning that names the header', async () => {
  const { load } = await fresh();
  answer = { ...answer, type: 'application/octet-stream' };
  assert.equal((await load()).echo(1), 1);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /Content-Type: application\/octet-stream.*send application\/wasm/);
});

test('the module can be passed in', async (t) => {
  for (const [what, wasm] of [
    ['compiled', () => module],
    ['as a response', () => new Response(bytes, { headers: { 'Content-Type': 'application/wasm' } })],
    ['as a URL', () => new URL('/elsewhere.wasm', origin)],
    ['as a string', () => `${origin}/elsewhere.wasm`],
  ]) {
    await t.test(what, async () => {
      const { load } = await fresh();
      assert.equal((await load({ wasm: wasm() })).echo(1), 1);
    });
  }
});

test('a value that is not a module is reported', async (t) => {
  for (const [what, wasm, sentence] of [
    ['a page', () => new Response('<!doctype html>', { headers: { 'Content-Type': 'text/html' } }), /as WebAssembly.*pre-bundling/],
    ['an error', () => new Response('', { status: 500 }), /answered 500/],
    ['a module that wants something else', () => foreign(), /does not fit its wasm_exec\.js/],
  ]) {
    await t.test(what, async () => {
      const { load } = await fresh();
      await assert.rejects(load({ wasm: wasm() }), sentence);
      assert.deepEqual(leftovers(), []);
    });
  }
});

/** Imports the function gojs.unheard-of. */
const foreign = () => new WebAssembly.Module(Uint8Array.from([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0,
  2, 10, 1, 4, 0x67, 0x6f, 0x6a, 0x73, 1, 0x78, 0, 0,
]));

test('a folder that was not built is reported', async () => {
  const bare = await mkdtemp(join(tmpdir(), 'loader-'));
  try {
    for (const name of ['package.json', 'loader.js', 'session/key.js', 'session/parts.js']) await cp(join(dir, name), join(bare, name));
    const { load } = await fresh(bare);
    await assert.rejects(load(), /could not load .*dist\/build\.js.*make/);
  } finally {
    await rm(bare, { recursive: true });
  }
});

test('a browser without WebAssembly is reported', async () => {
  const { load } = await fresh();
  const real = globalThis.WebAssembly;
  globalThis.WebAssembly = undefined;
  try {
    await assert.rejects(load(), /needs WebAssembly/);
  } finally {
    globalThis.WebAssembly = real;
  }
});
