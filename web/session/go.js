// The Go class of the toolchain that built the module. Its script only sets a
// global; taking that in the same evaluation keeps another Go program on the
// page from coming between.
import '../dist/wasm_exec.js';

export const Go = globalThis.Go;
