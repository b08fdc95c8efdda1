/** @typedef {import('../attache.js').UserType} UserType */
/** @typedef {import('../attache.js').Visibility} Visibility */

/**
 * Returns the visibilities that a party of that type may send with, the widest first. The
 * proxy applies the same rule; this one only decides what is offered.
 *
 * @param {UserType | undefined} userType undefined: no session yet
 * @returns {readonly Visibility[]}
 */
export function visibilities(userType) {
  switch (userType) {
    case 'AGENT':
      return ['ALL', 'INT'];
    case 'SUPERVISOR':
    case 'EXTERNAL':
    case 'SYSTEM':
      return ['ALL', 'INT', 'VIP'];
    default:
      return ['ALL'];
  }
}
