// Checks a closed LevelDB directory against LevelDB's own checksums, because LevelDB opens a damaged one without a word.
// Never writes and never opens the database: what is damaged stays as it is, so that every start says so again.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkTable, Damage, readLogRecords, readManifest } from "./level-format.ts";

export interface FileDamage {
  readonly file: string;
  readonly offset: number;
}

const NUMBERED = /^(\d+)\.(log|ldb|sst)$/;

/**
 * Reads every file that is in use: the manifest, its tables (with indexes and filters) and the logs. A file that
 * only ends early is what a crash leaves; a missing table is found by LevelDB itself.
 * @returns the first damage, undefined if there is none or no store
 */
export async function checkLevelFiles(path: string): Promise<FileDamage | undefined> {
  const names = await listNames(path);
  const numbered = names.flatMap((name) => {
    const match = NUMBERED.exec(name);
    return match === null ? [] : [{ name, number: Number(match[1]), isLog: match[2] === "log" }];
  });
  const current = await read(join(path, "CURRENT"));
  if (current === undefined) {
    // Without CURRENT LevelDB starts a new database on top of the old files.
    return numbered.length > 0 ? { file: "CURRENT", offset: 0 } : undefined;
  }
  const manifestName = new TextDecoder().decode(current).trimEnd();
  const manifestBytes = names.includes(manifestName) ? await read(join(path, manifestName)) : undefined;
  if (manifestBytes === undefined) return { file: "CURRENT", offset: 0 };
  try {
    const manifest = readManifest(manifestBytes);
    const used = numbered.filter(({ number, isLog }) =>
      isLog ? number >= manifest.logNumber : manifest.tables.has(number),
    );
    for (const { name, isLog } of used) {
      const damage = await checkFile(path, name, isLog ? readLogRecords : checkTable);
      if (damage !== undefined) return damage;
    }
    return undefined;
  } catch (error) {
    if (error instanceof Damage) return { file: manifestName, offset: error.offset };
    throw error;
  }
}

async function checkFile(
  path: string,
  name: string,
  check: (bytes: Uint8Array) => unknown,
): Promise<FileDamage | undefined> {
  const bytes = await read(join(path, name));
  if (bytes === undefined) return undefined;
  try {
    check(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof Damage) return { file: name, offset: error.offset };
    throw error;
  }
}

async function listNames(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
