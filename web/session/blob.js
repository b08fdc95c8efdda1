const size = Object.getOwnPropertyDescriptor(globalThis.Blob?.prototype ?? {}, 'size')?.get;

/** What the names of Blobs begin with, by their types' first half. @type {Record<string, string>} */
const stems = { audio: 'audio', image: 'image', text: 'text', video: 'video' };
/** Extensions that are not the type's second half. @type {Record<string, string>} */
const extensions = {
  'application/gzip': 'gz', 'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'audio/mp4': 'm4a', 'audio/mpeg': 'mp3', 'audio/x-wav': 'wav', 'image/jpeg': 'jpg', 'image/svg+xml': 'svg', 'image/x-icon': 'ico',
  'text/calendar': 'ics', 'text/markdown': 'md', 'text/plain': 'txt', 'video/quicktime': 'mov', 'video/x-matroska': 'mkv',
};

/**
 * The bytes that it has, by the browser's own getter: that reads an object of any
 * window, whatever it brings along, and throws at anything but a Blob.
 *
 * @param {Blob} file
 * @returns {number}
 */
export function bytesOf(file) {
  return size?.call(file);
}

/**
 * Whether it is a Blob or File. `instanceof` does not know those of another
 * window, and what is dropped in a pop-out window is one.
 *
 * @param {unknown} value
 * @returns {value is Blob}
 */
export function isBlob(value) {
  try {
    return bytesOf(/** @type {Blob} */ (value)) !== undefined;
  } catch {
    return false;
  }
}

/**
 * The same content as an object of this window: Chromium never answers a read of
 * one whose own window has gone.
 *
 * @param {Blob} file
 * @returns {Blob}
 */
export function ours(file) {
  if (file instanceof Blob) return file;
  const { name, type, lastModified } = /** @type {File} */ (file);
  return typeof name === 'string' ? new File([file], name, { type, lastModified }) : new Blob([file], { type });
}

/**
 * The name that a file has, or gets for want of one: a Blob is made by a page,
 * and nobody who chats could rename it.
 *
 * @param {Blob} file
 */
export function nameOf(file) {
  const { name } = /** @type {{ name?: unknown }} */ (/** @type {unknown} */ (file));
  return typeof name === 'string' && name !== '' ? name : nameFor(file.type);
}

/** A name for what has only a type: `image.png`, `audio.webm`, `file.pdf`; without a usable one `file`. @param {string} type */
function nameFor(type) {
  const [plain] = type.toLowerCase().split(';', 1).map((part) => part.trim());
  const [first, second = ''] = plain.split('/');
  const known = Object.hasOwn(extensions, plain) ? extensions[plain] : '';
  // `octet-stream`, `vnd.…` and other long ones are not extensions.
  const extension = known || (/^[a-z\d]{2,4}$/.test(second) ? second : '');
  const stem = Object.hasOwn(stems, first) ? stems[first] : 'file';
  return extension === '' ? stem : `${stem}.${extension}`;
}
