/** @typedef {import('../attache.js').ChatFile} ChatFile */
/** @typedef {import('../attache.js').Limits} Limits */

/**
 * Reports whether the limits of a party permit it to delete a file. An empty `deleteFile`
 * permits nothing: the proxy does not say.
 *
 * @param {Pick<ChatFile, 'own' | 'from'>} file
 * @param {Pick<Limits, 'deleteFile' | 'deleteOthers'>} limits
 */
export function mayDelete({ own, from }, { deleteFile, deleteOthers }) {
  if (own) return deleteFile !== '' && deleteFile !== 'off';
  return deleteOthers === 'all' || deleteOthers === 'staff' && from.userType !== 'CLIENT';
}
