const input = document.querySelector('#file');

/** PUTs the chosen file; milliseconds until the answer, and the answer. */
async function put(path) {
  const start = performance.now();
  const response = await fetch(path, { method: 'PUT', body: input.files[0] });
  const answer = await response.text();
  const ms = performance.now() - start;
  if (!response.ok) {
    throw new Error(answer);
  }
  return { ms, answer };
}

/** PUTs every chosen file, each after the answer to the one before; milliseconds, and the latest answer. */
async function putEach(path) {
  const start = performance.now();
  let answer;
  for (const file of input.files) {
    const response = await fetch(path, { method: 'PUT', body: file });
    answer = await response.text();
    if (!response.ok) {
      throw new Error(answer);
    }
  }
  return { ms: performance.now() - start, answer };
}

/** Reads a file to its end and drops it; milliseconds and bytes. */
async function get(path) {
  const start = performance.now();
  const response = await fetch(path, { cache: 'no-store' });
  const reader = response.body.getReader();
  let bytes = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    bytes += piece.value.length;
  }
  return { ms: performance.now() - start, bytes };
}

let loading;

/** Starts the naive module once; this is not timed. */
function load() {
  loading ??= (async () => {
    const go = new Go();
    const { instance } = await WebAssembly.instantiateStreaming(fetch('naive.wasm'), go.importObject);
    go.run(instance);
  })();
  return loading;
}

async function naive() {
  await load();
  const address = new URL('naive', location.href);
  address.protocol = 'ws:';
  const start = performance.now();
  const answer = await globalThis.naiveUpload(address.href, input.files[0]);
  return { ms: performance.now() - start, answer };
}

globalThis.bench = { put, putEach, get, naive, load };
