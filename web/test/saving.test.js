import assert from 'node:assert/strict';
import test from 'node:test';

import { maySave } from '../widget/saving.js';

/** A window in nested frames, outermost first: their sandboxes, null for none; `foreign` for a frame that cannot be inspected. */
function framed(...sandboxes) {
  const top = { frameElement: null };
  top.parent = top;
  return sandboxes.reduce((parent, sandbox) => ({
    parent,
    get frameElement() {
      return sandbox === 'foreign' ? null : { getAttribute: () => sandbox };
    },
  }), top);
}

for (const [what, window, may] of [
  ['a page by itself', framed(), 'yes'],
  ['a frame', framed(null), 'yes'],
  ['a sandbox that allows it', framed('allow-scripts Allow-Downloads allow-same-origin'), 'yes'],
  ['a sandbox that does not', framed('allow-scripts allow-same-origin'), 'no'],
  ['the strictest sandbox', framed(''), 'no'],
  ['a frame in such a sandbox', framed('allow-scripts allow-same-origin', null), 'no'],
  ['a frame of another origin', framed('foreign'), 'unknown'],
  ['a frame in a frame of another origin', framed('foreign', null), 'unknown'],
  ['what throws', { get parent() { throw new Error('no'); } }, 'unknown'],
]) {
  test(`B55 whether files may be saved: ${what}`, () => assert.equal(maySave(window), may));
}
