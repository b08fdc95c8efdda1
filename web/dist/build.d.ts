/**
 * What `make` writes here beside the module: build.js. It names the module that
 * this folder holds. (These declarations are also what keeps the folder in a
 * fresh clone.)
 */
export const wasm: {
  /** The module; `v` names its content, so that the URL may be cached forever. */
  readonly url: URL;
  /** SHA-384 in the form of `fetch`'s `integrity`. */
  readonly integrity: string;
  /** SHA-256 in hex. */
  readonly sha256: string;
  /** The toolchain that built it, as `runtime.Version()` says. */
  readonly go: string;
};
