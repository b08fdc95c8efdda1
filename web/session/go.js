// The Go class of the toolchain that built the module. Its script only sets a
// global; reading that in the same evaluation keeps another Go program on the page
// from replacing it in between, and that program's own global is put back at once.
import { previous } from './goglobal.js';
import '../dist/wasm_exec.js';

export const Go = globalThis.Go;

if (Go !== previous) {
  if (previous) globalThis.Go = previous;
  else delete globalThis.Go;
}
