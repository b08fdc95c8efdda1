/** @typedef {import('../attache.js').Party} Party */
/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */
/** A party, and the parties that can see it. @typedef {Party & { visibility: import('../attache.js').Visibility }} Present */

/**
 * Returns the parties in the chat after these events, in the order in which they joined.
 * A party that reconnects joins again and is listed once.
 *
 * @param {Iterable<TranscriptEvent>} transcript
 * @returns {Present[]}
 */
export function present(transcript) {
  /** @type {Map<string, Present>} */
  const here = new Map();
  for (const event of transcript) {
    const { userId } = event.from;
    if (event.type === 'join') here.set(userId, { ...event.from, visibility: event.visibility });
    if (event.type === 'leave') here.delete(userId);
    const renamed = isRename(event) && here.get(userId);
    if (renamed) here.set(userId, { ...event.from, visibility: renamed.visibility });
  }
  return [...here.values()];
}

/** Reports whether the event gives its party another nickname. @param {TranscriptEvent} event */
export function isRename(event) {
  return event.type === 'nickname';
}

/** Returns one or two letters for a nickname. @param {string} nickname */
export function initials(nickname) {
  const words = nickname.trim().split(/[\s._-]+/u).filter((word) => word !== '');
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : ''];
  return letters.map((word) => [...(word ?? '')][0] ?? '').join('').toLocaleUpperCase();
}
