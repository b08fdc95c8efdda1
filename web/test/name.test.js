import assert from 'node:assert/strict';
import test from 'node:test';
import { truncate } from '../widget/name.js';

const cases = [
  { what: 'a short name stays whole', name: 'report.pdf', extension: 'pdf', want: ['report', '', '.pdf'] },
  { what: 'the extension is shown as it was written', name: 'SCAN.PDF', extension: 'pdf', want: ['SCAN', '', '.PDF'] },
  { what: 'no extension', name: 'LICENSE', extension: '', want: ['LICENSE', '', ''] },
  { what: 'a dot file', name: '.profile', extension: '', want: ['.profile', '', ''] },
  { what: 'a double extension', name: 'backup.tar.gz', extension: 'gz', want: ['backup.tar', '', '.gz'] },
  { what: 'a name that hides its extension', name: 'invoice', extension: 'exe', want: ['invoice', '', '.exe'] },
  { what: 'a long stem is cut at a word', name: 'contract for the new house in Lisbon signed.docx', extension: 'docx', want: ['contract for the new house in Lisbon ', 'signed', '.docx'] },
  { what: 'a long stem without words', name: 'abcdefghijklmnopqrstuvwxyz0123456789.bin', extension: 'bin', want: ['abcdefghijklmnopqrstuvwxyz0', '123456789', '.bin'] },
  { what: 'Arabic is cut between words', name: 'تقرير المبيعات السنوي للشركة النهائي.pdf', extension: 'pdf', want: ['تقرير المبيعات السنوي للشركة ', 'النهائي', '.pdf'] },
  { what: 'emoji are never cut apart', name: `${'👩‍👩‍👧‍👦'.repeat(30)}.png`, extension: 'png', want: ['👩‍👩‍👧‍👦'.repeat(21), '👩‍👩‍👧‍👦'.repeat(9), '.png'] },
];

for (const { what, name, extension, want } of cases) {
  test(`truncate: ${what}`, () => {
    const { head, tail, suffix } = truncate(name, extension);
    assert.deepEqual([head, tail, suffix], want);
  });
}

test('truncate: the pieces are the name, whatever it is', () => {
  for (let length = 0; length < 120; length += 1) {
    const name = `${'ab-c d'.repeat(20).slice(0, length)}.txt`;
    const { head, tail, suffix } = truncate(name, 'txt');
    assert.equal(head + tail + suffix, name);
    assert.equal(suffix, '.txt');
  }
});
