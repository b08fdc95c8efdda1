import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenProvider } from '../session/provider.js';

/** Returns the provider's answer and what it logs to the console. */
async function asked(provider) {
  const { warn } = console;
  const words = [];
  console.warn = (...said) => words.push(said.join(' '));
  try {
    return { ...await provider.ask(), words };
  } finally {
    console.warn = warn;
  }
}

test('a token is passed on unchanged', async () => {
  for (const source of ['a.b.c', () => 'a.b.c', async () => 'a.b.c', async () => '\n a.b.c\n', async () => '\ufeffa.b.c\r\n', async () => 'Bearer a.b.c\n']) {
    const { token, fixed, problem, words } = await asked(new TokenProvider(source));
    assert.deepEqual([token, fixed, problem, words], ['a.b.c', typeof source === 'string', '', []]);
  }
});

for (const [name, source, word] of [
  ['throws', () => { throw new Error('boom'); }, /failed.*boom/],
  ['rejects', async () => { throw 'boom'; }, /failed.*boom/],
  ['undefined', async () => {}, /type undefined.*response\.json/],
  ['null', async () => null, /null/],
  ['an object', async () => ({ token: 'secret' }), /type object/],
  ['a number', () => 7, /type number/],
  ['an array', () => ['secret'], /an array/],
  ['a Response', async () => new Response('secret'), /type object/],
  ['nothing', async () => '', /empty.*response\.ok/],
  ['blanks', async () => ' \n', /empty/],
  ['a page', async () => ' <!doctype html><h1>502 secret</h1>', /HTML.*response\.ok/],
  ['JSON', async () => '{"token":"secret"}', /JSON.*response\.json/],
  ['a quoted text', async () => '"secret"', /JSON/],
  ['other letters', async () => 'Zugang verweigert: größer', /not a token/],
  ['what a reverse proxy says in trouble', async () => 'Bad Gateway', /not a token.*response\.ok/],
  ['another word of it', async () => 'upstream connect error or disconnect/reset before headers.', /not a token/],
  ['a word', async () => 'Unauthorized', /not a token/],
  ['undefined as a text', async () => 'undefined', /not a token/],
  ['lines', async () => 'secret\nsecret', /not a token/],
  ['the source of a function, which Vue writes into an attribute', async () => 'async () => (await fetch("/secret")).text()', /element\.js/],
  ['too much', async () => 'secret'.repeat(1000), /6000 bytes/],
]) {
  test(`B31 a token function that returns ${name}`, async () => {
    const provider = new TokenProvider(source);
    const first = await asked(provider);
    assert.equal(first.token, '');
    assert.equal(first.fixed, false);
    assert.notEqual(first.problem, '');
    assert.ok(first.cause instanceof Error || first.cause === 'boom');
    assert.equal(first.words.length, 1);
    assert.match(first.words[0], word);
    assert.doesNotMatch(first.words[0] + first.problem, /secret/, 'what it holds may be one');
    assert.deepEqual((await asked(provider)).words, [], 'once');
  });
}

test('B31 each kind of problem is logged once, and again after a token', async () => {
  const answers = ['', '<p>', '', 'a.b.c', ''];
  const provider = new TokenProvider(() => answers.shift());
  const counts = [];
  for (let i = 0; i < 5; i += 1) counts.push((await asked(provider)).words.length);
  assert.deepEqual(counts, [1, 1, 0, 0, 1]);
});

test('B34 a token function that hangs times out, and its late answer still counts', async () => {
  const given = [];
  const provider = new TokenProvider(() => new Promise((resolve, reject) => { given.push({ resolve, reject }); }), { timeout: 5 });
  const { token, problem, words } = await asked(provider);
  assert.equal(token, '');
  assert.match(problem, /has not answered/);
  assert.match(words[0], /AbortSignal\.timeout/);

  const again = asked(provider);
  await Promise.resolve();
  given[0].resolve('a.b.c');
  assert.equal((await again).token, 'a.b.c');
});

test('an earlier call that fails late has no effect', async () => {
  const given = [];
  const provider = new TokenProvider(() => new Promise((resolve, reject) => { given.push({ resolve, reject }); }), { timeout: 5 });
  await asked(provider);
  const again = asked(provider);
  await Promise.resolve();
  given[0].reject(new Error('boom'));
  given[1].resolve('a.b.c');
  assert.equal((await again).token, 'a.b.c');
});

test('a new source is used next', async () => {
  const provider = new TokenProvider(() => '');
  await asked(provider);
  provider.source = 'a.b.c';
  assert.deepEqual((await asked(provider)).token, 'a.b.c');
});
