/** The Go toolchain's own glue, copied here by `make`: running it sets `globalThis.Go`. */
export {};

declare global {
  var Go: (new () => GoProgram) | undefined;

  interface GoProgram {
    argv: string[];
    exit: (code: number) => void;
    readonly importObject: WebAssembly.Imports;
    /** Resolves when the program has ended. */
    run(instance: WebAssembly.Instance): Promise<void>;

    // Undocumented; the loader's tests check that it exists.
    exited: boolean;
    _resume(): void;
    /** What `setTimeout` returned for each waiting timer. */
    readonly _scheduledTimeouts: ReadonlyMap<number, number>;
  }
}
