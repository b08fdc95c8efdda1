import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { cautions, changes, codes, kinds, rights, states, subprotocol } from '../codes.js';

// The golden vectors of package bridge, as far as they can be checked without
// Go: what a page's JavaScript may rely on.

/** @param {string} name */
async function load(name) {
  return JSON.parse(await readFile(new URL(`../../bridge/testdata/${name}.json`, import.meta.url), 'utf8'));
}

/** @param {string} hex */
function bytes(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** @param {Uint8Array} data */
function hex(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** CRC32C, bit by bit. @param {Uint8Array} data */
function crc32c(data) {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test('the catalogue of codes is complete and frozen', () => {
  assert.ok(Object.isFrozen(codes));
  assert.ok(Object.keys(codes).length > 40);
  for (const [code, rule] of Object.entries(codes)) {
    assert.match(code, /^[a-z]+(-[a-z]+)*$/);
    assert.ok(Object.isFrozen(rule));
    assert.deepEqual(Object.keys(rule), ['message', 'hint', 'retry']);
    assert.equal(typeof rule.retry, 'boolean');
    for (const sentence of [rule.message, rule.hint]) assert.match(sentence, /^[^A-Z\s].*[^.!?\s]$/);
  }
});

test('the closed lists have every entry once', () => {
  for (const list of [kinds, cautions, changes, states, rights]) {
    assert.ok(Object.isFrozen(list));
    assert.ok(list.length > 0);
    assert.equal(new Set(list).size, list.length);
  }
  assert.equal(subprotocol, 'attache.v1');
});

test('the declared unions match the values', async () => {
  const types = await readFile(new URL('../codes.d.ts', import.meta.url), 'utf8');
  const unions = { Code: Object.keys(codes), Kind: kinds, Caution: cautions, Change: changes, UploadState: states, Right: rights };
  for (const [name, values] of Object.entries(unions)) {
    const declared = types.match(new RegExp(`export type ${name} =([^;]+);`))?.[1] ?? '';
    assert.deepEqual([...declared.matchAll(/'([^']+)'/g)].map((m) => m[1]), [...values], name);
  }
});

test('every message is JSON with the documented keys only', async () => {
  const { page, proxy, objects, vectors } = await load('messages');
  const documented = { page, proxy };
  /** @type {Record<string, string>} */
  const objectOf = { party: 'party', from: 'party', limits: 'limits', event: 'event', reason: 'reason', error: 'error' };
  const seen = new Set();

  /** @param {Record<string, unknown>} object @param {string[]} known @param {string} where */
  function check(object, known, where) {
    for (const [key, value] of Object.entries(object)) {
      assert.ok(known.includes(key), `${where} has the key ${key}`);
      if (typeof value === 'number') assert.ok(Number.isSafeInteger(value) && value >= 0, `${where}.${key}`);
      if (key in objectOf) check(/** @type {any} */ (value), objects[objectOf[key]], `${where}.${key}`);
    }
  }

  for (const vector of vectors) {
    for (const text of [vector.text, vector.canonical ?? vector.text]) {
      const { type, ...rest } = JSON.parse(text);
      assert.equal(type, vector.type);
      const side = vector.from === 'page' ? documented.page : documented.proxy;
      check(rest, side[type], vector.name);
      seen.add(`${vector.from} ${type}`);
    }
    const written = vector.canonical ?? vector.text;
    assert.equal(JSON.stringify(JSON.parse(written)), written, `${vector.name}: JSON.stringify writes the same`);
  }
  for (const from of ['page', 'proxy']) {
    const side = from === 'page' ? documented.page : documented.proxy;
    for (const type of Object.keys(side)) assert.ok(seen.has(`${from} ${type}`), `${type} has no vector`);
  }
});

test('a frame can be read with DataView', async () => {
  const { frames, refused, damaged } = await load('frames');
  assert.equal(crc32c(new TextEncoder().encode('123456789')), 0xe3069283);
  for (const vector of frames) {
    const frame = bytes(vector.frame);
    const view = new DataView(frame.buffer);
    const { unchecked = false, offer = 0 } = vector;
    assert.equal(view.getUint16(0), unchecked ? 0x0101 : 0x0100, vector.name);
    assert.equal(view.getUint16(2), offer, vector.name);
    if (offer > 0) {
      const { type, key, size } = JSON.parse(new TextDecoder().decode(frame.subarray(32, 32 + offer)));
      assert.deepEqual({ type, key, size }, { type: 'offer', key: vector.key, size: frame.length - 32 - offer }, vector.name);
    }
    assert.equal(view.getUint32(4), vector.checksum, vector.name);
    assert.equal(view.getBigUint64(8), BigInt(vector.offset), vector.name);
    assert.equal(hex(frame.subarray(16, 32)), vector.key, vector.name);
    assert.equal(hex(frame.subarray(32)), vector.payload, vector.name);
    assert.equal(unchecked ? frame.length - 32 : crc32c(frame.subarray(32)), vector.checksum, vector.name);
  }
  for (const vector of damaged) {
    const frame = bytes(vector.frame);
    const is = frame[1] === 1 ? frame.length - 32 : crc32c(frame.subarray(32));
    assert.notEqual(is, new DataView(frame.buffer).getUint32(4), vector.name);
  }
  for (const vector of [...refused, ...damaged]) assert.ok(vector.code in codes, vector.code);
});

test('names and kinds use the closed lists, and shown names are harmless', async () => {
  const { names } = await load('names');
  for (const name of names) {
    assert.ok(kinds.includes(name.kind), name.kind);
    assert.ok(name.caution === '' || cautions.includes(name.caution), name.caution);
    assert.ok(name.changed === undefined || changes.includes(name.changed), name.changed);
    assert.doesNotMatch(name.text, /[\p{Cc}\p{Cs}\p{Bidi_Control}/\\\u200b\u2060\ufeff]/u, name.name);
    assert.ok(new TextEncoder().encode(name.text).length <= 255, name.name);
    assert.equal(name.extension, name.extension.toLowerCase());
  }
  const used = new Set((await load('kinds')).kinds.map((/** @type {{kind: string}} */ row) => row.kind));
  assert.deepEqual([...used].sort(), [...kinds].sort());
});

test('benign names survive JSON and UTF-8', async () => {
  const { scripts } = await load('benign');
  for (const name of Object.values(scripts).flat()) {
    assert.ok(name.isWellFormed?.() ?? true, name);
    assert.equal(new TextDecoder().decode(new TextEncoder().encode(name)), name);
  }
});

test('refusals of limits, notices and errors have codes of the catalogue', async () => {
  const { checks, impossible } = await load('limits');
  for (const row of [...checks, ...impossible]) assert.ok(row.code === '' || row.code in codes, row.code);
  for (const row of (await load('notices')).refused) assert.ok(row.code in codes, row.code);
  for (const row of (await load('errors')).wire) {
    assert.ok(row.code in codes, row.code);
    const { code, message, hint = '', retry = false, id = '' } = JSON.parse(row.text);
    assert.deepEqual({ code, message, hint, retry, id }, { code: row.code, message: row.message, hint: row.hint, retry: row.retry, id: row.id });
  }
});

test('the module\'s values match attache.d.ts', async () => {
  const source = await readFile(new URL('../attache.d.ts', import.meta.url), 'utf8');

  /** The members of an interface, with whether each may be absent. @param {string} name @returns {Map<string, boolean>} */
  function members(name) {
    const found = source.match(new RegExp(`interface ${name}(?: extends ([\\w, ]+))? \\{\\n([\\s\\S]*?)\\n\\}`));
    assert.ok(found, `attache.d.ts declares ${name}`);
    const inherited = (found[1] ?? '').split(/,\s*/).filter(Boolean).flatMap((parent) => [...members(parent)]);
    const own = [...found[2].matchAll(/^ {2}readonly (\w+)(\??):/gm)].map((m) => /** @type {const} */ ([m[1], m[2] === '?']));
    return new Map([...inherited, ...own]);
  }

  /** @param {Record<string, unknown>} value @param {string} name @param {string} where */
  function is(value, name, where) {
    const declared = members(name);
    for (const [member, optional] of declared) assert.ok(optional || member in value, `${where} lacks ${name}.${member}`);
    for (const member of Object.keys(value)) assert.ok(declared.has(member), `${name} does not declare ${member} of ${where}`);
  }
  /** @type {Record<string, string>} */
  const types = {
    join: 'PartyEvent', leave: 'PartyEvent', message: 'TextEvent', file: 'ChatFile', typing: 'TypingEvent', nickname: 'NicknameEvent', url: 'UrlEvent',
    deletion: 'DeletionEvent', receipt: 'ReceiptEvent', idle: 'IdleEvent', notice: 'NoticeEvent',
  };

  const { entries, steps, welcomes, found, names } = await load('page');
  const seen = new Set();
  for (const vector of entries) {
    const entry = JSON.parse(vector.page);
    is(entry, types[entry.type], vector.name);
    is(entry.from, 'Party', vector.name);
    seen.add(entry.type);
  }
  assert.deepEqual([...seen].sort(), Object.keys(types).sort());
  for (const vector of steps) {
    const step = JSON.parse(vector.page);
    is(step, 'UploadEvent', vector.name);
    if (step.file) is(step.file, 'ChatFile', vector.name);
    is(JSON.parse(vector.progress), 'Progress', vector.name);
  }
  for (const vector of welcomes) {
    const { id, party, rights: held, limits, info, ...rest } = JSON.parse(vector.page);
    assert.deepEqual(rest, {});
    assert.equal(typeof id, 'string');
    is(party, 'Party', vector.name);
    is(limits, 'Limits', vector.name);
    is(info, 'ChatInfo', vector.name);
    for (const right of held) assert.ok(rights.includes(right), right);
  }
  for (const vector of found) for (const response of JSON.parse(vector.page).responses) is(response, 'StandardResponse', vector.name);
  for (const vector of names) is(JSON.parse(vector.page), 'FileName', vector.page);
});
