import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { cautions, changes, codes, kinds, states } from '../codes.js';
import { Locale, addLocale } from '../widget/locale.js';
import en from '../widget/locales/en.js';

const english = new Locale('en');

for (const [bytes, want] of /** @type {const} */ ([
  [0, '0 bytes'],
  [1, '1 byte'],
  [1023, '1,023 bytes'],
  [1024, '1 kB'],
  [1536, '1.5 kB'],
  [10 * 1024 + 600, '11 kB'],
  [1024 * 1024 - 1, '1 MB'],
  [2097152, '2 MB'],
  [5242880, '5 MB'],
  [1024 ** 3, '1 GB'],
  [5000 * 1024 ** 4, '5,000 TB'],
])) {
  test(`size: ${bytes} bytes`, () => assert.equal(english.size(bytes), want));
}

test('size: written in the language of the locale', () => {
  addLocale('de', {});
  assert.equal(new Locale('de').size(1536), '1,5 kB');
});

test('say: names are isolated, numbers formatted, unknown placeholders left', () => {
  assert.equal(english.say('joined', { name: 'שרה' }), '\u2068שרה\u2069 joined');
  assert.equal(english.say('newer', { count: 1 }), '1 new message');
  assert.equal(english.say('newer', { count: 1200 }), '1,200 new messages');
  assert.equal(english.say('remaining'), '{size} left');
});

test('say: a translation, its base language, and English for the rest', () => {
  addLocale('pt', { send: 'Enviar', newer: { one: '{count} nova', other: '{count} novas' } });
  const locale = new Locale('pt-BR');
  assert.equal(locale.tag, 'pt-BR');
  assert.equal(locale.say('send'), 'Enviar');
  assert.equal(locale.say('newer', { count: 2 }), '2 novas');
  assert.equal(locale.say('retry'), 'Retry');
});

for (const tag of ['xx', 'not a tag', '', 'qaa-Latn']) {
  test(`a language without a translation is English throughout: "${tag}"`, () => {
    const locale = new Locale(tag);
    assert.equal(locale.tag, 'en');
    assert.equal(locale.size(1536), '1.5 kB');
  });
}

for (const [text, want] of [
  ['the file is larger than allowed', 'The file is larger than allowed.'],
  ['Already one.', 'Already one.'],
  ['really?', 'Really?'],
  ['', ''],
]) {
  test(`sentence: "${text}"`, () => assert.equal(english.sentence(text), want));
}

test('day: today and yesterday by name, the others by date', () => {
  const now = new Date(2026, 2, 30, 0, 5).getTime();
  assert.equal(english.day(new Date(2026, 2, 30, 0, 1).getTime(), now), 'Today');
  assert.equal(english.day(new Date(2026, 2, 29, 23, 59).getTime(), now), 'Yesterday');
  assert.match(english.day(new Date(2026, 2, 1).getTime(), now), /Sunday, March 1, 2026/);
});

test('percent: only all of it is 100 %', () => {
  assert.equal(english.percent(0.999), '99%');
  assert.equal(english.percent(1), '100%');
});

test('English has words for everything in the code lists', () => {
  const words = Object.keys(en);
  for (const kind of kinds) assert.ok(words.includes(`kind-${kind}`), kind);
  for (const change of changes) assert.ok(words.includes(change), change);
  for (const caution of cautions) assert.ok(words.includes(caution), caution);
  const wordOf = { receiving: 'sending', accepted: 'storing', cancelled: 'saidCancelled' };
  for (const state of states) assert.ok(words.includes(wordOf[state] ?? state), state);
});

test('widget 1.3: no text for the person who chats needs a developer to understand it', () => {
  for (const [code, { message, hint }] of Object.entries(codes)) {
    const sentence = english.reason({ code, message, hint });
    assert.doesNotMatch(sentence, /token|origin|--|attache\.d\.ts|protocol|module|user ?id|header/i, code);
    assert.notEqual(sentence, '', code);
  }
  const invalidCall = english.reason({ code: 'message-invalid', message: 'url must have one of the schemes https', hint: 'compare the call with attache.d.ts', id: 'e1' });
  assert.match(invalidCall, /not set up.*\(ID .?e1.?\)$/);
  const readonly = english.reason({ code: 'forbidden', message: 'this chat is read-only', hint: '' });
  assert.match(readonly, /read-only/);
});

test('the declaration names every word', () => {
  const declared = readFileSync(new URL('../widget/locales/en.d.ts', import.meta.url), 'utf8');
  const words = [...declared.slice(0, declared.indexOf(';')).matchAll(/'([^']+)'/g)].map(([, word]) => word);
  assert.deepEqual(words, Object.keys(en));
});

test('reason: a user whose secure key is of no party reads a neutral sentence', () => {
  const error = { code: 'party-unknown', message: 'the party to attach as is not registered in this chat', hint: 'register the party first, or connect without a secure key' };
  assert.equal(english.reason(error), english.say('notRegistered'));
});
