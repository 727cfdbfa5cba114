// The key-value store on LevelDB: whole batches, synced when asked, every value checked on its way back.
// Knows no keys' meaning. Never retries a failed write and never repairs: a store that lost something says so.

import { randomInt } from "node:crypto";
import { Level } from "level";
import { LedgerError } from "../errors.ts";
import { toHex } from "../ledger/hash.ts";
import { Slab } from "../ledger/slab.ts";
import type { KeyRange, KeyValueSnapshot, KeyValueStore, WriteOperation } from "../ports.ts";
import { CHECKSUM_BYTES, sealInto, unsealValue } from "./checksum.ts";
import { checkLevelFiles, type FileDamage } from "./level-files.ts";

type Bytes = Uint8Array;
type Snapshot = ReturnType<Level<Bytes, Bytes>["snapshot"]>;

const REBUILD =
  "stop the node, move the store away and start again: it is rebuilt from peers, votes stay in the vote record";
const BLOCK_CACHE_BYTES = 32 << 20;
/**
 * What is kept in memory before it becomes a file; four such files make a compaction. By chance within these bounds in each
 * process: members write the same rows, and if all of them compacted at the same moment, every block would wait for it.
 */
const WRITE_BUFFER_BYTES = { least: 3 << 20, most: 6 << 20 } as const;

/**
 * Opens or creates the store in a directory of its own, after checking LevelDB's own checksums in every file: LevelDB
 * does not when it opens (a flipped bit in its log drops the batch, one in a filter hides keys), and classic-level
 * offers no switch for it.
 * @throws LedgerError STORE_LOCKED (another process has it), STORE_CORRUPT (which file), STORE_OPEN_FAILED
 */
export async function openLevelStore(path: string): Promise<KeyValueStore> {
  const damage = await checkFiles(path);
  if (damage !== undefined) {
    throw new LedgerError("STORE_CORRUPT", { path, file: damage.file, offset: damage.offset }, { remedy: REBUILD });
  }
  const level = new Level<Bytes, Bytes>(path, {
    keyEncoding: "view",
    valueEncoding: "view",
    cacheSize: BLOCK_CACHE_BYTES,
    writeBufferSize: randomInt(WRITE_BUFFER_BYTES.least, WRITE_BUFFER_BYTES.most),
  });
  try {
    await level.open();
  } catch (error) {
    throw openFailure(path, error instanceof Error ? error.cause : error);
  }
  return new LevelStore(path, level);
}

async function checkFiles(path: string): Promise<FileDamage | undefined> {
  try {
    return await checkLevelFiles(path);
  } catch (error) {
    throw openFailure(path, error);
  }
}

function openFailure(path: string, cause: unknown): LedgerError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "LEVEL_LOCKED") {
    return new LedgerError(
      "STORE_LOCKED",
      { path },
      { cause, remedy: "another process has this store open: stop it first" },
    );
  }
  if (code === "LEVEL_CORRUPTION") return new LedgerError("STORE_CORRUPT", { path }, { cause, remedy: REBUILD });
  return new LedgerError("STORE_OPEN_FAILED", { path }, { cause, remedy: "check path, permissions and free space" });
}

class LevelStore implements KeyValueStore {
  readonly #path: string;
  readonly #level: Level<Bytes, Bytes>;
  /** rows on their way: the library asks each array for its buffer, which costs a small one more than its bytes */
  readonly #rows = new Slab(16_384);
  /** after a failed write nobody knows what the disk holds: nothing is written any more until a restart looks */
  #failure: LedgerError | undefined;

  constructor(path: string, level: Level<Bytes, Bytes>) {
    this.#path = path;
    this.#level = level;
  }

  get(key: Bytes): Bytes | undefined {
    return this.#get(key, undefined);
  }

  scan(range: KeyRange): Promise<readonly (readonly [Bytes, Bytes])[]> {
    return this.#scan(range, undefined);
  }

  async write(operations: Iterable<WriteOperation>, options: { readonly sync: boolean }): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    // Chained: the array form of batch() costs three times as much.
    const batch = this.#open().batch();
    for (const operation of operations) {
      const key = this.#rows.copyOf(operation.key);
      if (operation.kind === "delete") batch.del(key);
      else {
        const sealed = this.#rows.room(CHECKSUM_BYTES + operation.value.length);
        sealInto(sealed, 0, operation.key, operation.value);
        batch.put(key, sealed);
      }
    }
    try {
      await batch.write({ sync: options.sync });
    } catch (cause) {
      const remedy = "the disk refused: check free space and health, then restart";
      this.#failure ??= new LedgerError("STORE_WRITE_FAILED", { path: this.#path }, { cause, remedy });
      throw this.#failure;
    }
  }

  snapshot(): KeyValueSnapshot {
    const snapshot = this.#open().snapshot();
    return {
      get: (key) => this.#get(key, snapshot),
      scan: (range) => this.#scan(range, snapshot),
      release: () => snapshot.close(),
    };
  }

  async close(): Promise<void> {
    await this.#level.close();
  }

  #get(key: Bytes, snapshot: Snapshot | undefined): Bytes | undefined {
    const level = this.#open();
    try {
      const sealed = snapshot === undefined ? level.getSync(key) : level.getSync(key, { snapshot });
      return sealed === undefined ? undefined : this.#unseal(key, sealed);
    } catch (error) {
      throw this.#readFailure(key, error);
    }
  }

  async #scan(range: KeyRange, snapshot: Snapshot | undefined): Promise<readonly (readonly [Bytes, Bytes])[]> {
    const { from, to, limit, reverse = false } = range;
    const options = { gte: from, lt: to, limit, reverse };
    const iterator = this.#open().iterator(snapshot === undefined ? options : { ...options, snapshot });
    try {
      const rows = await iterator.all();
      return rows.map(([key, sealed]) => [plain(key), this.#unseal(key, sealed)] as const);
    } catch (error) {
      throw this.#readFailure(from, error);
    } finally {
      await iterator.close();
    }
  }

  #unseal(key: Bytes, sealed: Bytes): Bytes {
    const value = unsealValue(key, plain(sealed));
    if (value === undefined) throw this.#corrupt(key, undefined);
    return value;
  }

  #readFailure(key: Bytes, error: unknown): unknown {
    if (error instanceof LedgerError) return error;
    return this.#corrupt(key, error);
  }

  #corrupt(key: Bytes, cause: unknown): LedgerError {
    return new LedgerError("STORE_CORRUPT", { path: this.#path, key: toHex(key) }, { cause, remedy: REBUILD });
  }

  #open(): Level<Bytes, Bytes> {
    if (this.#level.status !== "open") throw new LedgerError("STORE_CLOSED", { path: this.#path });
    return this.#level;
  }
}

/** LevelDB hands out Buffers, whose slice() is not a copy: nobody above this file sees one. */
function plain(bytes: Bytes): Bytes {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
