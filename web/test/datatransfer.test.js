import assert from 'node:assert/strict';
import test from 'node:test';
import { dragKind, pastesFiles, transferredFiles } from '../widget/datatransfer.js';

const photo = new File(['x'], 'photo.jpg');
const picture = new File(['x'], 'image.png', { type: 'image/png' });

/**
 * A double of a clipboard or a drag.
 *
 * @param {File[]} files @param {Record<string, string>} [texts] @param {string[]} [folders]
 * @returns {any}
 */
function transfer(files, texts = {}, folders = []) {
  const items = [...files, ...folders.map((name) => new File([], name))].map((file) => ({
    kind: 'file', getAsFile: () => file, webkitGetAsEntry: () => ({ isDirectory: folders.includes(file.name) }),
  }));
  const strings = Object.keys(texts).map(() => ({ kind: 'string', getAsFile: () => null, webkitGetAsEntry: () => null }));
  return {
    files, items: [...strings, ...items], types: [...Object.keys(texts), ...(items.length > 0 ? ['Files'] : [])],
    getData: (/** @type {string} */ type) => texts[type] ?? '',
  };
}

const table = '<html><head><style>td { color: red }</style></head><body><table><tr><td>image.png</td></tr></table></body></html>';
const image = '<html><body><!--StartFragment--><img src="https://a.example/cat.png" alt="cat"/><!--EndFragment--></body></html>';
/** @type {[string, any, boolean][]} */
const pastes = [
  ['a screenshot', transfer([picture]), true],
  ['the Finder: the name', transfer([photo], { 'text/plain': 'photo.jpg' }), true],
  ['the Finder, which hides the extension', transfer([photo], { 'text/plain': 'photo' }), true],
  ['the Finder: a name that is decomposed', transfer([new File([], 'Résumé.pdf'.normalize('NFD'))], { 'text/plain': 'Résumé.pdf'.normalize('NFC') }), true],
  ['the Finder: a slash in the name', transfer([new File([], 'a:b.txt')], { 'text/plain': 'a/b.txt' }), true],
  ['the Finder: two files', transfer([photo, picture], { 'text/plain': 'photo.jpg\rimage.png' }), true],
  ['Nautilus: paths', transfer([photo, picture], { 'text/plain': '/home/ada/photo.jpg\n/home/ada/image.png' }), true],
  ['Nautilus, older: the deed first', transfer([photo], { 'text/plain': 'x-special/nautilus-clipboard\ncopy\nfile:///home/ada/photo.jpg\n' }), true],
  ['Dolphin: URIs', transfer([new File([], 'Año 1.pdf')], { 'text/plain': 'file:///home/ada/A%C3%B1o%201.pdf', 'text/uri-list': 'file:///home/ada/A%C3%B1o%201.pdf\r\n' }), true],
  ['Dolphin: a list of URIs alone', transfer([photo], { 'text/uri-list': '# copied\r\nfile:///home/ada/photo.jpg\r\n' }), true],
  ['the Explorer: a path in quotes', transfer([photo], { 'text/plain': '"C:\\Users\\ada\\photo.jpg"' }), true],
  ['a name with a percent sign', transfer([new File([], '100%.txt')], { 'text/plain': 'file:///100%.txt' }), true],
  ['a folder', transfer([], { 'text/plain': 'Photos' }, ['Photos']), true],
  ['a picture of a page', transfer([picture], { 'text/html': image }), true],
  ['a picture of a page, with its address', transfer([picture], { 'text/html': image, 'text/plain': 'https://a.example/cat.png' }), true],
  ['a blank text beside a picture', transfer([picture], { 'text/plain': ' \r\n' }), true],
  ['Word: text with its picture', transfer([picture], { 'text/plain': 'Dear Ada', 'text/html': '<p>Dear Ada</p>' }), false],
  ['Excel: cells with their picture', transfer([picture], { 'text/plain': '1\t2\r\n3\t4', 'text/html': '<table><td>1</td></table>' }), false],
  ['Excel: a cell that says the picture\'s name', transfer([picture], { 'text/plain': 'image.png', 'text/html': table }), false],
  ['a paragraph of a page with its pictures', transfer([picture], { 'text/plain': 'a cat', 'text/html': '<p>a cat <img src="x"></p>' }), false],
  ['text with a picture and no markup', transfer([picture], { 'text/plain': 'see the picture' }), false],
  ['a longer text that has the name in it', transfer([photo], { 'text/plain': 'photo.jpg\nis the one' }), false],
  ['text', transfer([], { 'text/plain': 'photo.jpg' }), false],
];

for (const [what, data, want] of pastes) {
  test(`B13 pasted: ${what}`, () => assert.equal(pastesFiles(data, transferredFiles(data)), want));
}

test('B13 transferred files: folders are separate; without items the list of files is used', () => {
  assert.deepEqual(transferredFiles(transfer([photo], { 'text/plain': 'x' }, ['Photos'])), { files: [photo], folders: ['Photos'] });
  assert.deepEqual(transferredFiles(/** @type {any} */ ({ types: ['Files'], files: [photo] })), { files: [photo], folders: [] });
  assert.deepEqual(transferredFiles(transfer([], { 'text/plain': 'x' })), { files: [], folders: [] });
});

/** @type {[string, any, string][]} */
const drags = [
  ['files', transfer([photo]), 'files'],
  ['a browser that tells no items yet', { types: ['Files'], items: [] }, 'files'],
  ['a browser without items', { types: ['Files'] }, 'files'],
  ['a picture that comes with its file', transfer([picture], { 'text/uri-list': 'https://a.example/cat.png' }), 'files'],
  ['the promise of a file, and only strings', { types: ['Files', 'text/uri-list'], items: [{ kind: 'string', getAsFile: () => null }] }, 'nothing'],
  ['a picture or a link', transfer([], { 'text/uri-list': 'https://a.example/', 'text/html': image }), 'nothing'],
  ['a link of Firefox', transfer([], { 'text/x-moz-url': 'https://a.example/\nA' }), 'nothing'],
  ['text', transfer([], { 'text/plain': 'hello', 'text/html': '<p>hello</p>' }), 'text'],
  ['nothing at all', null, 'text'],
];

for (const [what, data, want] of drags) {
  test(`B17 dragged: ${what}`, () => assert.equal(dragKind(data), want));
}
