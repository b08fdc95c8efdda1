/** Whose place in which chat. @typedef {{ session: string, userId: string }} Identity */

/**
 * Whom a token names, as far as that can be read: it is only looked at, so that
 * nobody is shown another party's chat. Whether it is a good one, the proxy says.
 *
 * @param {unknown} token
 * @returns {Identity | undefined}
 */
export function claims(token) {
  if (typeof token !== 'string') return undefined;
  try {
    const bytes = Uint8Array.from(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
    const { session, sub: userId } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof session === 'string' && typeof userId === 'string' ? { session, userId } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether two are known and are not the same. @param {Identity | undefined} one @param {Identity | undefined} other */
export function differ(one, other) {
  return one !== undefined && other !== undefined && (one.session !== other.session || one.userId !== other.userId);
}
