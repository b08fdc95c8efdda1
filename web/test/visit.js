import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach } from 'node:test';

import { connect } from '../attache.js';
import { load } from '../loader.js';
import { ProxyDouble } from './proxy.double.js';

/**
 * A page with sessions at a proxy double, for the tests of the file that imports this: a
 * new double for each test, and no session or callback left after it.
 */

/** The newest program's, so that a test can end it. @type {WebAssembly.Instance} */
export let instance;
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (module, imports) => {
  const made = await instantiate(module, imports);
  if (imports.gojs) instance = made;
  return made;
};

const wasm = new WebAssembly.Module(readFileSync(new URL('../dist/attache.wasm', import.meta.url)));
await load({ wasm });

/** @type {ProxyDouble} */
export let proxy;
const sessions = [];

beforeEach(() => {
  proxy = new ProxyDouble();
  proxy.install();
});

afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close();
  assert.equal((await load()).live(), 0, 'callbacks that were not released');
});

export async function joinChat(options = {}) {
  const session = await connect({ url: 'ws://files.example/base', token: 'a.token', ...options });
  sessions.push(session);
  return session;
}

export const nextEvent = (target, type) => new Promise((resolve) => target.addEventListener(type, (event) => resolve(event.detail), { once: true }));

export function record(session, type, pick = (detail) => detail) {
  const list = [];
  session.addEventListener(type, (event) => list.push(pick(event.detail)));
  return list;
}

export async function until(condition) {
  while (!condition()) await task();
}

export const task = () => new Promise((resolve) => setTimeout(resolve, 5));

export function content(length) {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 9)) & 255);
}

export const file = (length, name = 'a.bin') => new File([content(length)], name, { type: 'application/octet-stream' });
