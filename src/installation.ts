// Where this installation lies. The same from the sources and from the program made of them: src/ and dist/ stand side by side.

/** The documents of contracts that come with it. */
export const LIBRARY = new URL("../src/contracts/library/", import.meta.url);
/** What becomes a process: the `linli` command. */
export const PROGRAM = new URL("../dist/main.js", import.meta.url);
/** What becomes a thread that verifies signatures. */
export const VERIFY_WORKER = new URL("../dist/verify-worker.js", import.meta.url);
