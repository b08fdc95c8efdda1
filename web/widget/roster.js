/** @typedef {import('../attache.js').Party} Party */
/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */

/**
 * Returns the parties in the chat after these events, in the order in which they joined.
 * A party that reconnects joins again and is listed once.
 *
 * @param {Iterable<TranscriptEvent>} transcript
 * @returns {Party[]}
 */
export function present(transcript) {
  /** @type {Map<string, Party>} */
  const here = new Map();
  for (const event of transcript) {
    if (event.type === 'join') here.set(event.from.userId, event.from);
    if (event.type === 'leave') here.delete(event.from.userId);
    if (isRename(event) && here.has(event.from.userId)) here.set(event.from.userId, event.from);
  }
  return [...here.values()];
}

/** Reports whether the event gives its party another nickname. @param {TranscriptEvent} event */
export function isRename(event) {
  return event.type === 'notice' && event.notice === 'USER_UPDATE_NICK';
}

/** Returns one or two letters for a nickname. @param {string} nickname */
export function initials(nickname) {
  const words = nickname.trim().split(/[\s._-]+/u).filter((word) => word !== '');
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : ''];
  return letters.map((word) => [...(word ?? '')][0] ?? '').join('').toLocaleUpperCase();
}
