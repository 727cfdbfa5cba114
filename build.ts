// The program as it runs: dist/, made of src/ and the JavaScript of its libraries (ADR 39).
// Whoever starts a node calls this first: npm's scripts, the tests, the benchmark, the image. It does nothing while dist/ is newer than
// what it is made of.

import { existsSync, readdirSync, statSync } from "node:fs";
import { rename, rm, utimes } from "node:fs/promises";
import { join } from "node:path";

const ROOT = import.meta.dirname;
const DIST = join(ROOT, "dist");
const PROGRAM = join(DIST, "main.js");
/** What is a process or a thread of its own. */
const ENTRIES = { main: "src/main.ts", "verify-worker": "src/node/verify-worker.ts" };
/** They find their native parts, or their threads, by where their own files lie. */
const LEFT_OUTSIDE = [/^level$/, /^sodium-native$/, /^@chainsafe\/hashtree/, /^cbor-extract$/, /^pino$/];
const SOURCES = join(ROOT, "src");
/** The last is written by npm when packages change. */
const BESIDE_SOURCES = ["build.ts", "package.json", "node_modules/.package-lock.json"].map((name) => join(ROOT, name));

/** A process that starts meanwhile finds the old program or the new one, whole; of two that build at once one is kept. */
export default async function build(): Promise<void> {
  if (isNew()) return;
  // Not loaded for nothing: `npm run linli` comes by here each time.
  const { rolldown } = await import("rolldown").catch((cause) => {
    throw new Error("dist/ is older than src/, and rolldown, which makes it, is not installed; run npm ci", { cause });
  });
  const begun = new Date();
  const made = `${DIST}-${process.pid}`;
  const old = `${made}-old`;
  const bundle = await rolldown({ cwd: ROOT, input: ENTRIES, platform: "node", external: LEFT_OUTSIDE });
  await bundle.write({
    dir: made,
    format: "esm",
    sourcemap: true,
    sourcemapExcludeSources: true,
    chunkFileNames: "[name].js",
  });
  await bundle.close();
  // What is edited while it builds is newer than what was built.
  await utimes(join(made, "main.js"), begun, begun);
  try {
    if (existsSync(DIST)) await rename(DIST, old);
    await rename(made, DIST);
  } catch (error) {
    if (!isNew()) throw error;
  } finally {
    await rm(old, { recursive: true, force: true });
    await rm(made, { recursive: true, force: true });
  }
}

function isNew(): boolean {
  if (!existsSync(PROGRAM)) return false;
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).map((name) => join(SOURCES, name));
  const madeMs = statSync(PROGRAM).mtimeMs;
  return [SOURCES, ...files, ...BESIDE_SOURCES.filter(existsSync)].every((path) => statSync(path).mtimeMs <= madeMs);
}

if (import.meta.main) await build();
