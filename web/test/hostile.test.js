import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { AttacheError, connect } from '../attache.js';
import { load } from '../loader.js';
import { ProxyDouble } from './proxy.double.js';

const vectors = JSON.parse(readFileSync(new URL('../../bridge/testdata/messages.json', import.meta.url), 'utf8')).vectors ?? [];
/** Messages of a proxy, except those that ask to come back later: the test would wait. */
const said = vectors.filter(({ from, text }) => from === 'proxy' && !text.includes('"bye"')).map(({ text }) => text);

/** A small generator of numbers, the same ones for the same seed. @param {number} seed */
function numbers(seed) {
  let state = seed;
  /** @param {number} below */
  return (below) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5 | 0;
    return (state >>> 0) % below;
  };
}

const values = ['null', 'true', '-1', '0', '1.5', '9007199254740992', '""', '"x"', '[]', '{}', '[[]]', '{"__proto__":{"a":1}}', '"\\ud83d"', '"\\u0000"', '{"toString":1}', '"<img src=x onerror=alert(1)>"'];

/** A message of the proxy's with something wrong in it, mostly. @param {(below: number) => number} next */
function hostile(next) {
  let text = said[next(said.length)];
  for (let i = next(3); i >= 0; i--) {
    const at = next(text.length);
    switch (next(4)) {
      case 0:
        text = text.slice(0, at) + String.fromCharCode(next(0x2100)) + text.slice(at + 1);
        break;
      case 1:
        text = text.slice(0, at) + text.slice(at + 1 + next(8));
        break;
      default:
        // Replace one value.
        text = text.replace(/:("[^"]*"|\d+|true|false)/g, (all) => (next(6) === 0 ? `:${values[next(values.length)]}` : all));
    }
    if (text === '') return '{';
  }
  return text;
}

test('whatever a proxy sends, the session continues or ends with an error', async () => {
  await load({ wasm: new WebAssembly.Module(readFileSync(new URL('../dist/attache.wasm', import.meta.url))) });
  const proxy = new ProxyDouble();
  proxy.install();
  const rejected = [];
  const note = (reason) => rejected.push(reason);
  process.on('unhandledRejection', note);
  const { warn, error } = console;
  console.warn = console.error = () => {};
  const next = numbers(7);
  const rounds = 8;
  let ended = 0;
  assert.ok(said.length > 10);
  try {
    for (let round = 0; round < rounds; round++) {
      const session = await connect({ url: 'ws://files.example', token: 'a.token' });
      const wrong = [];
      for (const type of ['message', 'file', 'join', 'leave', 'upload', 'limits']) {
        session.addEventListener(type, ({ detail }) => {
          if (detail === null || typeof detail !== 'object' || !Object.isFrozen(detail)) wrong.push([type, detail]);
        });
      }
      for (let i = 0; i < 250 && session.state !== 'closed'; i++) {
        proxy.last('/chat').dispatchEvent(new MessageEvent('message', { data: hostile(next) }));
      }
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(wrong, []);
      assert.equal(Object.prototype.a, undefined);
      if (session.state === 'connected') {
        assert.equal((await session.send('still here')).text, 'still here');
      } else if (session.state === 'closed') {
        ended += 1;
        await assert.rejects(session.send('x'), AttacheError);
      }
      await Promise.race([session.close().catch((cause) => assert.ok(cause instanceof AttacheError)), new Promise((resolve) => session.addEventListener('state', resolve))]);
    }
  } finally {
    console.warn = warn;
    console.error = error;
    process.off('unhandledRejection', note);
  }
  assert.deepEqual(rejected, []);
  assert.ok(ended < rounds, 'some sessions bore all of it');
});
