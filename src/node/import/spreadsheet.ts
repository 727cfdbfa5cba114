// Sheets of an .xlsx workbook as tables of plain texts. The only importer of read-excel-file.
// Never takes the result of a formula for a value, never calculates with numbers, never unpacks more than its bound.

import { Readable } from "node:stream";
import { inflateRawSync } from "node:zlib";
import readWorkbook from "read-excel-file/node";
import { FILE_BYTES_MAX, type Report, type TableLine } from "./table-file.ts";

const UNPACKED_BYTES_MAX = 64 << 20;
const ENTRIES_MAX = 256;
const END_BYTES = 22;
const END_MARK = 0x06054b50;
const ENTRY_MARK = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const DEFLATED = 8;

/** The sheets by name; a workbook with a formula anywhere, or that is none, is reported and gives none. */
export async function readSheets(
  bytes: Uint8Array,
  name: string,
  report: Report,
): Promise<ReadonlyMap<string, readonly TableLine[]>> {
  const none = new Map<string, readonly TableLine[]>();
  if (bytes.length > FILE_BYTES_MAX) {
    report(name, 1, `has ${bytes.length} bytes, ${FILE_BYTES_MAX} are allowed`, "split the community");
    return none;
  }
  const parts = unpack(bytes);
  if (parts === undefined) {
    report(name, 1, "is no .xlsx workbook, or a very large one", "save it as .xlsx, or export its sheets as CSV");
    return none;
  }
  const formulas = parts.flatMap(formulaCells);
  for (const { line, cell } of formulas)
    report(name, line, `cell ${cell} holds a formula`, "paste the values alone over the formulas");
  if (formulas.length > 0) return none;
  try {
    const sheets = await readWorkbook(Readable.from([bytes]), { trim: false, parseNumber: (digits) => digits });
    return new Map(sheets.map(({ sheet, data }) => [sheet, linesOf(data)]));
  } catch (error) {
    report(name, 1, `cannot be read (${error instanceof Error ? error.message.slice(0, 100) : "?"})`, "save it again");
    return none;
  }
}

/** Numbers as their digits in the file: 89.3 is not 89.30, and the judge of the cell says so. Empty lines at the end are none. */
function linesOf(data: readonly (readonly unknown[])[]): readonly TableLine[] {
  const lines = data.map((cells, index) => ({ line: index + 1, cells: cells.map(textOfCell) }));
  while (lines.at(-1)?.cells.every((cell) => cell === "") === true) lines.pop();
  return lines;
}

function textOfCell(cell: unknown): string {
  if (typeof cell === "string") return cell;
  if (cell instanceof Date) return cell.toISOString().replace("T00:00:00.000Z", "");
  return cell === null || cell === undefined ? "" : String(cell);
}

/** The texts of the sheets, as far as its directory tells; undefined: it is no archive, or unpacks to too much. */
function unpack(bytes: Uint8Array): readonly string[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - END_BYTES;
  while (end >= 0 && view.getUint32(end, true) !== END_MARK) end -= 1;
  if (end < 0) return undefined;
  const count = view.getUint16(end + 10, true);
  if (count > ENTRIES_MAX) return undefined;
  const sheets: string[] = [];
  let left = UNPACKED_BYTES_MAX;
  try {
    for (let at = view.getUint32(end + 16, true), index = 0; index < count; index += 1) {
      if (view.getUint32(at, true) !== ENTRY_MARK) return undefined;
      const content = unpackEntry(bytes, view, at, left);
      left -= content.length;
      const nameLength = view.getUint16(at + 28, true);
      const name = new TextDecoder().decode(bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameLength));
      if (name.startsWith("xl/worksheets/")) sheets.push(new TextDecoder().decode(content));
      at += ENTRY_BYTES + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    }
  } catch {
    // A place outside the file, or more than is allowed.
    return undefined;
  }
  return sheets;
}

/** @throws RangeError, or what zlib says, when the entry lies */
function unpackEntry(bytes: Uint8Array, view: DataView, at: number, bytesMax: number): Uint8Array {
  const local = view.getUint32(at + 42, true);
  const start = local + LOCAL_BYTES + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const packed = bytes.subarray(start, start + view.getUint32(at + 20, true));
  if (view.getUint16(at + 10, true) === DEFLATED) return inflateRawSync(packed, { maxOutputLength: bytesMax });
  if (packed.length > bytesMax) throw new RangeError("too large");
  return packed;
}

function formulaCells(sheet: string): readonly { readonly line: number; readonly cell: string }[] {
  const found: { line: number; cell: string }[] = [];
  let cell = "A1";
  for (const [, tag, attributes = ""] of sheet.matchAll(/<(?:[A-Za-z0-9]+:)?([cf])((?:\s[^<>]*)?)\/?>/g)) {
    if (tag === "c") cell = /\sr="([A-Z]+[0-9]+)"/.exec(attributes)?.[1] ?? cell;
    else found.push({ line: Number(cell.replace(/^[A-Z]+/, "")), cell });
  }
  return found;
}
