/**
 * A response whose `blob()` and similar methods reject with the error that its
 * body failed with, as the standard requires; Chromium rejects with "Failed to fetch".
 */
export class DownloadResponse extends Response {
  #error;

  /** @param {ReadableStream<Uint8Array>} body @param {ResponseInit} init @param {() => unknown} error returns what the body failed with */
  constructor(body, init, error) {
    super(body, init);
    this.#error = error;
  }

  arrayBuffer() {
    return super.arrayBuffer().catch((error) => this.#reject(error));
  }

  blob() {
    return super.blob().catch((error) => this.#reject(error));
  }

  bytes() {
    return super.bytes().catch((error) => this.#reject(error));
  }

  formData() {
    return super.formData().catch((error) => this.#reject(error));
  }

  json() {
    return super.json().catch((error) => this.#reject(error));
  }

  text() {
    return super.text().catch((error) => this.#reject(error));
  }

  /** @param {unknown} error @returns {never} */
  #reject(error) {
    throw this.#error() ?? error;
  }
}
