// Runs before every other script of the page: keeps a reference to the memory of the
// module that the page will start.
for (const name of ['instantiate', 'instantiateStreaming']) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (...args) => {
    const result = await original.apply(WebAssembly, args);
    globalThis.benchMemory = (result.instance ?? result).exports.mem;
    return result;
  };
}
