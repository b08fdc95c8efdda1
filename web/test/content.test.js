import assert from 'node:assert/strict';
import test from 'node:test';
import { contentOf, shownAs } from '../widget/content.js';

const MiB = 1024 * 1024;

for (const [what, file, want] of [
  ['an image', { extension: 'png', size: 5 }, 'image'],
  ['in capitals', { extension: 'JPG', size: 5 }, 'image'],
  ['a sound', { extension: 'mp3', size: 5 }, 'audio'],
  ['a video', { extension: 'webm', size: 5 }, 'video'],
  ['a text', { extension: 'txt', size: 64 * 1024 }, 'text'],
  ['a long text', { extension: 'txt', size: 64 * 1024 + 1 }, undefined],
  ['a large video', { extension: 'mp4', size: 64 * MiB + 1 }, undefined],
  ['nothing in it', { extension: 'txt', size: 0 }, undefined],
  ['a caution', { extension: 'png', size: 5, caution: 'type-disagrees' }, undefined],
  ...['svg', 'html', 'htm', 'xhtml', 'xml', 'pdf', 'exe', 'docx', 'js', '', 'png/../svg', 'constructor'].map((extension) => [`.${extension}`, { extension, size: 5 }, undefined]),
]) {
  test(`offered: ${what}`, () => assert.equal(shownAs({ caution: '', ...file }, 64 * MiB), want));
}

const be32 = (value) => String.fromCharCode(value >>> 24 & 255, value >>> 16 & 255, value >>> 8 & 255, value & 255);
const le32 = (value) => [...be32(value)].reverse().join('');
const png = (width, height) => `\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR${be32(width)}${be32(height)}`;
const jpeg = (width, height, before = '\xff\xe0\0\x04..') => `\xff\xd8${before}\xff\xff\xc2\0\x11\x08${be32(height).slice(2)}${be32(width).slice(2)}`;
const webp = (chunk) => `RIFF....WEBP${chunk}`;

const blob = (...parts) => new Blob(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)), { type: 'text/html' });

for (const [what, kind, content, want] of [
  ['PNG', 'image', png(2, 3), 'image/png'],
  ['JPEG', 'image', jpeg(2, 3), 'image/jpeg'],
  ['GIF', 'image', 'GIF89a\x02\0\x03\0', 'image/gif'],
  ['WebP', 'image', `RIFF....WEBPVP8L....\x2f${le32(2 - 1 | (3 - 1) << 14)}`, 'image/webp'],
  ['BMP', 'image', `BM....\0\0\0\0${'.'.repeat(8)}${le32(2)}${le32(-3)}`, 'image/bmp'],
  ['AVIF', 'image', `\0\0\0\x1cftypavif....ispe\0\0\0\0${be32(2)}${be32(3)}`, 'image/avif'],
  ['MP3 with a tag', 'audio', 'ID3\x04....', 'audio/mpeg'],
  ['MP3', 'audio', '\xff\xfb\x90....', 'audio/mpeg'],
  ['WAV', 'audio', 'RIFF....WAVEfmt ', 'audio/wav'],
  ['Ogg as a sound', 'audio', 'OggS\0....', 'audio/ogg'],
  ['Ogg as a video', 'video', 'OggS\0....', 'video/ogg'],
  ['FLAC', 'audio', 'fLaC....', 'audio/flac'],
  ['M4A', 'audio', '\0\0\0\x20ftypM4A ....', 'audio/mp4'],
  ['MP4', 'video', '\0\0\0\x20ftypisom....', 'video/mp4'],
  ['WebM', 'video', '\x1aE\xdf\xa3....B\x82\x84webm....', 'video/webm'],
  ['Matroska', 'video', '\x1aE\xdf\xa3....B\x82\x88matroska', undefined],
  ['lossy WebP', 'image', webp('VP8 ....\0\0\0\x9d\x01\x2a\x02\0\x03\0'), 'image/webp'],
  ['extended WebP', 'image', webp('VP8X....\0\0\0\0\x01\0\0\x02\0\0'), 'image/webp'],
  ['as many pixels as are shown', 'image', png(8192, 8192), 'image/png'],
  ['a picture that unfolds to gigabytes', 'image', png(65535, 65535), undefined],
  ['a large GIF', 'image', 'GIF89a\xff\xff\xff\xff', undefined],
  ['a large JPEG', 'image', jpeg(65535, 65535), undefined],
  ['a large BMP', 'image', `BM....\0\0\0\0${'.'.repeat(8)}${le32(65536)}${le32(-65536)}`, undefined],
  ['a large lossless WebP', 'image', webp(`VP8L....\x2f${le32(0xfffffff)}`), undefined],
  ['a large lossy WebP', 'image', webp('VP8 ....\0\0\0\x9d\x01\x2a\xff\xff\xff\xff'), undefined],
  ['a large extended WebP', 'image', webp('VP8X....\0\0\0\0\xff\xff\xff\xff\xff\xff'), undefined],
  ['a large AVIF after a small one', 'image', `\0\0\0\x1cftypavif....ispe\0\0\0\0${be32(2)}${be32(3)}ispe\0\0\0\0${be32(65536)}${be32(65536)}`, undefined],
  ['a JPEG without a frame', 'image', jpeg(2, 3, '\xff\xda\0\x04..'), undefined],
  ['a picture without a size', 'image', '\x89PNG\r\n\x1a\n', undefined],
  ['HTML as an image', 'image', '<!doctype html><script>alert(1)</script>', undefined],
  ['SVG as an image', 'image', '<svg xmlns="http://www.w3.org/2000/svg"/>', undefined],
  ['PDF as an image', 'image', '%PDF-1.7', undefined],
  ['an image that begins later', 'image', ' \x89PNG\r\n\x1a\n', undefined],
  ['an image as a video', 'video', '\x89PNG\r\n\x1a\n', undefined],
  ['HEIC', 'image', '\0\0\0\x1cftypheic....', undefined],
  ['two bytes', 'image', 'BM', undefined],
]) {
  test(`content: ${what}`, async () => {
    const content_ = await contentOf(blob(content), kind);
    assert.equal(content_?.blob.type, want);
    assert.equal(content_?.kind, want && kind);
  });
}

for (const [what, bytes, want] of [
  ['UTF-8', Buffer.from('Grüße\n<b>\t€'), 'Grüße\n<b>\t€'],
  ['a byte order mark', Buffer.from('\ufeffa'), 'a'],
  ['UTF-16', Buffer.from('\ufeffaé', 'utf16le'), 'aé'],
  ['JSON', Buffer.from('{"a": "<html>"}'), '{"a": "<html>"}'],
  ['a comparison', Buffer.from('< 3 is less'), '< 3 is less'],
  ['Latin-1', Buffer.from('Gr\xfc\xdfe', 'latin1'), undefined],
  ['a NUL', Buffer.from('a\0b'), undefined],
  ['HTML', Buffer.from('  \n<!DOCTYPE html>'), undefined],
  ['HTML without a doctype', Buffer.from('<HTML >'), undefined],
  ['a script', Buffer.from('<script>alert(1)</script>'), undefined],
  ['SVG', Buffer.from('<svg onload="alert(1)">'), undefined],
  ['XML after a mark', Buffer.from('\ufeff<?xml version="1.0"?>'), undefined],
  ['PDF', Buffer.from('%PDF-1.7'), undefined],
  ['letters with marks', Buffer.from('Tiếng Việt, हिन्दी, ภาษาไทย, שָׁלוֹם'), 'Tiếng Việt, हिन्दी, ภาษาไทย, שָׁלוֹם'],
  ['a pile of marks', Buffer.from('a' + '\u0301'.repeat(9)), undefined],
  ['changes of direction', Buffer.from('\u202e\u05d0 a'.repeat(63)), '\u202e\u05d0 a'.repeat(63)],
  ['too many changes of direction', Buffer.from('\u202e\u05d0 a'.repeat(64)), undefined],
  ['as many lines as are laid out', Buffer.from('\n'.repeat(4095)), '\n'.repeat(4095)],
  ['more lines', Buffer.from('\n'.repeat(4096)), undefined],
]) {
  test(`text: ${what}`, async () => assert.deepEqual(await contentOf(new Blob([bytes]), 'text'), want === undefined ? undefined : { kind: 'text', text: want }));
}
