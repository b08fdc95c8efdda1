/**
 * A response whose `blob()` and the like reject with what its body failed with,
 * as the standard wants it; Chromium has "Failed to fetch" for it.
 */
export class Answer extends Response {
  #why;

  /** @param {ReadableStream<Uint8Array>} body @param {ResponseInit} init @param {() => unknown} why */
  constructor(body, init, why) {
    super(body, init);
    this.#why = why;
  }

  arrayBuffer() {
    return super.arrayBuffer().catch((error) => this.#tell(error));
  }

  blob() {
    return super.blob().catch((error) => this.#tell(error));
  }

  bytes() {
    return super.bytes().catch((error) => this.#tell(error));
  }

  formData() {
    return super.formData().catch((error) => this.#tell(error));
  }

  json() {
    return super.json().catch((error) => this.#tell(error));
  }

  text() {
    return super.text().catch((error) => this.#tell(error));
  }

  /** @param {unknown} error @returns {never} */
  #tell(error) {
    throw this.#why() ?? error;
  }
}
