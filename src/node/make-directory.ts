// Makes a directory and those around it, in bounded time. It changes nothing that is there.
// Node's own `recursive` never ends where a directory cannot be made though its parent is there, as below /proc.

import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

const OWNER_ONLY = 0o700;

/**
 * Readable for its owner only, like each that had to be made around it.
 * @throws what the system says (`code`: ENOENT, EACCES, ENOTDIR, EROFS)
 */
export async function makeDirectory(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(path); !(await isThere(at)); at = dirname(at)) missing.unshift(at);
  for (const each of missing)
    await mkdir(each, { mode: OWNER_ONLY }).catch((error: NodeJS.ErrnoException) => {
      // Somebody else may have made it in the meantime.
      if (error.code !== "EEXIST") throw error;
    });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
