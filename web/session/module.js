import { load } from '../loader.js';
import { AttacheError } from './error.js';

/** @typedef {import('./pump.js').Pump} Pump */

/**
 * The functions of the module. It knows a session by a number, its handle.
 *
 * @typedef {object} Module
 * @property {(handle: number, receive: (...reports: any[]) => void, dial: (url: string, protocol: string) => WebSocket,
 *   url: string, clientVersion: number, secureKey: string, id: string, position: number, user: string) => string | null} open
 * @property {(handle: number) => void} close
 * @property {(handle: number, number: number, token: string, fixed: boolean, problem: string) => void} token
 * @property {(handle: number, call: number, key: string, text: string, visibility: string, receiver: string, messageType: string,
 *   treatAs: string) => void} say
 * @property {(handle: number, call: number, key: string, notice: string, text: string, data: string, visibility: string,
 *   receiver: string) => void} notify
 * @property {(handle: number, on: boolean, preview: string, visibility: string, receiver: string) => void} typing
 * @property {(handle: number, call: number, words: string, after: string) => void} find
 * @property {(handle: number, call: number, file: string, attempt: string) => void} ask
 * @property {(handle: number, call: number, after: string) => void} leave
 * @property {(handle: number, call: number, pump: Pump, group: number, key: string, name: string, size: number, type: string, uploadType: string,
 *   description: string, digest: string, visibility: string, ...custom: string[]) => void} upload
 * @property {(handle: number, call: number, view: Uint8Array) => void} filled
 * @property {(handle: number, call: number, before: boolean) => void} unread
 * @property {(handle: number, call: number) => void} cancel
 * @property {(handle: number, key: string) => void} discard
 * @property {(handle: number) => void} wake
 * @property {(name: string, size: number, limits: string) => string} check
 * @property {(name: string, type: string) => string} describe
 * @property {() => number} live
 */

/**
 * Loads the module, or returns the one that runs.
 *
 * @param {import('../loader.js').LoadOptions} [options]
 * @returns {Promise<Module>}
 * @throws {AttacheError} `internal`, with the loader's words
 */
export async function loadModule(options) {
  try {
    return /** @type {Module} */ (await load(options));
  } catch (cause) {
    throw new AttacheError({ code: 'internal', message: cause instanceof Error ? cause.message : '', hint: '', cause });
  }
}
