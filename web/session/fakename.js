/** @type {Record<string, import('../codes.js').Kind>} */
const kinds = {
  png: 'image', jpg: 'image', mp3: 'audio', mp4: 'video', pdf: 'pdf', docx: 'document', xlsx: 'sheet', csv: 'sheet',
  pptx: 'slides', txt: 'text', md: 'text', ts: 'code', html: 'code', json: 'data', xml: 'data', zip: 'archive',
  eml: 'mail', woff2: 'font', exe: 'program',
};

/** Describes a file's name, by a few extensions. @param {string} name @returns {import('../attache.js').FileName} */
export function describe(name) {
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
  const kind = kinds[extension] ?? 'unknown';
  return { name, extension, kind, caution: kind === 'program' ? 'program' : '' };
}
