/**
 * What a drag or a clipboard holds. `folders` are names: a folder comes as a
 * file that cannot be read.
 *
 * @typedef {{ files: File[], folders: string[] }} Carried
 */

/** Takes out what can be sent. @param {DataTransfer} data @returns {Carried} */
export function carried(data) {
  /** @type {Carried} */
  const found = { files: [], folders: [] };
  for (let i = 0; i < (data.items?.length ?? 0); i += 1) {
    const item = data.items[i];
    const file = item.kind === 'file' ? item.getAsFile() : null;
    if (!file) continue;
    if (item.webkitGetAsEntry?.()?.isDirectory) found.folders.push(file.name);
    else found.files.push(file);
  }
  if (found.files.length + found.folders.length === 0) found.files.push(...(data.files ?? []));
  return found;
}

/**
 * What a drag over the page is: while it moves, a browser tells the types and
 * perhaps the items, never the content.
 *
 * `files` can be sent; `nothing` cannot, though it looks like files or would lead
 * the browser away from the page (a picture or link of another page); `text` is
 * the browser's own business.
 *
 * @param {DataTransfer | null} data
 * @returns {'files' | 'nothing' | 'text'}
 */
export function dragged(data) {
  const types = data?.types ?? [];
  if (types.includes('Files')) {
    const count = data?.items?.length ?? 0;
    for (let i = 0; i < count; i += 1) if (data?.items[i].kind === 'file') return 'files';
    return count === 0 ? 'files' : 'nothing';
  }
  return types.includes('text/uri-list') || types.includes('text/x-moz-url') ? 'nothing' : 'text';
}

/**
 * Whether a person who pastes means the files of the clipboard. Beside a copied
 * file, file managers put its name or path as text. Beside copied text, Office
 * programs put a picture of it. Beside a copied picture, browsers put an `img`.
 *
 * @param {DataTransfer} data
 * @param {Carried} found
 */
export function meansFiles(data, { files, folders }) {
  const names = [...files.map(({ name }) => name), ...folders];
  if (names.length === 0) return false;
  const uris = lines(data.getData('text/uri-list'));
  if (uris.some((uri) => /^file:/i.test(uri))) return true;
  const text = lines(data.getData('text/plain'));
  const html = data.getData('text/html');
  if (html !== '' && shows(html) === 'words') return false;
  if (text.length === 0 || html !== '' && shows(html) === 'picture') return true;
  return text.every((line) => names.some((name) => isNameOf(line, name)));
}

/** @param {string} text */
function lines(text) {
  return text.split(/[\r\n\0]+/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}

/** Whether a line of a file manager is the name, path or URI of a file. @param {string} line @param {string} name */
function isNameOf(line, name) {
  if (/^(copy|cut|x-special\/\S+)$/.test(line)) return true; // GNOME says first what was done
  let path = line.replace(/^(["'])(.*)\1$/, '$2');
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(path)) {
    try {
      path = decodeURIComponent(path);
    } catch {
      // A percent sign that is meant as one.
    }
  }
  const base = path.replace(/[/\\]+$/, '').replace(/^.*[/\\]/, '');
  const [shown, whole] = [base, name].map((one) => one.normalize('NFC'));
  // The Finder may hide the extension, and shows a slash for a stored colon.
  return [whole, whole.replace(/\.[^.]*$/, '')].some((one) => one !== '' && (one === shown || one === path.normalize('NFC').replaceAll('/', ':')));
}

/** What a piece of HTML shows. @param {string} html @returns {'words' | 'picture' | 'nothing'} */
function shows(html) {
  const body = html.replace(/<!--[^]*?-->|<(style|script|title|head)\b[^]*?<\/\1\s*>/gi, '');
  if (/[^\s\u200b\ufeff]/.test(body.replace(/<[^>]*>/g, '').replace(/&nbsp;|&#160;/gi, ''))) return 'words';
  return /<(img|picture)\b/i.test(body) ? 'picture' : 'nothing';
}
