// One slot file of the vote record: one record in two checksummed copies, more than a page apart, written in one piece.
// Never decides which slot is newest: that is vote-record-file.ts.

import { join } from "node:path";
import { LedgerError } from "../errors.ts";
import { bytesEqual, hashTagged } from "../ledger/hash.ts";
import type { RecordFile, RecordFiles } from "./record-files.ts";

// The copies stand back to back around the middle of the file, so that one write of little more than their size takes both
// and yet each header is found without knowing anything of the other copy:
//
//   0 ... [record][header] | middle, a page of zeros | [header][record] ... end
//
// Header: `[magic 8][generation u64][length u32][H(RECORD, record) 32][first 8 bytes of H(RECORD, the 52 before)]`. It has a
// checksum of its own: a torn write leaves it old or new (a disk writes a sector whole), so a slot without any whole header
// was damaged in another way.
const HEADER_BYTES = 60;
const HEADER_CHECKSUM_OFFSET = 52;
const MAGIC = new TextEncoder().encode("linlivr2");
/** What a disk loses at once: one page. The copies have no page in common and one between them. */
const GAP_BYTES = 4096;
/** Half a file: a power of two in these bounds, so that a cut file shows. A record that outgrows it gets a larger file. */
const HALF_BYTES_MIN = 64 << 10;
const HALF_BYTES_MAX = 64 << 20;

export const RECORD_BYTES_MAX = HALF_BYTES_MAX - GAP_BYTES - HEADER_BYTES;

export type SlotName = "a" | "b";

export interface Copy {
  readonly generation: number;
  readonly record: Uint8Array;
}

export type SlotContent =
  /** `generations`: of the whole headers, at most two; `copies`: those whose records are whole, too */
  | {
      readonly kind: "present";
      readonly generations: readonly number[];
      readonly copies: readonly Copy[];
      readonly halfBytes: number;
    }
  /** it does not have the size of any slot: no write in place leaves that */
  | { readonly kind: "resized" }
  | { readonly kind: "missing" };

/** @throws LedgerError VOTE_RECORD_UNREADABLE */
export async function readSlot(files: RecordFiles, directory: string, name: SlotName): Promise<SlotContent> {
  try {
    const file = await files.open(join(directory, name));
    if (file === undefined) return { kind: "missing" };
    try {
      const bytes = await file.bytes();
      if (!isSlotSize(bytes)) return { kind: "resized" };
      const halfBytes = bytes / 2;
      return decodeSlot(await file.read(0, halfBytes), await file.read(halfBytes, halfBytes));
    } finally {
      await file.close();
    }
  } catch (cause) {
    const remedy = "check owner and permissions of the vote record";
    throw new LedgerError("VOTE_RECORD_UNREADABLE", { path: directory }, { cause, remedy });
  }
}

/** An open slot file, written in place. */
export class SlotFile {
  readonly #file: RecordFile;
  readonly #halfBytes: number;

  private constructor(file: RecordFile, halfBytes: number) {
    this.#file = file;
    this.#halfBytes = halfBytes;
  }

  /** A slot that is whole on disk; undefined: it is gone. */
  static async open(
    files: RecordFiles,
    directory: string,
    slot: { readonly name: SlotName; readonly halfBytes: number },
  ): Promise<SlotFile | undefined> {
    const file = await files.open(join(directory, slot.name));
    return file && new SlotFile(file, slot.halfBytes);
  }

  /** Puts a new file with this record in the place of the slot, all at once. On return it survives power loss. */
  static async replace(files: RecordFiles, directory: string, name: SlotName, copy: Copy): Promise<SlotFile> {
    const path = join(directory, name);
    const file = await files.create(`${path}.new`);
    try {
      const slot = new SlotFile(file, halfBytesFor(copy));
      // Real zeros: later writes change neither size nor place of the file, so syncing their data is enough for them.
      await file.write(new Uint8Array(2 * slot.#halfBytes), 0);
      await slot.overwrite(copy);
      await files.rename(`${path}.new`, path);
      await files.syncDirectory(directory);
      return slot;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  canHold(copy: Copy): boolean {
    return bytesInHalf(copy) <= this.#halfBytes;
  }

  /** Writes both copies in place. On return they survive power loss. */
  async overwrite(copy: Copy): Promise<void> {
    await this.#file.write(encodeCopies(copy), this.#halfBytes - HEADER_BYTES - copy.record.length);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function isSlotSize(bytes: number): boolean {
  const half = bytes / 2;
  return half >= HALF_BYTES_MIN && half <= HALF_BYTES_MAX && Number.isInteger(Math.log2(half));
}

function bytesInHalf(copy: Copy): number {
  return GAP_BYTES + HEADER_BYTES + copy.record.length;
}

function halfBytesFor(copy: Copy): number {
  let halfBytes = HALF_BYTES_MIN;
  while (halfBytes < bytesInHalf(copy)) halfBytes *= 2;
  return halfBytes;
}

/** `[record][header]`, the page between, `[header][record]`. */
function encodeCopies(copy: Copy): Uint8Array {
  const { generation, record } = copy;
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(MAGIC);
  view.setBigUint64(8, BigInt(generation));
  view.setUint32(16, record.length);
  header.set(hashTagged("RECORD", record), 20);
  header.set(headerChecksum(header), HEADER_CHECKSUM_OFFSET);
  const bytes = new Uint8Array(2 * (HEADER_BYTES + record.length) + GAP_BYTES);
  bytes.set(record);
  bytes.set(header, record.length);
  bytes.set(header, record.length + HEADER_BYTES + GAP_BYTES);
  bytes.set(record, bytes.length - record.length);
  return bytes;
}

function decodeSlot(first: Uint8Array, second: Uint8Array): SlotContent {
  const middle = first.length - HEADER_BYTES;
  const behind = GAP_BYTES + HEADER_BYTES;
  const headers = [decodeHeader(first.subarray(middle)), decodeHeader(second.subarray(GAP_BYTES, behind))] as const;
  const copies = [
    copyOf(headers[0], (length) => first.slice(Math.max(0, middle - length), middle)),
    copyOf(headers[1], (length) => second.slice(behind, behind + length)),
  ];
  return {
    kind: "present",
    halfBytes: first.length,
    generations: headers.flatMap((header) => (header === undefined ? [] : [header.generation])),
    copies: copies.filter((copy) => copy !== undefined),
  };
}

/** @returns undefined unless every byte is as it was written */
function copyOf(header: Header | undefined, recordOf: (length: number) => Uint8Array): Copy | undefined {
  if (header === undefined) return undefined;
  const record = recordOf(header.length);
  const isWhole = record.length === header.length && bytesEqual(header.hash, hashTagged("RECORD", record));
  return isWhole ? { generation: header.generation, record } : undefined;
}

interface Header {
  readonly generation: number;
  readonly length: number;
  readonly hash: Uint8Array;
}

/** @returns undefined unless every byte is as it was written */
function decodeHeader(header: Uint8Array): Header | undefined {
  if (!bytesEqual(header.subarray(0, MAGIC.length), MAGIC)) return undefined;
  if (!bytesEqual(header.subarray(HEADER_CHECKSUM_OFFSET), headerChecksum(header))) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const generation = Number(view.getBigUint64(8));
  return { generation, length: view.getUint32(16), hash: header.subarray(20, HEADER_CHECKSUM_OFFSET) };
}

function headerChecksum(header: Uint8Array): Uint8Array {
  return hashTagged("RECORD", header.subarray(0, HEADER_CHECKSUM_OFFSET)).subarray(
    0,
    HEADER_BYTES - HEADER_CHECKSUM_OFFSET,
  );
}
