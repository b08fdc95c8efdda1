// Evaluated before the script that sets it.
export const previous = globalThis.Go;
