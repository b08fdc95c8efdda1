/** @typedef {import('../attache.js').Session} Session */
/** @typedef {import('../attache.js').StandardResponse} StandardResponse */
/** @typedef {import('../attache.js').Visibility} Visibility */

/** The standard responses that the party of one session may attach. */
export class Responses {
  #session;
  #visibility;
  /** It is asked for once. @type {Promise<boolean> | undefined} */
  #available;

  /** @param {Session | undefined} session @param {() => Visibility} visibility returns who can see what is sent */
  constructor(session, visibility) {
    this.#session = session;
    this.#visibility = visibility;
  }

  /** Whether there are any. */
  get available() {
    const session = this.#session;
    if (session?.party.userType === 'CLIENT' || !session?.rights.includes('upload:standard-response')) return Promise.resolve(false);
    // A proxy without a library refuses, or finds nothing.
    this.#available ??= Promise.resolve(session.find?.()).then((found) => (found?.responses.length ?? 0) > 0, () => false);
    return this.#available;
  }

  /** @param {string} words @param {string} [after] the last document of the page before @returns {ReturnType<Session['find']>} */
  async find(words, after) {
    return /** @type {Session} */ (this.#session).find(words, { after });
  }

  /** Attaches one, for the parties that see what is sent. @param {StandardResponse} response */
  async attach({ documentId, description }) {
    await this.#session?.attach(documentId, { description, visibility: this.#visibility() });
  }
}
