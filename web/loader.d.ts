/** Loads the WebAssembly module of `attache.js`, once for each page. */

export interface LoadOptions {
  /** The module, or where to load it. Default: `dist/attache.wasm` beside this script. The first caller's is used. */
  wasm?: string | URL | Response | WebAssembly.Module;
}

/**
 * Resolves with the functions of the Go program: the same object for every caller until the program ends; the next call
 * then starts it again without loading it again.
 *
 * Rejects with an `Error` that says what to change. A failed load can be retried; only a script that could not be fetched
 * fails until the page is reloaded, because browsers remember that.
 */
export function load(options?: LoadOptions): Promise<object>;

/**
 * Calls the listener when a program that `load` resolved with has ended, with its exit code (-1: it trapped). Promises that
 * it has not settled by then never settle.
 *
 * @returns a function that removes the listener
 */
export function onExit(listener: (code: number) => void): () => void;
