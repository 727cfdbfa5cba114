// The folder of snapshots of one simulated machine, behind the SnapshotFolder port: files that grow, names that change.
// A power cut keeps what was sealed, of other files any beginning, and of names that were not synced any first changes.

import type { SnapshotFolder } from "../../../src/store/snapshot-folder.ts";
import type { DiskPace } from "./disk.ts";
import type { Life } from "./life.ts";

interface File {
  bytes: Uint8Array;
  /** so many of them survive a power cut */
  durableBytes: number;
}

type Names = Map<string, File>;

/** What stays when the process ends. */
export class FolderDisk {
  isFull = false;
  private names: Names = new Map();
  private durableNames: Names = new Map();
  /** changes of names since the directory was synced, in order */
  private changes: ((names: Names) => void)[] = [];

  find(name: string): File | undefined {
    return this.names.get(name);
  }

  list(): readonly string[] {
    return [...this.names.keys()];
  }

  change(change: (names: Names) => void): void {
    this.changes.push(change);
    change(this.names);
  }

  syncNames(): void {
    this.durableNames = new Map(this.names);
    this.changes = [];
  }

  losePower(below: (count: number) => number): void {
    for (const change of this.changes.slice(0, below(this.changes.length + 1))) change(this.durableNames);
    this.names = new Map(this.durableNames);
    this.changes = [];
    for (const file of this.names.values()) {
      const kept = file.durableBytes + below(file.bytes.length - file.durableBytes + 1);
      // A length may be durable before the bytes: then zeros are read.
      if (below(2) === 0) file.bytes = file.bytes.slice(0, kept);
      else file.bytes = file.bytes.slice().fill(0, kept);
      file.durableBytes = file.bytes.length;
    }
  }

  /** One bit of one file turns. */
  flipBit(below: (count: number) => number): void {
    const names = this.list();
    const file = this.names.get(names[below(Math.max(1, names.length))] ?? "");
    if (file === undefined || file.bytes.length === 0) return;
    const flipped = file.bytes.slice();
    const place = below(flipped.length);
    flipped[place] = (flipped[place] ?? 0) ^ (1 << below(8));
    file.bytes = flipped;
  }

  /** The disk is replaced by an empty one. */
  empty(): void {
    this.names = new Map();
    this.durableNames = new Map();
    this.changes = [];
  }

  /** The folder as one run of the process sees it. */
  open(life: Life, pace: DiskPace): SnapshotFolder {
    const slowly = <T>(lengthMs: number, compute: () => T): Promise<T> => {
      pace.onWrite(lengthMs, "snapshot folder");
      return life.answer(lengthMs, compute);
    };
    return {
      names: async () => this.list(),
      read: (name, position, length) =>
        life.answer(pace.writeMs(), () => this.find(name)?.bytes.slice(position, position + length)),
      append: (name, bytes) => {
        const copied = bytes.slice();
        return slowly(pace.writeMs(), () => this.append(name, copied));
      },
      seal: async (from, to) => {
        await slowly(pace.syncMs(), () => {
          const file = this.named(from);
          file.durableBytes = file.bytes.length;
        });
        this.change((names) => {
          const file = names.get(from);
          names.delete(from);
          if (file !== undefined) names.set(to, file);
        });
        await slowly(pace.syncMs(), () => this.syncNames());
      },
      remove: async (name) => {
        if (this.find(name) !== undefined) this.change((names) => names.delete(name));
      },
    };
  }

  private append(name: string, bytes: Uint8Array): void {
    if (this.isFull) throw new Error("ENOSPC");
    if (this.find(name) === undefined) {
      const made: File = { bytes: new Uint8Array(0), durableBytes: 0 };
      this.change((names) => names.set(name, made));
    }
    const file = this.named(name);
    const longer = new Uint8Array(file.bytes.length + bytes.length);
    longer.set(file.bytes);
    longer.set(bytes, file.bytes.length);
    file.bytes = longer;
  }

  private named(name: string): File {
    const file = this.find(name);
    if (file === undefined) throw new Error(`ENOENT ${name}`);
    return file;
  }
}
