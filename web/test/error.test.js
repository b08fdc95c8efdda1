import assert from 'node:assert/strict';
import test from 'node:test';
import { codes } from '../codes.js';
import { AttacheError, asAttacheError } from '../session/error.js';
import { Locale } from '../widget/locale.js';

const abort = new DOMException('stopped', 'AbortError');

/** @type {Record<string, [unknown, Partial<AttacheError>]>} */
const thrown = {
  'an AttacheError': [new AttacheError({ code: 'busy', message: '', id: 'e1' }), { code: 'busy', id: 'e1', retryable: true }],
  'one of another copy of the module': [{ name: 'AttacheError', code: 'busy', message: 'no', hint: 'wait', retryable: true, id: 'e2' }, { code: 'busy', message: 'no', hint: 'wait', id: 'e2' }],
  'an abort': [abort, { code: 'cancelled', cause: abort }],
  'a bug': [new TypeError('x is not a function'), { code: 'internal', message: 'x is not a function', hint: '', id: '', retryable: true }],
  'a code that there is none of': [{ code: 'E_WHAT', message: 'no' }, { code: 'internal', message: 'no' }],
  'a code that every object has a property of': [{ code: 'toString', message: 'no' }, { code: 'internal', message: 'no' }],
  'a string': ['no', { code: 'internal' }],
  nothing: [undefined, { code: 'internal' }],
};

for (const [what, [cause, want]] of Object.entries(thrown)) {
  test(`B30 whatever was thrown has a code: ${what}`, () => {
    const error = asAttacheError(cause);
    assert.ok(error instanceof AttacheError);
    for (const [key, value] of Object.entries(want)) assert.equal(error[key], value, key);
    for (const key of ['message', 'hint', 'id']) assert.equal(typeof error[key], 'string', key);
    assert.equal(typeof error.retryable, 'boolean');
  });
}

test('B30 an unknown code of the proxy is not taken for a known one', () => {
  for (const code of ['of-later', 'constructor']) {
    const error = new AttacheError({ code, message: '' });
    assert.deepEqual([error.code, error.message, error.hint, error.retryable], [code, codes.internal.message, 'try again', codes.internal.retry]);
    assert.match(new Locale('en').reason(error), /Try again/);
  }
});

test('B30 an id is shown if the hint asks to report it', () => {
  const locale = new Locale('en');
  assert.deepEqual(Object.values(codes).filter(({ hint }) => /the id\b/.test(hint)), [codes.internal], 'only one hint asks for it');
  const named = new AttacheError({ code: 'internal', message: '', id: '97b0183db4e7' });
  assert.match(locale.reason(named), /report the id.*97b0183db4e7/);
  const unnamed = new AttacheError({ code: 'internal', message: '' });
  assert.doesNotMatch(locale.reason(unnamed), /\bid\b/i);
  assert.doesNotMatch(locale.reason(new AttacheError({ code: 'busy', message: '', id: '97b0183db4e7' })), /97b0/);
});
