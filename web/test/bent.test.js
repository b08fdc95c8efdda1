import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { bends } from './bent.js';
import { ProxyDouble } from './proxy.double.js';

// The whole client, module and all, in a realm of its own that a page has bent.
// The proxy's double stays outside of it, as the proxy does.

const here = fileURLToPath(import.meta.url);
const web = new URL('../', import.meta.url);

if (!vm.SourceTextModule) {
  test('B72 the client works on pages that change the language\'s built-ins', () => {
    const env = { ...process.env };
    delete env.NODE_TEST_CONTEXT;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--experimental-vm-modules', '--no-warnings', here], { encoding: 'utf8', env });
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
} else {
  const wasm = readFileSync(new URL('dist/attache.wasm', web));
  for (const [name, code] of Object.entries(bends)) {
    test(`B72 ${name}`, async () => {
      const { connect, describe, check, load, FakeChat, kept, evaluate } = await realm(code);
      const { proxy } = kept;
      await load({ wasm: evaluate('(bytes) => new WebAssembly.Module(bytes)')(wasm) });
      assert.equal((await describe('setup\u202efdp.exe')).caution, 'program');
      assert.equal(await check({ name: 'a.pdf', size: 5 }, { types: ['pdf'], maxFileSize: 5 }), null);
      assert.equal((await check({ name: 'a.exe', size: 5 }, { types: ['pdf'] })).code, 'type-refused');

      const session = await connect({ url: 'ws://files.example', token: 'a.token' });
      assert.equal((await session.send('hello')).text, 'hello');
      const content = Uint8Array.from({ length: 100_000 }, (_, i) => i & 255);
      const sent = await session.upload(new File([content], 'a.bin'), { custom: { case: '1' } });
      assert.deepEqual([sent.name, sent.size, sent.custom.case], ['a.bin', 100_000, '1']);
      assert.deepEqual(proxy.files.get(sent.key).stored, content);

      // Pages with the language's own built-ins read what this page stores.
      kept.proxy.answers.frame = () => {};
      const stopped = session.upload(new File(['xyz'], 'b "b".txt', { lastModified: 7 })).catch((error) => error);
      await until(() => kept.items.size > 0);
      const [item, value] = [...kept.items].at(-1);
      assert.deepEqual(JSON.parse(item.replace('attache unfinished ', '')).slice(-3), ['b "b".txt', 3, 7]);
      assert.match(JSON.parse(value).key, /^[0-9a-f]{32}$/);
      await session.close();
      assert.ok((await stopped).code);

      const fake = new FakeChat().join({ nickname: 'Ada' });
      assert.equal((await fake.send('hello')).text, 'hello');
      assert.equal((await fake.upload(new File(['x'], 'a.pdf'))).kind, 'pdf');
    });
  }
}

async function until(condition) {
  while (!condition()) await new Promise((resolve) => { setTimeout(resolve, 5); });
}

/** @param {string} code what bends it */
async function realm(code) {
  const proxy = new ProxyDouble();
  proxy.install();
  /** @type {Map<string, string>} */
  const items = new Map();
  const hosts = Object.fromEntries(['console', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'queueMicrotask', 'performance', 'crypto', 'fetch',
    'TextEncoder', 'TextDecoder', 'EventTarget', 'Event', 'CustomEvent', 'AbortController', 'AbortSignal', 'Blob', 'File', 'URL', 'URLSearchParams', 'atob', 'btoa',
    'ReadableStream', 'TransformStream', 'Response', 'Request', 'Headers', 'WebSocket', 'DOMException'].map((name) => [name, globalThis[name]]));
  const context = vm.createContext({ ...hosts, document: {} });
  // Do not let the test wait for what a closed session still waits for.
  context.setTimeout = (...args) => {
    const timer = setTimeout(...args);
    return args[1] > 1000 ? timer.unref() : timer;
  };
  const evaluate = (text) => vm.runInContext(text, context);
  context.localStorage = evaluate('(own) => new Proxy({}, own)')({
    get: (_, name) => ({
      getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key),
    })[name],
    ownKeys: () => [...items.keys()],
    getOwnPropertyDescriptor: (_, key) => (items.has(key) ? { value: items.get(key), enumerable: true, configurable: true } : undefined),
  });
  evaluate(code);

  /** @type {Map<string, Promise<vm.SourceTextModule>>} */
  const modules = new Map();
  const module = (url) => {
    if (!modules.has(url)) modules.set(url, Promise.resolve(make(url)));
    return modules.get(url);
  };
  const make = (url) => new vm.SourceTextModule(readFileSync(fileURLToPath(url), 'utf8'), {
    identifier: url, context,
    initializeImportMeta: (meta) => { meta.url = url; },
    importModuleDynamically: (specifier) => run(new URL(specifier, url).href),
  });
  const run = async (url) => {
    const loaded = await module(url);
    if (loaded.status === 'unlinked') await loaded.link((specifier, from) => module(new URL(specifier, from.identifier).href));
    await loaded.evaluate();
    return loaded;
  };
  const exported = async (file) => (await run(new URL(file, web).href)).namespace;
  const { connect, describe, check } = await exported('attache.js');
  const { load } = await exported('loader.js');
  const { FakeChat } = await exported('testing.js');
  return { connect, describe, check, load, FakeChat, evaluate, kept: { proxy, items } };
}
