const size = Object.getOwnPropertyDescriptor(globalThis.Blob?.prototype ?? {}, 'size')?.get;

/** Names for Blobs, by the first half of their type. @type {Record<string, string>} */
const stems = { audio: 'audio', image: 'image', text: 'text', video: 'video' };
/** Extensions that differ from the second half of the type. @type {Record<string, string>} */
const extensions = {
  'application/gzip': 'gz', 'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'audio/mp4': 'm4a', 'audio/mpeg': 'mp3', 'audio/x-wav': 'wav', 'image/jpeg': 'jpg', 'image/svg+xml': 'svg', 'image/x-icon': 'ico',
  'text/calendar': 'ics', 'text/markdown': 'md', 'text/plain': 'txt', 'video/quicktime': 'mov', 'video/x-matroska': 'mkv',
};

/**
 * Returns a Blob's size in bytes. The browser's own getter reads an object of any
 * window, whatever properties that has, and throws for anything but a Blob.
 *
 * @param {Blob} file
 * @returns {number}
 */
export function byteSize(file) {
  return size?.call(file);
}

/**
 * Reports whether a value is a Blob or File. `instanceof` does not recognize those of
 * another window, and a file dropped in a pop-out window is one.
 *
 * @param {unknown} value
 * @returns {value is Blob}
 */
export function isBlob(value) {
  try {
    return byteSize(/** @type {Blob} */ (value)) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Returns the same content as an object of this window's realm: Chromium never answers
 * a read of a Blob whose own window is gone.
 *
 * @param {Blob} file
 * @returns {Blob}
 */
export function inThisRealm(file) {
  if (file instanceof Blob) return file;
  const { name, type, lastModified } = /** @type {File} */ (file);
  return typeof name === 'string' ? new File([file], name, { type, lastModified }) : new Blob([file], { type });
}

/**
 * Returns a file's name, or a default one: a Blob has none, and the person who chats
 * cannot name it.
 *
 * @param {Blob} file
 */
export function fileName(file) {
  const { name } = /** @type {{ name?: unknown }} */ (/** @type {unknown} */ (file));
  return typeof name === 'string' && name !== '' ? name : defaultName(file.type);
}

/** Returns a name made from a type: `image.png`, `audio.webm`, `file.pdf`; `file` if the type does not help. @param {string} type */
function defaultName(type) {
  const [plain] = type.toLowerCase().split(';', 1).map((part) => part.trim());
  const [first, second = ''] = plain.split('/');
  const known = Object.hasOwn(extensions, plain) ? extensions[plain] : '';
  // `octet-stream`, `vnd.…` and other long subtypes are not extensions.
  const extension = known || (/^[a-z\d]{2,4}$/.test(second) ? second : '');
  const stem = Object.hasOwn(stems, first) ? stems[first] : 'file';
  return extension === '' ? stem : `${stem}.${extension}`;
}
