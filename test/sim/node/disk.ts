// The ledger's disk of one simulated machine, behind the KeyValueStore port. What survives follows LevelDB's log: a synced
// write keeps everything before it; of what came after, a power cut leaves a prefix. Values carry the real checksums.

import { LedgerError } from "../../../src/errors.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import type { KeyRange, KeyValueSnapshot, KeyValueStore, WriteOperation } from "../../../src/ports.ts";
import { sealValue, unsealValue } from "../../../src/store/checksum.ts";
import type { WriteKind } from "./fate.ts";
import type { Life } from "./life.ts";

type Rows = Map<string, Uint8Array>;

/** Writes that may be on their way to LevelDB at once: the threads of libuv. */
const THREADS = 4;

export interface DiskPace {
  /** how long one write takes, ms */
  writeMs(): number;
  syncMs(): number;
  /** whether another write that waits overtakes the first */
  overtakes(): boolean;
  below(count: number): number;
  /** a write begins that may take this long: the worst moment to lose power */
  onWrite(lengthMs: number, kind: WriteKind): void;
}

interface PendingWrite {
  readonly operations: readonly WriteOperation[];
  readonly sync: boolean;
  readonly done: () => void;
  readonly failed: (error: LedgerError) => void;
}

/** What stays when the process ends. */
export class SimDisk {
  /** what the operating system has: survives the process, not the power */
  rows: Rows = new Map();
  isFull = false;
  private durable: Rows = new Map();
  /** writes since the last sync, in order */
  private log: (readonly WriteOperation[])[] = [];
  private keys: readonly string[] | undefined;

  apply(operations: readonly WriteOperation[]): void {
    this.log.push(operations);
    this.keys = undefined;
    applyTo(this.rows, operations);
  }

  sync(): void {
    for (const operations of this.log) applyTo(this.durable, operations);
    this.log = [];
  }

  /** @param surviving how many of the unsynced writes reached the disk */
  losePower(surviving: (count: number) => number): void {
    for (const operations of this.log.slice(0, surviving(this.log.length + 1))) applyTo(this.durable, operations);
    this.log = [];
    this.rows = new Map(this.durable);
    this.keys = undefined;
  }

  /** Rows whose keys begin with these bytes, as they are read. @throws LedgerError STORE_CORRUPT */
  rowsUnder(prefix: Uint8Array): ReadonlyMap<string, Uint8Array> {
    const start = nameOf(prefix);
    const names = this.sortedKeys().filter((name) => name.startsWith(start));
    return new Map(names.map((name) => [name, read(this.rows, name) ?? new Uint8Array(0)]));
  }

  isDurable(key: Uint8Array): boolean {
    return this.durable.has(nameOf(key));
  }

  /** One bit of one stored value turns, on the medium and in what is read from it. */
  flipBit(below: (count: number) => number): string | undefined {
    const names = [...this.durable.keys()].sort();
    const name = names[below(Math.max(1, names.length))];
    const value = name === undefined ? undefined : this.durable.get(name);
    if (name === undefined || value === undefined) return undefined;
    const flipped = value.slice();
    const place = below(flipped.length);
    flipped[place] = (flipped[place] ?? 0) ^ (1 << below(8));
    this.durable.set(name, flipped);
    this.rows.set(name, flipped);
    return toHex(bytesOf(name)).slice(0, 18);
  }

  /** A backup of the store, as it would be found after a power cut. */
  copy(): ReadonlyMap<string, Uint8Array> {
    return new Map(this.durable);
  }

  /** The operator puts a backup in the place of the store, or nothing: that is what the next process finds. */
  replace(rows: ReadonlyMap<string, Uint8Array>): void {
    this.rows = new Map(rows);
    this.durable = new Map(rows);
    this.log = [];
    this.keys = undefined;
  }

  sortedKeys(): readonly string[] {
    this.keys ??= [...this.rows.keys()].sort();
    return this.keys;
  }
}

/** The disk as one run of the process sees it. */
export class SimStore implements KeyValueStore {
  private readonly disk: SimDisk;
  private readonly life: Life;
  private readonly pace: DiskPace;
  private readonly queue: PendingWrite[] = [];
  private isBusy = false;
  private hasFailed = false;

  constructor(disk: SimDisk, life: Life, pace: DiskPace) {
    this.disk = disk;
    this.life = life;
    this.pace = pace;
    // LevelDB writes what it finds in its log into a table, synced, before it is open.
    disk.sync();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return read(this.disk.rows, nameOf(key));
  }

  scan(range: KeyRange): Promise<readonly (readonly [Uint8Array, Uint8Array])[]> {
    return this.life.answer(this.pace.writeMs(), () => scanRows(this.disk.rows, this.disk.sortedKeys(), range));
  }

  write(operations: Iterable<WriteOperation>, { sync }: { readonly sync: boolean }): Promise<void> {
    const copied = Array.from(
      operations,
      (operation): WriteOperation =>
        operation.kind === "delete"
          ? { kind: "delete", key: operation.key.slice() }
          : { kind: "put", key: operation.key.slice(), value: sealValue(operation.key, operation.value) },
    );
    return new Promise((done, failed) => {
      this.queue.push({ operations: copied, sync, done, failed });
      this.work();
    });
  }

  snapshot(): KeyValueSnapshot {
    const rows = new Map(this.disk.rows);
    const keys = this.disk.sortedKeys();
    return {
      get: (key) => read(rows, nameOf(key)),
      scan: (range) => this.life.answer(this.pace.writeMs(), () => scanRows(rows, keys, range)),
      release: async () => undefined,
    };
  }

  async close(): Promise<void> {}

  private work(): void {
    if (this.isBusy) return;
    const place = this.queue.length > 1 && this.pace.overtakes() ? Math.min(THREADS, this.queue.length) - 1 : 0;
    const [next] = this.queue.splice(place, 1);
    if (next === undefined) return;
    this.isBusy = true;
    const lengthMs = this.pace.writeMs();
    this.pace.onWrite(lengthMs, "store write");
    this.life.after(lengthMs, () => this.perform(next));
  }

  private perform(write: PendingWrite): void {
    const { disk, life, pace } = this;
    if (disk.isFull || this.hasFailed) {
      // A sync that failed may have written all the same.
      if (!this.hasFailed && pace.below(2) === 0) disk.apply(write.operations);
      this.hasFailed = true;
      write.failed(new LedgerError("STORE_WRITE_FAILED", { path: "sim" }));
      return this.finish();
    }
    // Visible and safe from the end of the process before it is safe from a power cut.
    disk.apply(write.operations);
    const finish = () => {
      if (write.sync) disk.sync();
      write.done();
      this.finish();
    };
    if (!write.sync) return finish();
    const lengthMs = pace.syncMs();
    pace.onWrite(lengthMs, "store sync");
    life.after(lengthMs, finish);
  }

  private finish(): void {
    this.isBusy = false;
    this.work();
  }
}

function applyTo(rows: Rows, operations: readonly WriteOperation[]): void {
  for (const operation of operations) {
    if (operation.kind === "delete") rows.delete(nameOf(operation.key));
    else rows.set(nameOf(operation.key), operation.value);
  }
}

function read(rows: Rows, name: string): Uint8Array | undefined {
  const sealed = rows.get(name);
  if (sealed === undefined) return undefined;
  const key = bytesOf(name);
  const value = unsealValue(key, sealed);
  if (value === undefined) throw new LedgerError("STORE_CORRUPT", { path: "sim", key: toHex(key) });
  return value.slice();
}

function scanRows(
  rows: Rows,
  keys: readonly string[],
  range: KeyRange,
): readonly (readonly [Uint8Array, Uint8Array])[] {
  const from = nameOf(range.from);
  const to = nameOf(range.to);
  const found = keys.filter((name) => name >= from && name < to);
  if (range.reverse === true) found.reverse();
  return found.slice(0, range.limit).flatMap((name) => {
    const value = read(rows, name);
    return value === undefined ? [] : [[bytesOf(name), value] as const];
  });
}

/** One character for each byte: the order of names is the order of keys. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}

function bytesOf(name: string): Uint8Array {
  return Uint8Array.from(Buffer.from(name, "latin1"));
}
