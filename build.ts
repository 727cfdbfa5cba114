// The program as it runs: dist/, made of src/ and the JavaScript of its libraries (ADR 39).
// Whoever starts a node calls this first: npm's scripts, the tests, the benchmark, the image. It does nothing while dist/ is made of
// what lies here. dist is a link to dist-DIGEST, and the digest is that of what was read, not of when: an update that is unpacked or
// copied brings files that are older than the program (N263).

import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";

const ROOT = import.meta.dirname;
const DIST = join(ROOT, "dist");
const PROGRAM = join(DIST, "main.js");
/** What is a process or a thread of its own. */
const ENTRIES = { main: "src/main.ts", "verify-worker": "src/node/verify-worker.ts" };
/** They find their native parts, or their threads, by where their own files lie. */
const LEFT_OUTSIDE = [/^level$/, /^sodium-native$/, /^@chainsafe\/hashtree/, /^cbor-extract$/, /^pino$/];
const SOURCES = join(ROOT, "src");
/** Written by npm when packages change. */
const PACKAGES = join(ROOT, "node_modules", ".package-lock.json");
/** No build takes as long. */
const INTERRUPTED_MS = 600_000;

/** A process that starts meanwhile runs the old program or the new one, whole; of two that build at once one is kept. */
export default async function build(): Promise<void> {
  const name = `dist-${digest()}`;
  const former = existsSync(DIST) && lstatSync(DIST).isSymbolicLink() ? readlinkSync(DIST) : undefined;
  if (former === name && existsSync(PROGRAM)) return;
  if (!existsSync(join(ROOT, name, "main.js")) && !(await make(name))) return build();
  const link = `${DIST}-${process.pid}-link`;
  await rm(link, { force: true });
  await symlink(name, link);
  // A folder is what a copy of the installation has that followed the link.
  if (existsSync(DIST) && former === undefined) await rm(DIST, { recursive: true, force: true });
  await rename(link, DIST);
  await tidy([name, former]);
}

/** false when something was edited meanwhile: nobody knows what was read */
async function make(name: string): Promise<boolean> {
  // Not loaded for nothing: `npm run linli` comes by here each time.
  const { rolldown } = await import("rolldown").catch((cause) => {
    const why =
      "dist/ is not made of these sources and packages, and rolldown, which makes it, is not installed; run npm ci";
    throw new Error(why, { cause });
  });
  const made = `${DIST}-${process.pid}`;
  await rm(made, { recursive: true, force: true });
  try {
    const bundle = await rolldown({ cwd: ROOT, input: ENTRIES, platform: "node", external: LEFT_OUTSIDE });
    await bundle.write({
      dir: made,
      format: "esm",
      sourcemap: true,
      sourcemapExcludeSources: true,
      chunkFileNames: "[name].js",
    });
    await bundle.close();
    if (name !== `dist-${digest()}`) return false;
    await rename(made, join(ROOT, name));
  } catch (error) {
    if (!existsSync(join(ROOT, name, "main.js"))) throw error;
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  return true;
}

/** Away with what was made before, and what interrupted builds left; what was replaced just now may still be loaded by a process. */
async function tidy(kept: readonly (string | undefined)[]): Promise<void> {
  const isLeft = (name: string) =>
    /^dist-[0-9]{1,7}(-link)?$/.test(name) && Date.now() - lstatSync(join(ROOT, name)).mtimeMs > INTERRUPTED_MS;
  for (const name of readdirSync(ROOT))
    if ((/^dist-[0-9a-f]{16}$/.test(name) && !kept.includes(name)) || isLeft(name))
      await rm(join(ROOT, name), { recursive: true, force: true });
}

function digest(): string {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const paths = [...files.sort().map((name) => join("src", name)), "build.ts", "package.json"];
  const hash = createHash("sha256");
  for (const path of paths)
    hash.update(`${path}\n`).update(
      createHash("sha256")
        .update(readFileSync(join(ROOT, path)))
        .digest(),
    );
  if (existsSync(PACKAGES)) hash.update(packagesOfProgram());
  return hash.digest("hex").slice(0, 16);
}

/** Those that are in the program: it stays what it is when the tools are taken away. */
function packagesOfProgram(): string {
  const { packages } = JSON.parse(readFileSync(PACKAGES, "utf8")) as { packages: Record<string, { dev?: boolean }> };
  return JSON.stringify(Object.entries(packages).filter(([, { dev }]) => dev !== true));
}

if (import.meta.main) await build();
