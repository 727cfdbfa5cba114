// The few operations of a file system that the vote record needs, and the real ones. The simulator brings its own.
// Knows no format. Creates files that only their owner may read.

import { writeSync } from "node:fs";
import { access, constants, type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { platform } from "node:os";
import { performance } from "node:perf_hooks";

export interface RecordFile {
  bytes(): Promise<number>;
  /** what cannot be read is damaged, and reads as zeros */
  read(position: number, length: number): Promise<Uint8Array>;
  /** on return it survives power loss; a power cut meanwhile leaves any of its sectors old and any new */
  write(bytes: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

export interface RecordFiles {
  /** whether there is a file or a directory of that name */
  exists(path: string): Promise<boolean>;
  /** undefined: there is none */
  open(path: string): Promise<RecordFile | undefined>;
  /** an empty file, whatever was there */
  create(path: string): Promise<RecordFile>;
  /** an empty directory, whatever was there */
  createDirectory(path: string): Promise<void>;
  /** takes the place of `to` at once; durable after `syncDirectory` of both */
  rename(from: string, to: string): Promise<void>;
  /** makes new, renamed and removed names in a directory durable */
  syncDirectory(path: string): Promise<void>;
}

/** Linux: a write that returns when the disk has it (O_DSYNC) is one job and not two. Elsewhere it may stop at the disk's cache. */
const SYNCS_EACH_WRITE = platform() === "linux";

export const REAL_FILES: RecordFiles = {
  exists(path) {
    return access(path).then(
      () => true,
      () => false,
    );
  },
  async open(path) {
    try {
      return new RealFile(await openDurably(path, constants.O_RDWR));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  },
  async create(path) {
    return new RealFile(await openDurably(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC));
  },
  async createDirectory(path) {
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  rename,
  async syncDirectory(path) {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

/** The longest that a durable write may hold up the thread that makes it. */
const QUICK_WRITE_MS_MAX = 2;
/** After one that took longer, so many go to the thread pool until this thread tries again. */
const POOL_WRITES = 64;
/** D136: a longer write, as of a slot that takes the place of one too small, takes long on a quick disk, too. Votes are shorter. */
const QUICK_WRITE_BYTES_MAX = 256 << 10;

/**
 * Who makes the next durable write. A job of the thread pool costs two switches of threads, more than a quick disk takes,
 * and waits where the processors are busy; a vote is waited for at once. A slow disk must not hold up all else, though.
 */
export class DiskPace {
  #poolWrites = 0;

  /** whether the calling thread makes the next write itself, which has so many bytes */
  isQuickFor(bytes: number): boolean {
    return this.#poolWrites === 0 && bytes <= QUICK_WRITE_BYTES_MAX;
  }

  /** @param tookMs of a write by the calling thread; undefined: the pool made it */
  noteWrite(tookMs: number | undefined): void {
    if (tookMs === undefined) this.#poolWrites = Math.max(0, this.#poolWrites - 1);
    else if (tookMs > QUICK_WRITE_MS_MAX) this.#poolWrites = POOL_WRITES;
  }
}

class RealFile implements RecordFile {
  readonly #handle: FileHandle;
  readonly #disk = new DiskPace();

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async bytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    try {
      for (let filled = 0; filled < length; ) {
        const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } catch (error) {
      if (codeOf(error) !== "EIO") throw error;
      bytes.fill(0);
    }
    return bytes;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    const isHere = SYNCS_EACH_WRITE && this.#disk.isQuickFor(bytes.length);
    const startedMs = performance.now();
    for (let written = 0; written < bytes.length; ) {
      const rest = [bytes, written, bytes.length - written, position + written] as const;
      written += isHere ? writeSync(this.#handle.fd, ...rest) : (await this.#handle.write(...rest)).bytesWritten;
    }
    if (!SYNCS_EACH_WRITE) await this.#handle.datasync();
    this.#disk.noteWrite(isHere ? performance.now() - startedMs : undefined);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function openDurably(path: string, flags: number): Promise<FileHandle> {
  return open(path, SYNCS_EACH_WRITE ? flags | constants.O_DSYNC : flags, 0o600);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
