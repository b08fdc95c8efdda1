// The Go class of the toolchain that built the module. Its script only sets a
// global; reading that in the same evaluation keeps another Go program on the page
// from replacing it in between.
import '../dist/wasm_exec.js';

export const Go = globalThis.Go;
