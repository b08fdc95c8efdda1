import assert from 'node:assert/strict';
import test from 'node:test';
import { pieces } from '../widget/links.js';

/** Returns the links of a text. @param {string} text */
const hrefs = (text) => pieces(text).flatMap((piece) => (typeof piece === 'string' ? [] : [piece.href]));

/** @type {[string, string[]][]} */
const cases = [
  ['see https://example.com/a?b=1', ['https://example.com/a?b=1']],
  ['http://localhost:8080/x', ['http://localhost:8080/x']],
  ['HTTPS://Example.COM', ['https://example.com/']],
  ['www.example.com.', ['https://www.example.com/']],
  ['mailto:ada@example.com?subject=x', ['mailto:ada@example.com?subject=x']],
  ['(https://en.wikipedia.org/wiki/Set_(mathematics))', ['https://en.wikipedia.org/wiki/Set_(mathematics)']],
  ['[https://example.com/a[1]]', ['https://example.com/a[1]']],
  ['Is it https://example.com/?', ['https://example.com/']],
  ['https://example.com/a, https://example.com/b; "https://example.com/c"', ['https://example.com/a', 'https://example.com/b', 'https://example.com/c']],
  ['<https://example.com/a>', ['https://example.com/a']],
  ['*https://example.com/a*', ['https://example.com/a']],
  ['请看https://example.com/年度。谢谢', ['https://example.com/%E5%B9%B4%E5%BA%A6']],
  ['（https://example.com/a）を見て', ['https://example.com/a']],
  ['「https://example.com/a」、', ['https://example.com/a']],
  ['קישור: https://example.com/a', ['https://example.com/a']],
  ['https://example.com/#a,b', ['https://example.com/#a,b']],
  ['https://[::1]:8080/a', ['https://[::1]:8080/a']],
  ['no link: example.com, ada@example.com, ftp://example.com/, file:///etc/passwd', []],
  ['javascript:alert(1) data:text/html,x vbscript:x JaVaScRiPt://https%0Aalert(1)', []],
  ['Link:https://example.com/a', ['https://example.com/a']],
  ['https://your-bank.example@elsewhere.example/ https://a:b@elsewhere.example', []],
  ['https://your-bank.example%40elsewhere.example/', []],
  ['https:///elsewhere.example https:elsewhere.example http:// https://?x www. www..', []],
  ['mailto: mailto:nobody', []],
  ['xhttps://example.com foo.www.example.com', []],
  ['https://example.com\\@elsewhere.example', ['https://example.com/']],
  ['https://example.com/\u202egpj.exe', ['https://example.com/']],
  ['https://example.com/%00<b>', ['https://example.com/%00']],
  [`https://example.com/${'a'.repeat(3000)}`, []],
];

for (const [text, want] of cases) {
  test(`B81 ${text.slice(0, 60)}`, () => {
    assert.deepEqual(hrefs(text), want);
    assert.equal(pieces(text).map((piece) => (typeof piece === 'string' ? piece : piece.text)).join(''), text, 'the pieces are the text');
    for (const href of hrefs(text)) assert.match(href, /^(https?|mailto):/);
  });
}

test('B81 the real host is shown if it differs from the written one', () => {
  const host = (/** @type {string} */ text) => pieces(text).flatMap((piece) => (typeof piece === 'string' ? [] : [piece.host]))[0];
  assert.equal(host('https://example.com:8080/a'), '');
  assert.equal(host('https://аpple.com/'), 'xn--pple-43d.com', 'the first letter is Cyrillic');
  assert.equal(host('https://münchen.example'), 'xn--mnchen-3ya.example');
  assert.equal(host('https://%65vil.example'), 'evil.example');
  assert.equal(host('http://0x7f.1/'), '127.0.0.1');
  assert.equal(host('https://ｅｘａｍｐｌｅ.com'), 'example.com');
});

test('B81 a long text of brackets or schemes only is split fast', () => {
  assert.deepEqual(hrefs(`https://example.com/${')'.repeat(60_000)}`), ['https://example.com/']);
  assert.equal(pieces('https://'.repeat(8_000)).length, 1);
  assert.equal(pieces('www.'.repeat(16_000)).length, 1);
});
