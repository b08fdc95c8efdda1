import assert from 'node:assert/strict';
import test from 'node:test';
import { kinds } from '../codes.js';
import { colors, short } from '../widget/icons.js';

for (const [extension, want] of [['pdf', 'PDF'], ['', ''], ['sqlite', 'SQLITE'], ['parquet', 'PARQU…'], ['😀😀', '😀😀']]) {
  test(`short: "${extension}"`, () => assert.equal(short(extension), want));
}

test('every kind has colours, and nothing else has', () => {
  assert.deepEqual(Object.keys(colors).sort(), [...kinds].sort());
});

for (const [kind, [light, dark]] of Object.entries(colors)) {
  // The extension is written in Canvas on the colour: WCAG 2.2 requires 4.5 : 1.
  test(`contrast of ${kind}`, () => {
    assert.ok(contrast(light, '#ffffff') >= 4.5, `light ${contrast(light, '#ffffff')}`);
    assert.ok(contrast(dark, '#121212') >= 4.5, `dark ${contrast(dark, '#121212')}`);
  });
}

function contrast(one, other) {
  const [bright, dim] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (bright + 0.05) / (dim + 0.05);
}

function luminance(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
