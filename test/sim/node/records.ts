// The disk under the vote record of one simulated machine: the real file code runs over it, sector by sector.
// A write that the power cuts short leaves any of its sectors old and any new; names change only with their directory's sync.

import { dirname } from "node:path";
import { emptyVoteRecord, encodeVoteRecord } from "../../../src/consensus/vote-record.ts";
import { beginRecovery, inspectRecord, type RecordState } from "../../../src/node/lost-record.ts";
import type { VoteRecordStore } from "../../../src/ports.ts";
import type { RecordFile, RecordFiles } from "../../../src/store/record-files.ts";
import { openVoteRecordFile } from "../../../src/store/vote-record-file.ts";
import type { DiskPace } from "./disk.ts";
import type { Life } from "./life.ts";

const SECTOR_BYTES = 512;
const PATH = "/votes/record";

/** One file on the medium, whatever its name. */
interface Medium {
  bytes: Uint8Array;
}

interface WriteUnderWay {
  readonly medium: Medium;
  readonly bytes: Uint8Array;
  readonly position: number;
}

export class RecordDisk {
  isFull = false;
  /** names as the operating system shows them, and as they stand on the disk */
  private names = new Map<string, Medium>();
  private durableNames = new Map<string, Medium>();
  private readonly underWay = new Set<WriteUnderWay>();
  /** what was saved last, as far as the file code has said */
  private saved: Uint8Array;
  private readonly identity: { readonly chainId: Uint8Array; readonly publicKey: Uint8Array };

  constructor(identity: { readonly chainId: Uint8Array; readonly publicKey: Uint8Array }) {
    this.identity = identity;
    this.saved = encodeVoteRecord(emptyVoteRecord(identity));
  }

  /** Makes the record, as it is made together with its key: before the node starts for the first time. */
  async create(): Promise<void> {
    const store = await openVoteRecordFile(PATH, new SimFiles(this, async (_, compute) => compute()));
    await store.save(this.saved);
  }

  async open(life: Life, pace: DiskPace): Promise<VoteRecordStore> {
    const slowly = <T>(lengthMs: number, compute: () => T): Promise<T> => {
      pace.onWrite(lengthMs, "vote record");
      return life.answer(lengthMs, compute);
    };
    // What a process asked for in the instant in which it ended was never handed over.
    this.underWay.clear();
    const store = await openVoteRecordFile(PATH, new SimFiles(this, slowly, () => pace.syncMs()));
    const found = await store.load();
    if (found.kind === "found") this.saved = found.bytes;
    return {
      load: () => store.load(),
      save: async (bytes) => {
        await store.save(bytes);
        this.saved = bytes.slice();
      },
      close: () => store.close(),
    };
  }

  /**
   * What `linli keys recover` does, while the node is stopped: the real code of it over these files.
   * @returns what it found
   */
  async recover(life: Life, pace: DiskPace, headRecordSequence: number): Promise<RecordState> {
    const slowly = <T>(lengthMs: number, compute: () => T): Promise<T> => {
      pace.onWrite(lengthMs, "vote record");
      return life.answer(lengthMs, compute);
    };
    const files = new SimFiles(this, slowly, () => pace.syncMs());
    const place = { ...this.identity, path: PATH, headRecordSequence };
    const found = await inspectRecord(place, files);
    if (found.state !== "recovering") await beginRecovery(place, found, files);
    return found.state;
  }

  /** The directory of the record as it is now: what somebody may put back later. */
  copy(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.names].map(([name, { bytes }]) => [name, bytes.slice()]));
  }

  /** What the next process finds is this, or nothing. */
  replace(files: ReadonlyMap<string, Uint8Array>): void {
    this.names = new Map([...files].map(([name, bytes]) => [name, { bytes: bytes.slice() }]));
    this.durableNames = new Map(this.names);
  }

  exists(path: string): boolean {
    return [...this.names.keys()].some((name) => name === path || name.startsWith(`${path}/`));
  }

  /** The record of which the file code has said last that it is durable. */
  lastSaved(): Uint8Array {
    return this.saved;
  }

  /** The process ends: what it had handed over is written. */
  endProcess(): void {
    for (const write of this.underWay) apply(write.medium, write.bytes, write.position);
    this.underWay.clear();
  }

  losePower(below: (count: number) => number): void {
    for (const { medium, bytes, position } of this.underWay) {
      // Any of the sectors, or those before one place: both happen.
      const inOrder = below(2) === 0 ? below(Math.ceil(bytes.length / SECTOR_BYTES) + 2) : undefined;
      let sector = 0;
      for (let start = position; start < position + bytes.length; sector += 1) {
        const end = Math.min(position + bytes.length, (Math.floor(start / SECTOR_BYTES) + 1) * SECTOR_BYTES);
        const isWritten = inOrder === undefined ? below(2) === 0 : sector < inOrder;
        if (isWritten) apply(medium, bytes.subarray(start - position, end - position), start);
        start = end;
      }
    }
    this.underWay.clear();
    this.names = new Map(this.durableNames);
  }

  /** One bit of one slot turns. */
  flipBit(below: (count: number) => number): void {
    const files = [...this.names].filter(([name]) => !name.endsWith(".new")).map(([, medium]) => medium);
    const medium = files[below(Math.max(1, files.length))];
    if (medium === undefined) return;
    // Where something stands, or it would hardly ever be hit.
    const places = [...medium.bytes.keys()].filter((place) => medium.bytes[place] !== 0);
    const place = places[below(Math.max(1, places.length))];
    if (place !== undefined) medium.bytes[place] = (medium.bytes[place] ?? 0) ^ (1 << below(8));
  }

  find(name: string): Medium | undefined {
    return this.names.get(name);
  }

  /** Hands a write over; until it is finished or abandoned the power may cut it short. */
  begin(medium: Medium, bytes: Uint8Array, position: number): WriteUnderWay {
    const write = { medium, bytes, position };
    this.underWay.add(write);
    return write;
  }

  finish(write: WriteUnderWay): void {
    if (this.underWay.delete(write)) apply(write.medium, write.bytes, write.position);
  }

  abandon(write: WriteUnderWay): void {
    this.underWay.delete(write);
  }

  put(name: string, medium: Medium): void {
    this.names.set(name, medium);
  }

  rename(from: string, to: string): void {
    for (const [name, medium] of [...this.names]) {
      if (name !== from && !name.startsWith(`${from}/`)) continue;
      this.names.delete(name);
      this.names.set(to + name.slice(from.length), medium);
    }
  }

  removeUnder(path: string): void {
    for (const name of [...this.names.keys()]) if (name.startsWith(`${path}/`)) this.names.delete(name);
  }

  syncNames(directory: string): void {
    const isIn = (name: string) => dirname(name) === directory || dirname(dirname(name)) === directory;
    for (const name of [...this.durableNames.keys()]) if (isIn(name)) this.durableNames.delete(name);
    for (const [name, medium] of this.names) if (isIn(name)) this.durableNames.set(name, medium);
  }
}

class SimFiles implements RecordFiles {
  private readonly disk: RecordDisk;
  /** does something after a time, or never when the process ends before */
  private readonly after: <T>(lengthMs: number, compute: () => T) => Promise<T>;
  private readonly lengthMs: () => number;

  constructor(
    disk: RecordDisk,
    after: <T>(lengthMs: number, compute: () => T) => Promise<T>,
    lengthMs: () => number = () => 0,
  ) {
    this.disk = disk;
    this.after = after;
    this.lengthMs = lengthMs;
  }

  async exists(path: string): Promise<boolean> {
    return this.disk.exists(path);
  }

  async open(path: string): Promise<RecordFile | undefined> {
    const medium = this.disk.find(path);
    return medium && this.fileOf(medium);
  }

  async create(path: string): Promise<RecordFile> {
    const medium = { bytes: new Uint8Array(0) };
    this.disk.put(path, medium);
    return this.fileOf(medium);
  }

  async createDirectory(path: string): Promise<void> {
    this.disk.removeUnder(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.disk.rename(from, to);
  }

  syncDirectory(path: string): Promise<void> {
    return this.after(this.lengthMs(), () => this.disk.syncNames(path));
  }

  private fileOf(medium: Medium): RecordFile {
    const { disk, after, lengthMs } = this;
    return {
      bytes: async () => medium.bytes.length,
      read: async (position, length) => {
        const bytes = new Uint8Array(length);
        bytes.set(medium.bytes.subarray(position, position + length));
        return bytes;
      },
      write: (bytes, position) => {
        const write = disk.begin(medium, bytes.slice(), position);
        return after(lengthMs(), () => {
          if (!disk.isFull) return disk.finish(write);
          // The disk refuses, and nothing of it is written: what breaks off in the middle is a power cut.
          disk.abandon(write);
          throw new Error("ENOSPC");
        });
      },
      close: async () => undefined,
    };
  }
}

function apply(medium: Medium, bytes: Uint8Array, position: number): void {
  const end = position + bytes.length;
  if (end > medium.bytes.length) {
    const larger = new Uint8Array(end);
    larger.set(medium.bytes);
    medium.bytes = larger;
  }
  medium.bytes.set(bytes, position);
}
