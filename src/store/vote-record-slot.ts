// One slot file of the vote record: the same record twice, each copy checksummed and far from the other on disk.
// Never decides which slot is newest: that is vote-record-file.ts.

import { type FileHandle, open, rename } from "node:fs/promises";
import { join } from "node:path";
import { LedgerError } from "../errors.ts";
import { bytesEqual, hashTagged } from "../ledger/hash.ts";

/** `[magic 8][generation u64][length u32][checksum 32]`, then the record. */
const HEADER_BYTES = 52;
const CHECKSUM_OFFSET = 20;
const MAGIC = new TextEncoder().encode("linlivr1");
/** Room of one copy: a power of two in these bounds, so that a cut file shows. A record that outgrows it gets a larger file. */
const COPY_BYTES_MIN = 64 << 10;
const COPY_BYTES_MAX = 64 << 20;

export const RECORD_BYTES_MAX = COPY_BYTES_MAX - HEADER_BYTES;

export type SlotName = "a" | "b";

export interface Copy {
  readonly generation: number;
  readonly record: Uint8Array;
}

export type SlotContent =
  /** `copies`: the whole ones, at most two; `copyBytes`: undefined when the file does not have the size of any slot */
  | { readonly kind: "present"; readonly copyBytes: number | undefined; readonly copies: readonly Copy[] }
  | { readonly kind: "missing" };

/** @throws LedgerError VOTE_RECORD_UNREADABLE */
export async function readSlot(directory: string, name: SlotName): Promise<SlotContent> {
  try {
    const handle = await open(join(directory, name), "r");
    try {
      return decodeSlot(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT") return { kind: "missing" };
    // A sector that cannot be read: what stood there is unknown.
    if (code === "EIO") return { kind: "present", copyBytes: undefined, copies: [] };
    const remedy = "check owner and permissions of the vote record";
    throw new LedgerError("VOTE_RECORD_UNREADABLE", { path: directory }, { cause, remedy });
  }
}

/** An open slot file, written in place. */
export class SlotFile {
  readonly #handle: FileHandle;
  readonly #copyBytes: number;

  private constructor(handle: FileHandle, copyBytes: number) {
    this.#handle = handle;
    this.#copyBytes = copyBytes;
  }

  /** A slot that is whole on disk. */
  static async open(directory: string, name: SlotName, copyBytes: number): Promise<SlotFile> {
    return new SlotFile(await open(join(directory, name), "r+"), copyBytes);
  }

  /** Puts a new file with this record in the place of the slot, all at once. On return it survives power loss. */
  static async replace(directory: string, name: SlotName, copy: Copy): Promise<SlotFile> {
    const path = join(directory, name);
    const handle = await open(`${path}.new`, "w+", 0o600);
    try {
      const slot = new SlotFile(handle, copyBytesFor(copy));
      // Real zeros: later writes change neither size nor place of the file, so a data sync is enough for them.
      await writeAll(handle, new Uint8Array(2 * slot.#copyBytes), 0);
      await slot.overwrite(copy);
      await handle.sync();
      await rename(`${path}.new`, path);
      await syncDirectory(directory);
      return slot;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  canHold(copy: Copy): boolean {
    return HEADER_BYTES + copy.record.length <= this.#copyBytes;
  }

  /** Writes both copies in place. On return they survive power loss. */
  async overwrite(copy: Copy): Promise<void> {
    const bytes = encodeCopy(copy);
    await Promise.all([writeAll(this.#handle, bytes, 0), writeAll(this.#handle, bytes, this.#copyBytes)]);
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Makes new, renamed and removed names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

function copyBytesFor(copy: Copy): number {
  let copyBytes = COPY_BYTES_MIN;
  while (copyBytes < HEADER_BYTES + copy.record.length) copyBytes *= 2;
  return copyBytes;
}

function decodeSlot(file: Uint8Array): SlotContent {
  const half = file.length / 2;
  const isSlotSize = half >= COPY_BYTES_MIN && half <= COPY_BYTES_MAX && Number.isInteger(Math.log2(half));
  const copies = [decodeCopy(file)];
  // In a file of another size the second copy stands where a larger file had its half: only the first can be found.
  if (isSlotSize) copies.push(decodeCopy(file.subarray(half)));
  const whole = copies.filter((copy) => copy !== undefined);
  return { kind: "present", copyBytes: isSlotSize ? half : undefined, copies: whole };
}

function encodeCopy(copy: Copy): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + copy.record.length);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setBigUint64(8, BigInt(copy.generation));
  view.setUint32(16, copy.record.length);
  bytes.set(copy.record, HEADER_BYTES);
  bytes.set(checksumOf(bytes), CHECKSUM_OFFSET);
  return bytes;
}

/** @returns undefined unless every byte is as it was written */
function decodeCopy(slot: Uint8Array): Copy | undefined {
  if (slot.length < HEADER_BYTES || !bytesEqual(slot.subarray(0, MAGIC.length), MAGIC)) return undefined;
  const view = new DataView(slot.buffer, slot.byteOffset, HEADER_BYTES);
  const end = HEADER_BYTES + view.getUint32(16);
  if (end > slot.length) return undefined;
  const bytes = new Uint8Array(slot.subarray(0, end));
  if (!bytesEqual(bytes.subarray(CHECKSUM_OFFSET, HEADER_BYTES), checksumOf(bytes))) return undefined;
  return { generation: Number(view.getBigUint64(8)), record: bytes.subarray(HEADER_BYTES) };
}

/** H(RECORD, copy with its checksum field zero). */
function checksumOf(bytes: Uint8Array): Uint8Array {
  const blank = bytes.slice();
  blank.fill(0, CHECKSUM_OFFSET, HEADER_BYTES);
  return hashTagged("RECORD", blank);
}
