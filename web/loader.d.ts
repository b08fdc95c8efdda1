/** Loads the WebAssembly module behind `attache.js`, once a page. */

export interface LoadOptions {
  /** The module, when it is not to be fetched from beside this script. The first caller's wins. */
  wasm?: string | URL | Response | WebAssembly.Module;
}

/**
 * Resolves with the object of functions that the Go program offers: the same
 * one for every caller until that program ends; the next call then starts it
 * anew without loading it again. A failed load may be repeated;
 * only a script that could not be fetched stays so until the page is reloaded,
 * because browsers remember that.
 */
export function load(options?: LoadOptions): Promise<object>;

/**
 * Calls the listener when a program that `load` resolved with has ended, with its
 * exit code (-1: it trapped); promises it has not settled by then never will be. Returns a
 * function that takes the listener off.
 */
export function onExit(listener: (code: number) => void): () => void;
