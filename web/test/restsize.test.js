import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Locale } from '../widget/locale.js';

// Both are in one window in the demo.
test('the demo shows a size alike in its REST page and in the widget', async () => {
  const page = readFileSync(new URL('../demo/rest.js', import.meta.url), 'utf8');
  const [source] = page.match(/function size\([^]*?\n}\n/) ?? assert.fail('rest.js has no function size');
  const { size } = await import(`data:text/javascript,${encodeURIComponent(`export ${source}`)}`);
  const widget = new Locale('en');
  for (const bytes of [0, 1, 31, 1023, 1024, 1500, 2 << 20, 25 << 20, 26_214_400, 1 << 30, 5 * 2 ** 30]) {
    assert.equal(size(String(bytes)), widget.size(bytes));
  }
});
