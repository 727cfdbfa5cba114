// The few operations of a file system that snapshots need: the real ones, and those of a disk in memory for tests.
// Knows no format. A file has its name only when it is whole and durable.

import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

export interface SnapshotFolder {
  /** every file, half-written ones among them */
  names(): Promise<readonly string[]>;
  /** undefined: there is no such file. Fewer bytes than asked for: it ends there. */
  read(name: string, position: number, length: number): Promise<Uint8Array | undefined>;
  /** to the end of a file, which is made if there is none; durable only by `seal` */
  append(name: string, bytes: Uint8Array): Promise<void>;
  /** makes a file durable under its final name; on return both survive power loss */
  seal(from: string, to: string): Promise<void>;
  /** nothing if there is none */
  remove(name: string): Promise<void>;
}

/** A directory of its own, made if it is missing. */
export async function openSnapshotFolder(path: string): Promise<SnapshotFolder> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return new DiskFolder(path);
}

class DiskFolder implements SnapshotFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** D140: what else lies here is not ours: a file system of its own comes with a `lost+found`. */
  async names(): Promise<readonly string[]> {
    const entries = await readdir(this.#path, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : []));
  }

  async read(name: string, position: number, length: number): Promise<Uint8Array | undefined> {
    const handle = await open(join(this.#path, name), "r").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    });
    if (handle === undefined) return undefined;
    try {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    } finally {
      await handle.close();
    }
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const handle = await open(join(this.#path, name), "a", 0o600);
    try {
      await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
  }

  async seal(from: string, to: string): Promise<void> {
    await syncPath(join(this.#path, from));
    await rename(join(this.#path, from), join(this.#path, to));
    await syncPath(this.#path);
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#path, name), { force: true });
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A folder in memory that models what a disk keeps: sealed files whole, of others any beginning. */
export class MemoryFolder implements SnapshotFolder {
  readonly #files = new Map<string, Uint8Array>();
  readonly #sealed = new Set<string>();

  async names(): Promise<readonly string[]> {
    return [...this.#files.keys()];
  }

  async read(name: string, position: number, length: number): Promise<Uint8Array | undefined> {
    return this.#files.get(name)?.slice(position, position + length);
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const before = this.#files.get(name) ?? new Uint8Array(0);
    const after = new Uint8Array(before.length + bytes.length);
    after.set(before);
    after.set(bytes, before.length);
    this.#files.set(name, after);
  }

  async seal(from: string, to: string): Promise<void> {
    const bytes = this.#files.get(from);
    if (bytes === undefined) throw new Error(`no file ${from}`);
    this.#files.delete(from);
    this.#files.set(to, bytes);
    this.#sealed.add(to);
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
    this.#sealed.delete(name);
  }

  /** Power is lost: of a file that was not sealed half remains. */
  losePower(): void {
    for (const [name, bytes] of this.#files)
      if (!this.#sealed.has(name)) this.#files.set(name, bytes.slice(0, bytes.length >> 1));
  }

  /** A bit of a file rots. */
  flip(name: string, bit: number): void {
    const bytes = this.#files.get(name);
    if (bytes !== undefined) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  }
}
