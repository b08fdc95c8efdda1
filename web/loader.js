import { randomKey } from './session/key.js';
import { importBuild as importBuildFile, importGo as importGoFile } from './session/parts.js';

/** @typedef {typeof import('./dist/build.js')['wasm']} Build */
/** @typedef {NonNullable<typeof globalThis.Go>} GoClass */

/** @type {Promise<object> | undefined} */
let program;

/** @type {Promise<WebAssembly.Module> | undefined} */
let compiled;

/** @type {Set<(code: number) => void>} */
const exitListeners = new Set();

/** @type {typeof import('./loader.js').load} */
export function load(options = {}) {
  if (!program) {
    const started = start(options);
    program = started;
    started.catch(() => forget(started));
  }
  return program;
}

/** @type {typeof import('./loader.js').onExit} */
export function onExit(listener) {
  exitListeners.add(listener);
  return () => {
    exitListeners.delete(listener);
  };
}

/** @param {Promise<object>} ended */
function forget(ended) {
  if (program === ended) program = undefined;
}

/** @param {import('./loader.js').LoadOptions} options */
async function start({ wasm }) {
  if (!globalThis.WebAssembly) {
    throw new Error('Attaché needs WebAssembly, which this browser lacks or has switched off (lockdown mode): use another browser');
  }
  const importing = importGo();
  // A failure is reported below, where the promise is awaited.
  importing.catch(() => {});
  const build = await importBuild();
  const [module, Go] = await Promise.all([compileOnce(wasm, build), importing]);
  return run(module, Go, build);
}

async function importBuild() {
  try {
    return (await importBuildFile()).wasm;
  } catch (error) {
    throw await explainMissing(new URL('./dist/build.js', import.meta.url), error);
  }
}

/** @returns {Promise<GoClass>} */
async function importGo() {
  try {
    const { Go } = await importGoFile();
    if (!Go) throw new Error('dist/wasm_exec.js defines no Go');
    return Go;
  } catch (error) {
    throw await explainMissing(new URL('./dist/wasm_exec.js', import.meta.url), error);
  }
}

/**
 * Asks the server why an import failed; the browser does not say.
 * @param {URL} url
 * @param {unknown} cause
 */
async function explainMissing(url, cause) {
  const answer = await fetch(url).catch(() => undefined);
  const reason = !answer ? 'it cannot be reached'
    : answer.ok ? String(cause)
    : answer.status === 503 ? (await answer.text()).trim()
    : `the server answered ${answer.status}`;
  return new Error(`Attaché could not load ${url}: ${reason}. Serve the whole folder web/ as make built it`, { cause });
}

/**
 * @param {import('./loader.js').LoadOptions['wasm']} source
 * @param {Build} build
 */
function compileOnce(source, build) {
  compiled ??= compile(source, build).catch((error) => {
    compiled = undefined;
    throw error;
  });
  return compiled;
}

/**
 * @param {import('./loader.js').LoadOptions['wasm']} source
 * @param {Build} build
 */
async function compile(source, build) {
  if (source instanceof WebAssembly.Module) return source;
  const response = source instanceof Response ? source : await fetchModule(source ?? build.url, build);
  if (!response.ok) {
    throw new Error(`Attaché could not load ${response.url}: the server answered ${response.status}. Check the address, or pass the option wasm`);
  }
  try {
    return await compileResponse(response);
  } catch (error) {
    throw explainCompile(response.url, error);
  }
}

/**
 * @param {string | URL} url
 * @param {Build} build
 */
async function fetchModule(url, { integrity }) {
  try {
    return await fetch(url, { integrity });
  } catch (cause) {
    throw new Error(`Attaché could not load ${url}: it cannot be reached, its server sends no Access-Control-Allow-Origin, `
      + `the page's connect-src does not allow it, or it is not the file that belongs to ${new URL('./dist/build.js', import.meta.url)} `
      + '(then serve both from one build)', { cause });
  }
}

/** @param {Response} response */
async function compileResponse(response) {
  const type = response.headers.get('Content-Type')?.trim().toLowerCase();
  if (type === 'application/wasm') return WebAssembly.compileStreaming(response);
  console.warn(`attache: ${response.url || 'the module'} was sent with Content-Type: ${type ?? '(none)'}; `
    + 'send application/wasm, and it starts faster');
  return WebAssembly.compile(await response.arrayBuffer());
}

/**
 * @param {string} url
 * @param {unknown} cause
 */
function explainCompile(url, cause) {
  if (/content security|csp|unsafe-eval/i.test(String(cause))) {
    return new Error("Attaché cannot run here: add 'wasm-unsafe-eval' to script-src in the page's Content-Security-Policy", { cause });
  }
  return new Error(`Attaché could not read ${url || 'the module'} as WebAssembly: ${cause}. `
    + 'A development server may have sent another file; exclude attache from its pre-bundling, or pass the option wasm', { cause });
}

/**
 * Starts a program and resolves with its functions.
 * @param {WebAssembly.Module} module
 * @param {GoClass} Go
 * @param {Build} build
 * @returns {Promise<object>}
 */
async function run(module, Go, build) {
  const go = new Go();
  const callback = registerCallback(build);
  go.argv = ['attache', callback.name];
  try {
    const instance = await WebAssembly.instantiate(module, go.importObject);
    const mine = program;
    runToExit(go, instance).then((end) => {
      if (program === mine) program = undefined;
      notifyExit(end, callback);
    });
    return await callback.called;
  } catch (error) {
    if (!(error instanceof WebAssembly.LinkError)) throw error;
    throw new Error(`Attaché's module does not fit its wasm_exec.js (${build.go}): serve both from one build`, { cause: error });
  } finally {
    callback.close();
  }
}

/**
 * Runs the program and resolves when it has ended. Its `run` does not notice an exception
 * in the middle of Go code (a getter of the page that throws, an exhausted stack), after
 * which the program must not be called again.
 * @param {GoProgram} go
 * @param {WebAssembly.Instance} instance
 * @returns {Promise<{ code: number, cause?: unknown }>}
 */
function runToExit(go, instance) {
  return new Promise((resolve) => {
    /** @param {number} code @param {unknown} [cause] */
    const end = (code, cause) => {
      go.exited = true;
      // A timer of a program that has ended would throw on the page.
      go._scheduledTimeouts.forEach((timer) => clearTimeout(timer));
      resolve({ code, cause });
    };
    const resume = go._resume;
    go._resume = () => {
      try {
        resume.call(go);
      } catch (error) {
        if (!go.exited) end(-1, error);
        throw error;
      }
    };
    go.exit = end;
    go.run(instance).catch((error) => end(-1, error));
  });
}

/**
 * Registers a global function, under a random name, that the program calls once with its
 * functions and its Go version.
 * @param {Build} build
 */
function registerCallback(build) {
  const name = `attache-${randomKey()}`;
  const close = () => Reflect.deleteProperty(globalThis, name);
  /** @type {(reason: Error) => void} */
  let fail = () => {};
  /** @type {Promise<object>} */
  const called = new Promise((resolve, reject) => {
    fail = reject;
    /** @param {object} api @param {string} version */
    const receive = (api, version) => {
      close();
      if (version === build.go) resolve(api);
      else reject(new Error(`Attaché's module was built with ${version}, but its wasm_exec.js is from ${build.go}: serve both from one build`));
    };
    // Without a prototype, to which a page may have added a `get` or a `set`.
    Object.defineProperty(globalThis, name, Object.assign(Object.create(null), { value: receive, configurable: true }));
  });
  return { name, called, fail, close };
}

/**
 * Notifies the caller that waits for the program, or the listeners if the program was ready.
 * @param {{ code: number, cause?: unknown }} end
 * @param {ReturnType<typeof registerCallback>} callback
 */
function notifyExit({ code, cause }, callback) {
  callback.fail(new Error(`Attaché's module ended with code ${code} before it was ready; the browser's console shows why`, { cause }));
  // Each in its own microtask, so that one that throws does not stop the others.
  const notify = () => exitListeners.forEach((listener) => queueMicrotask(() => listener(code)));
  callback.called.then(notify, () => {});
}
