// The sources and the documents as text, for tests that hold one against the other.
// Reads only.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const OWN_FOLDER = "test/unit/docs/";

export interface TextFile {
  /** from the root of the repository, with / */
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file below these folders, apart from the tests of the documents themselves. */
export function typeScriptFiles(...folders: readonly string[]): readonly TextFile[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
    )
    .filter((path) => path.endsWith(".ts") && !path.startsWith(OWN_FOLDER))
    .map((path) => ({ path, text: document(path) }));
}

/** @param path from the root of the repository */
export function document(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
