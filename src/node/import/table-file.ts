// Tables that people fill in by hand and export from spreadsheets: bytes to named cells, and the judgement of single cells.
// Never repairs or guesses: what is not plainly right is a problem with file, line, cause and remedy.

import { CsvError, parse } from "csv-parse/sync";

export const FILE_BYTES_MAX = 16 << 20;
const PROBLEMS_REPORTED_MAX = 20;
/** 100,000 m2 are no unit any more: what is as large was written in square centimetres */
const AREA_CM2_MAX = 999_999_900;

/** One fault of one file; line 1 is the header line. */
export interface TableProblem {
  readonly file: string;
  readonly line: number;
  readonly cause: string;
  readonly remedy: string;
}

export type Report = (file: string, line: number, cause: string, remedy: string) => void;

export interface TableLine {
  readonly line: number;
  readonly cells: readonly string[];
}

/** A row by column name, with the line it stands on. */
export interface TableRow {
  readonly line: number;
  readonly cells: Readonly<Record<string, string>>;
}

export interface TableShape {
  readonly name: string;
  readonly columns: readonly string[];
}

/** The first problems, each as "file line n: cause; remedy". */
export function problemSentences(problems: readonly TableProblem[]): readonly string[] {
  return problems
    .slice(0, PROBLEMS_REPORTED_MAX)
    .map(({ file, line, cause, remedy }) => `${file} line ${line}: ${cause}; ${remedy}`);
}

/** UTF-8 without a byte order mark; anything else is reported. */
export function textOfFile(bytes: Uint8Array, name: string, report: Report): string | undefined {
  if (bytes.length > FILE_BYTES_MAX) {
    report(name, 1, `has ${bytes.length} bytes, ${FILE_BYTES_MAX} are allowed`, "split the community");
    return undefined;
  }
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    report(name, 1, "starts with a byte order mark", 'save it as "UTF-8", not as "UTF-8 with BOM"');
    return undefined;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    report(name, 1, "is not UTF-8 (GBK perhaps)", "save it as UTF-8");
    return undefined;
  }
}

/** @returns undefined for what is no CSV, and is reported */
export function parseCsv(text: string, name: string, report: Report): readonly TableLine[] | undefined {
  const table: TableLine[] = [];
  try {
    parse(text, {
      onRecord: (record, { lines }) => {
        table.push({ line: lines, cells: record });
        return null;
      },
    });
    return table;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === "number" ? error.lines : 1;
    report(name, line, `is not CSV (${error.code})`, "check the quotes and the number of columns on that line");
    return undefined;
  }
}

/** Rows under the header that the file must have; a row with a cell that is not plain, or that stands twice, is reported. */
export function namedRows(table: readonly TableLine[], file: TableShape, report: Report): readonly TableRow[] {
  const header = table[0]?.cells ?? [];
  if (header.join(",") !== file.columns.join(",")) {
    report(file.name, 1, `the columns are "${header.join(",")}"`, `name them "${file.columns.join(",")}"`);
    return [];
  }
  const rows: TableRow[] = [];
  const seen = new Map<string, number>();
  for (const { line, cells } of table.slice(1)) {
    if (!isPlain(file, line, cells, report)) continue;
    const named = Object.fromEntries(file.columns.map((column, index) => [column, cells[index] ?? ""]));
    // The first column identifies a row, except that a unit is a room of a building.
    const identity = file.columns[1] === "room" ? `${cells[0]}-${cells[1]}` : `${cells[0]}`;
    const before = seen.get(identity);
    if (before === undefined) seen.set(identity, line);
    else report(file.name, line, `${identity} stands already on line ${before}`, "remove one of the two rows");
    rows.push({ line, cells: named });
  }
  if (rows.length === 0) report(file.name, 1, "has no rows", "export the file again with its data");
  return rows;
}

function isPlain(file: TableShape, line: number, cells: readonly string[], report: Report): boolean {
  for (const [index, cell] of cells.entries()) {
    const column = file.columns[index];
    const fault = faultOfCell(cell);
    if (fault === undefined) continue;
    report(file.name, line, `${column} ${fault}`, "write the plain value");
    return false;
  }
  return true;
}

// A spreadsheet that opens the file again would run what starts like a formula (domain: formula injection).
function faultOfCell(cell: string): string | undefined {
  if (cell === "") return "is empty";
  if (/^[=+\-@\t\r]/.test(cell)) return "looks like a formula";
  if (cell.trim() !== cell) return "has blanks around it";
  if (/\p{Cc}/u.test(cell)) return "has a control character";
  return cell.length > 64 ? "is longer than 64 characters" : undefined;
}

/** The cells of one row, each read as what its column holds. A wrong one is reported, and a harmless value returned. */
export class RowReader {
  private readonly file: string;
  private readonly row: TableRow;
  private readonly report: Report;

  constructor(file: string, row: TableRow, report: Report) {
    this.file = file;
    this.row = row;
    this.report = report;
  }

  text(column: string): string {
    return this.row.cells[column] ?? "";
  }

  oneOf<T extends string>(column: string, known: readonly [T, ...T[]]): T {
    const cell = this.text(column);
    const found = known.find((name) => name === cell);
    if (found === undefined) this.wrong(column, `use one of ${known.join(", ")}`);
    return found ?? known[0];
  }

  integer(column: string, max: number): number {
    const cell = this.text(column);
    const value = /^[0-9]{1,9}$/.test(cell) ? Number(cell) : 0;
    if (value < 1 || value > max) this.wrong(column, `write a whole number from 1 to ${max}`);
    return value;
  }

  identifier(column: string): string {
    const cell = this.text(column);
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,30}$/.test(cell)) this.wrong(column, "use letters, digits, - and _, at most 31");
    return cell;
  }

  // Two decimals are demanded, so that square centimetres or thousandths can never pass for square metres.
  areaCm2(column: string): number {
    const match = /^([0-9]{1,6})\.([0-9]{2})$/.exec(this.text(column));
    const areaCm2 = match === null ? 0 : Number(match[1]) * 10_000 + Number(match[2]) * 100;
    if (areaCm2 < 1 || areaCm2 > AREA_CM2_MAX) this.wrong(column, "write square metres with two decimals, as in 89.37");
    return areaCm2;
  }

  /** `YYYY-MM-DD`, a day that exists */
  day(column: string): string {
    const cell = this.text(column);
    const day = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(cell) ? Date.parse(`${cell}T00:00:00Z`) : Number.NaN;
    // Date.parse turns 31 February into March: only a day that is written as it is read exists.
    if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== cell)
      this.wrong(column, "write the day as in 2031-06-30");
    return cell;
  }

  wrong(column: string, remedy: string): void {
    this.report(this.file, this.row.line, `${column} is "${this.text(column)}"`, remedy);
  }
}
