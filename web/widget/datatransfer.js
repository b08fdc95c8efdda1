/**
 * The files of a drag or clipboard. `folders` are names: a folder comes as a file that
 * cannot be read.
 *
 * @typedef {{ files: File[], folders: string[] }} TransferredFiles
 */

/** Returns what can be sent. @param {DataTransfer} data @returns {TransferredFiles} */
export function transferredFiles(data) {
  /** @type {TransferredFiles} */
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
 * Returns the kind of a drag over the page. During a drag a browser reveals the types and
 * perhaps the items, never the content.
 *
 * `files` can be sent. `nothing` cannot, although it looks like files or would make the
 * browser leave the page (a picture or link of another page). `text` is left to the
 * browser.
 *
 * @param {DataTransfer | null} data
 * @returns {'files' | 'nothing' | 'text'}
 */
export function dragKind(data) {
  const types = data?.types ?? [];
  if (types.includes('Files')) {
    const count = data?.items?.length ?? 0;
    for (let i = 0; i < count; i += 1) if (data?.items[i].kind === 'file') return 'files';
    return count === 0 ? 'files' : 'nothing';
  }
  return types.includes('text/uri-list') || types.includes('text/x-moz-url') ? 'nothing' : 'text';
}

/**
 * Reports whether a paste is meant for the clipboard's files. With a copied file, file
 * managers add its name or path as text. With copied text, Office programs add a picture
 * of it. With a copied picture, browsers add an `img`.
 *
 * @param {DataTransfer} data
 * @param {TransferredFiles} found
 */
export function pastesFiles(data, { files, folders }) {
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

/** Reports whether a file manager's line is the name, path or URI of a file. @param {string} line @param {string} name */
function isNameOf(line, name) {
  if (/^(copy|cut|x-special\/\S+)$/.test(line)) return true; // GNOME's first line names the action
  let path = line.replace(/^(["'])(.*)\1$/, '$2');
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(path)) {
    try {
      path = decodeURIComponent(path);
    } catch {
      // The percent sign is a part of the name.
    }
  }
  const base = path.replace(/[/\\]+$/, '').replace(/^.*[/\\]/, '');
  const [shown, whole] = [base, name].map((one) => one.normalize('NFC'));
  // The Finder may hide the extension, and shows a slash for a stored colon.
  return [whole, whole.replace(/\.[^.]*$/, '')].some((one) => one !== '' && (one === shown || one === path.normalize('NFC').replaceAll('/', ':')));
}

/** Returns what a piece of HTML shows. @param {string} html @returns {'words' | 'picture' | 'nothing'} */
function shows(html) {
  const body = html.replace(/<!--[^]*?-->|<(style|script|title|head)\b[^]*?<\/\1\s*>/gi, '');
  if (/[^\s\u200b\ufeff]/.test(body.replace(/<[^>]*>/g, '').replace(/&nbsp;|&#160;/gi, ''))) return 'words';
  return /<(img|picture)\b/i.test(body) ? 'picture' : 'nothing';
}
