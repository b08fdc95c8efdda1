/** @typedef {import('../attache.js').PartyEvent} PartyEvent */
/** @typedef {import('./locale.js').Locale} Locale */
/** @typedef {import('./locale.js').Word} Word */

/**
 * The words for Chat Server's reason codes. The server's own texts, such as "left with
 * request to close forcedly", are not written for people; the event keeps them.
 *
 * @type {ReadonlyMap<number, Word>}
 */
const words = new Map(/** @type {const} */ ([
  [0, 'left'], [1, 'left'], [2, 'leftAndEnded'], [3, 'leftDisconnected'], [4, 'removedByOther'], [5, 'removedBySystem'],
  [6, 'removedForSecurity'], [7, 'removedIdle'], [8, 'removedRestored'],
]));

/**
 * Returns the sentence that says how a party left.
 *
 * @param {PartyEvent} event
 * @param {Locale} locale
 * @param {(userId: string) => string | undefined} nameOf returns a party's last nickname
 */
export function departure({ from: { userId, nickname: name }, asker, reason }, locale, nameOf) {
  const party = asker !== undefined && asker !== userId ? nameOf(asker) : undefined;
  if (party !== undefined) return locale.say('removed', { name, party });
  const word = reason ? words.get(reason.code) : 'left';
  if (word !== undefined) return locale.say(word, { name });
  return reason?.text ? locale.say('leftBecause', { name, reason: reason.text }) : locale.say('left', { name });
}
