/** What a bundler makes of the module: its address, or the compiled module. Pass it to `load`. */
declare const wasm: string | WebAssembly.Module;
export default wasm;
