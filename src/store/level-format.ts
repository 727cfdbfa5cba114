// Reads LevelDB's own file formats as far as their checksums need it: log records, table blocks, Snappy, varints.
// Never reads a key or a value for its meaning, and never writes.

import { joinBytes } from "../ledger/hash.ts";

const LOG_BLOCK_BYTES = 32_768;
const LOG_HEADER_BYTES = 7;
const BLOCK_TRAILER_BYTES = 5;
const FOOTER_BYTES = 48;
const TABLE_MAGIC = 0xdb4775248b80fb57n;
const CRC_MASK_DELTA = 0xa282ead8;
const SNAPPY = 1;

/** Where a file does not agree with its own checksums. */
export class Damage extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super(`damaged at byte ${offset}`);
    this.offset = offset;
  }
}

/**
 * The records of a log or manifest, whole ones only. A file that just ends early is what a crash leaves and is no damage;
 * a record that is all there and does not match its checksum is (a flipped bit), also when it is the last.
 * @throws Damage
 */
export function readLogRecords(file: Uint8Array): readonly Uint8Array[] {
  const records: Uint8Array[] = [];
  let fragments: Uint8Array[] = [];
  let position = 0;
  while (position + LOG_HEADER_BYTES <= file.length) {
    const blockLeft = LOG_BLOCK_BYTES - (position % LOG_BLOCK_BYTES);
    if (blockLeft < LOG_HEADER_BYTES) {
      position += blockLeft;
      continue;
    }
    const fragment = readFragment(file, position, blockLeft);
    if (fragment === undefined) break;
    const { type, payload } = fragment;
    const isContinuation = type === 3 || type === 4;
    if (type < 1 || type > 4 || isContinuation !== fragments.length > 0) throw new Damage(position);
    fragments.push(payload);
    if (type === 1 || type === 4) {
      // A record is mostly one fragment, and the file is in memory already.
      records.push(type === 1 ? payload : joinBytes(fragments));
      fragments = [];
    }
    position += LOG_HEADER_BYTES + payload.length;
  }
  return records;
}

/** @returns undefined where the file was cut off, or zeros were left by a file system that did not get to write */
function readFragment(
  file: Uint8Array,
  position: number,
  blockLeft: number,
): { type: number; payload: Uint8Array } | undefined {
  const view = new DataView(file.buffer, file.byteOffset + position, LOG_HEADER_BYTES);
  const length = view.getUint16(4, true);
  const type = view.getUint8(6);
  const expected = view.getUint32(0, true);
  if (expected === 0 && length === 0 && type === 0) {
    const rest = file.subarray(position).findIndex((byte) => byte !== 0);
    if (rest === -1) return undefined;
    throw new Damage(position + rest);
  }
  const start = position + LOG_HEADER_BYTES;
  const left = Math.min(blockLeft - LOG_HEADER_BYTES, file.length - start);
  if (length > left) {
    const isCutOff = start + left === file.length && length <= blockLeft - LOG_HEADER_BYTES;
    if (isCutOff && !isLengthFlipped(file.subarray(start - 1), length, expected)) return undefined;
    throw new Damage(position);
  }
  if (expected !== maskedCrc(file.subarray(start - 1, start + length))) throw new Damage(position);
  return { type, payload: file.subarray(start, start + length) };
}

/** Whether a record that seems to end after the file is whole, and only one bit of its length is wrong. */
function isLengthFlipped(typeAndRest: Uint8Array, length: number, expected: number): boolean {
  for (let bit = 0; bit < 16; bit += 1) {
    const end = 1 + (length ^ (1 << bit));
    if (end <= typeAndRest.length && expected === maskedCrc(typeAndRest.subarray(0, end))) return true;
  }
  return false;
}

/** What LevelDB's manifest says is in use: table files, and logs from `logNumber` on. @throws Damage */
export function readManifest(file: Uint8Array): { readonly tables: ReadonlySet<number>; readonly logNumber: number } {
  const tables = new Set<number>();
  let logNumber = 0;
  for (const record of readLogRecords(file)) {
    const cursor = new Cursor(record);
    while (!cursor.atEnd) {
      const tag = cursor.varint();
      if (tag === 1) cursor.skip(cursor.varint());
      else if (tag === 2) logNumber = cursor.varint();
      else if (tag === 3 || tag === 4 || tag === 9) cursor.varint();
      else if (tag === 5) skipLevelAndKey(cursor);
      else if (tag === 6) {
        cursor.varint();
        tables.delete(cursor.varint());
      } else if (tag === 7) tables.add(readNewTable(cursor));
      else throw new Damage(record.byteOffset);
    }
  }
  return { tables, logNumber };
}

function skipLevelAndKey(cursor: Cursor): void {
  cursor.varint();
  cursor.skip(cursor.varint());
}

function readNewTable(cursor: Cursor): number {
  cursor.varint();
  const number = cursor.varint();
  cursor.varint();
  cursor.skip(cursor.varint());
  cursor.skip(cursor.varint());
  return number;
}

/** Compares every block of a table file with its checksum: data, filters, indexes. @throws Damage */
export function checkTable(file: Uint8Array): void {
  if (file.length < FOOTER_BYTES) throw new Damage(file.length);
  const footer = file.subarray(file.length - FOOTER_BYTES);
  const magic = new DataView(footer.buffer, footer.byteOffset + 40, 8).getBigUint64(0, true);
  if (magic !== TABLE_MAGIC) throw new Damage(file.length - 8);
  const cursor = new Cursor(footer);
  const metaindex = readHandle(cursor);
  const index = readHandle(cursor);
  let covered = FOOTER_BYTES;
  for (const handle of [metaindex, index]) {
    covered += handle.size + BLOCK_TRAILER_BYTES;
    for (const inner of readHandles(readBlock(file, handle))) {
      readBlockBytes(file, inner);
      covered += inner.size + BLOCK_TRAILER_BYTES;
    }
  }
  // Blocks lie side by side: were one handle wrong, the sum would be too.
  if (covered !== file.length) throw new Damage(file.length - FOOTER_BYTES);
  if (footer.subarray(cursor.position, 40).some((byte) => byte !== 0)) throw new Damage(file.length - FOOTER_BYTES);
}

interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

function readHandle(cursor: Cursor): BlockHandle {
  return { offset: cursor.varint(), size: cursor.varint() };
}

/** The handles that stand as values in an index block. */
function readHandles(block: Uint8Array): readonly BlockHandle[] {
  if (block.length < 4) throw new Damage(0);
  const restarts = new DataView(block.buffer, block.byteOffset + block.length - 4, 4).getUint32(0, true);
  const end = block.length - 4 - restarts * 4;
  if (end < 0) throw new Damage(0);
  const cursor = new Cursor(block.subarray(0, end));
  const handles: BlockHandle[] = [];
  while (!cursor.atEnd) {
    cursor.varint();
    const keyBytes = cursor.varint();
    cursor.varint();
    cursor.skip(keyBytes);
    handles.push(readHandle(cursor));
  }
  return handles;
}

function readBlock(file: Uint8Array, handle: BlockHandle): Uint8Array {
  const stored = readBlockBytes(file, handle);
  return file[handle.offset + handle.size] === SNAPPY ? uncompress(stored) : stored;
}

function readBlockBytes(file: Uint8Array, { offset, size }: BlockHandle): Uint8Array {
  const end = offset + size;
  if (end + BLOCK_TRAILER_BYTES > file.length) throw new Damage(offset);
  const expected = new DataView(file.buffer, file.byteOffset + end + 1, 4).getUint32(0, true);
  if (expected !== maskedCrc(file.subarray(offset, end + 1))) throw new Damage(offset);
  return file.subarray(offset, end);
}

/** Snappy's raw format: a length, then literals and copies of what came before. */
function uncompress(bytes: Uint8Array): Uint8Array {
  const cursor = new Cursor(bytes);
  const output = new Uint8Array(cursor.varint());
  let written = 0;
  while (!cursor.atEnd) {
    const tag = cursor.byte();
    const kind = tag & 3;
    if (kind === 0) {
      const length = 1 + (tag >> 2 < 60 ? tag >> 2 : cursor.littleEndian((tag >> 2) - 59));
      output.set(cursor.take(length), written);
      written += length;
      continue;
    }
    const length = kind === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
    const distance = kind === 1 ? ((tag >> 5) << 8) | cursor.byte() : cursor.littleEndian(kind === 2 ? 2 : 4);
    for (let end = written + length; written < end; written += 1) output[written] = output[written - distance]!;
  }
  return output;
}

class Cursor {
  position = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.position >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.position];
    if (byte === undefined) throw new Damage(this.position);
    this.position += 1;
    return byte;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 56; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new Damage(this.position);
  }

  littleEndian(bytes: number): number {
    let value = 0;
    for (let index = 0; index < bytes; index += 1) value += this.byte() * 256 ** index;
    return value;
  }

  take(count: number): Uint8Array {
    const start = this.position;
    this.skip(count);
    return this.#bytes.subarray(start, start + count);
  }

  skip(count: number): void {
    if (count > this.#bytes.length - this.position) throw new Damage(this.position);
    this.position += count;
  }
}

// ---- CRC-32C (Castagnoli), as LevelDB masks it ----

/** Eight tables, so that eight bytes are folded in at a time. */
const CRC_TABLES = crcTables();

function crcTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index += 1) {
    const before = tables[index - 256]!;
    tables[index] = (before >>> 8) ^ tables[before & 255]!;
  }
  return tables;
}

function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + CRC_MASK_DELTA) >>> 0;
}

function crc32c(bytes: Uint8Array): number {
  const tables = CRC_TABLES;
  const at = (index: number): number => tables[index]!;
  let crc = -1;
  let position = 0;
  for (const end = bytes.length - 7; position < end; position += 8) {
    const low =
      crc ^
      (bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16) | (bytes[position + 3]! << 24));
    crc =
      at(1792 + (low & 255)) ^
      at(1536 + ((low >>> 8) & 255)) ^
      at(1280 + ((low >>> 16) & 255)) ^
      at(1024 + (low >>> 24)) ^
      at(768 + bytes[position + 4]!) ^
      at(512 + bytes[position + 5]!) ^
      at(256 + bytes[position + 6]!) ^
      at(bytes[position + 7]!);
  }
  for (; position < bytes.length; position += 1) crc = (crc >>> 8) ^ at((crc ^ bytes[position]!) & 255);
  return ~crc;
}
