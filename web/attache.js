import { AttacheError, parseError } from './session/error.js';
import { loadModule } from './session/module.js';
import { readCheck, readConnect, parsed } from './session/options.js';
import { Session } from './session/session.js';

export { AttacheError };

/** @type {typeof import('./attache.js').connect} */
export async function connect(options) {
  const session = await Session.connect(parsed(() => readConnect(options)));
  return /** @type {import('./attache.js').Session} */ (/** @type {unknown} */ (session));
}

/** @type {typeof import('./attache.js').check} */
export async function check(file, limits) {
  const { name, size, limits: text } = parsed(() => readCheck(file, limits));
  const refused = answer((await loadModule()).check(name, size, text));
  return refused === '' ? null : parseError(refused);
}

/** @type {typeof import('./attache.js').describe} */
export async function describe(name, type = '') {
  const words = parsed(() => [String(name), String(type)]);
  return JSON.parse(answer((await loadModule()).describe(words[0], words[1])));
}

/** A program that has ended answers nothing. @param {unknown} text */
function answer(text) {
  if (typeof text !== 'string') throw new AttacheError({ code: 'internal', message: '' });
  return text;
}
