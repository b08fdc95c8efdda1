/** One party in one chat session. @typedef {{ session: string, userId: string }} Identity */

/**
 * Returns the party and chat session that a token names, if it can be read. The token is not verified here: this only keeps
 * a page from showing one party's chat to another. The proxy verifies it.
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

/** Reports whether both are known and differ. @param {Identity | undefined} one @param {Identity | undefined} other */
export function differ(one, other) {
  return one !== undefined && other !== undefined && (one.session !== other.session || one.userId !== other.userId);
}
