// The rows of an import as its files hold them: buildings, heads and units, or devices, each cell judged, in canonical order.
// Never repairs or guesses; files with one fault are refused whole. Knows nothing of the ledger.

import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { sha256 } from "#sha256";
import { LedgerError } from "../../errors.ts";
import { utf8Length } from "../../ledger/codec.ts";
import { fromHex, type Hash, toHex } from "../../ledger/hash.ts";
import { DEVICE_KINDS, endOfDayMs, HEAD_KINDS, UNIT_STATUSES, UNIT_USES } from "../devnet/community.ts";
import { readSheets } from "./spreadsheet.ts";
import {
  namedRows,
  parseCsv,
  problemSentences,
  type Report,
  RowReader,
  type TableLine,
  type TableProblem,
  textOfFile,
} from "./table-file.ts";

export type Register = "building" | "head" | "unit" | "device";

/** One row as it will stand in the register, with the arguments of the action that enters it. */
export interface RegisterRow {
  readonly register: Register;
  readonly id: string;
  /** what the row says beside its id, under the names of the contract data-import */
  readonly fields: Readonly<Record<string, string | number | Uint8Array>>;
  /** where it stands, for problems that only the ledger shows */
  readonly file: string;
  readonly line: number;
}

export interface RegisterFiles {
  /** titles: buildings, heads, units. They and the devices are imported by different organisations. */
  readonly kind: "titles" | "devices";
  /** buildings, heads, units, devices, each in order of its ids */
  readonly rows: readonly RegisterRow[];
  /** cm2 of all units */
  readonly area: number;
  /** SHA-256 of the hexadecimal digests of the files, in the order of `IMPORT_TABLES` */
  readonly files: Hash;
}

/** Tables and their columns; a file is TABLE.csv, or the sheet TABLE of a workbook. */
export const IMPORT_TABLES = {
  buildings: ["building", "title", "floors"],
  heads: ["head", "kind", "key"],
  units: ["building", "room", "use", "area_m2", "status", "head"],
  devices: ["device", "kind", "building", "limit", "warranty_until", "gateway"],
} as const;

type TableName = keyof typeof IMPORT_TABLES;
type Described = Omit<RegisterRow, "file" | "line">;

const TABLE_NAMES = ["buildings", "heads", "units", "devices"] as const satisfies readonly TableName[];
const TITLE_BYTES_MAX = 64;
/** An area so many times the usual one of its file, or so small a part of it, was written in another unit. */
const AREA_TIMES_MAX = 100;

/**
 * Reads a workbook, or the CSV files of a directory; a table that is not there has no rows.
 * @throws LedgerError `IMPORT_UNREADABLE`; `IMPORT_INVALID` with the first 20 problems, each as "file line n: cause; remedy"
 */
export async function readRegisterFiles(path: string): Promise<RegisterFiles> {
  const problems: TableProblem[] = [];
  const report: Report = (file, line, cause, remedy) => void problems.push({ file, line, cause, remedy });
  const { tables, files } = await readTables(path, report);
  const rows: RegisterRow[] = [];
  for (const name of TABLE_NAMES) {
    const table = tables.get(name);
    if (table === undefined) continue;
    const read = namedRows(table.lines, { name: table.file, columns: IMPORT_TABLES[name] }, report).map((row) => ({
      ...rowOf(name, new RowReader(table.file, row, report)),
      file: table.file,
      line: row.line,
    }));
    rows.push(...read.sort((left, right) => (left.id < right.id ? -1 : 1)));
  }
  checkTogether(rows, report);
  if (rows.length === 0 && problems.length === 0)
    report(basename(path), 1, "has no table", `name the files or sheets ${TABLE_NAMES.join(", ")}`);
  if (problems.length > 0)
    throw new LedgerError("IMPORT_INVALID", { count: problems.length, problems: problemSentences(problems) });
  const area = rows.reduce((sum, { fields }) => sum + areaOf(fields), 0);
  return { kind: rows[0]?.register === "device" ? "devices" : "titles", rows, area, files };
}

interface FoundTable {
  readonly file: string;
  readonly lines: readonly TableLine[];
}

async function readTables(
  path: string,
  report: Report,
): Promise<{ readonly tables: ReadonlyMap<TableName, FoundTable>; readonly files: Hash }> {
  const tables = new Map<TableName, FoundTable>();
  let digests = "";
  try {
    if ((await stat(path)).isDirectory()) {
      const present = new Set(await readdir(path));
      for (const name of TABLE_NAMES) {
        const file = `${name}.csv`;
        if (!present.has(file)) continue;
        const bytes = await readFile(join(path, file));
        digests += toHex(sha256(bytes));
        const text = textOfFile(bytes, file, report);
        const lines = text === undefined ? undefined : parseCsv(text, file, report);
        if (lines !== undefined) tables.set(name, { file, lines });
      }
    } else {
      const bytes = await readFile(path);
      digests += toHex(sha256(bytes));
      const sheets = await readSheets(bytes, basename(path), report);
      for (const name of TABLE_NAMES) {
        const lines = sheets.get(name);
        if (lines !== undefined) tables.set(name, { file: `${basename(path)}[${name}]`, lines });
      }
    }
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause)) throw cause;
    throw new LedgerError(
      "IMPORT_UNREADABLE",
      { path },
      { cause, remedy: "name a directory with CSV files, or an .xlsx workbook" },
    );
  }
  return { tables, files: sha256(new TextEncoder().encode(digests)) };
}

function rowOf(table: TableName, cells: RowReader): Described {
  switch (table) {
    case "buildings":
      return {
        register: "building",
        id: cells.identifier("building"),
        fields: { title: titleOf(cells), floors: cells.integer("floors", 200) },
      };
    case "heads":
      return {
        register: "head",
        id: cells.identifier("head"),
        fields: { kind: cells.oneOf("kind", HEAD_KINDS), key: keyOf(cells) },
      };
    case "units": {
      const building = cells.identifier("building");
      return {
        register: "unit",
        id: `${building}-${cells.identifier("room")}`,
        fields: {
          building,
          use: cells.oneOf("use", UNIT_USES),
          area: cells.areaCm2("area_m2"),
          status: cells.oneOf("status", UNIT_STATUSES),
          head: cells.identifier("head"),
        },
      };
    }
    case "devices":
      return {
        register: "device",
        id: cells.identifier("device"),
        fields: {
          building: cells.identifier("building"),
          kind: cells.oneOf("kind", DEVICE_KINDS),
          gateway: cells.identifier("gateway"),
          limit: cells.integer("limit", 1_000_000),
          warranty_until: endOfDayMs(cells.day("warranty_until")),
        },
      };
  }
}

/** The register holds 64 bytes: 21 Chinese characters. */
function titleOf(cells: RowReader): string {
  const title = cells.text("title");
  if (utf8Length(title) > TITLE_BYTES_MAX) cells.wrong("title", `shorten it to ${TITLE_BYTES_MAX} bytes of UTF-8`);
  return title;
}

function keyOf(cells: RowReader): Uint8Array {
  const key = fromHex(cells.text("key"));
  if (key?.length !== 32) cells.wrong("key", "write the public key as 64 lower-case hexadecimal digits");
  return key ?? new Uint8Array(32);
}

export function areaOf(fields: RegisterRow["fields"]): number {
  return typeof fields.area === "number" ? fields.area : 0;
}

/** What only shows when the rows stand side by side. */
function checkTogether(rows: readonly RegisterRow[], report: Report): void {
  const of = (register: Register) => rows.filter((row) => row.register === register);
  const devices = of("device");
  const [first] = devices;
  if (first !== undefined && devices.length < rows.length)
    report(first.file, 1, "stands beside buildings, heads or units", "import devices apart: the property firm does");
  for (const { file, line, id } of of("head")
    .filter(({ fields }) => fields.kind === "developer")
    .slice(1))
    report(file, line, `${id} is a second developer`, "all unsold units of the developer are one head");
  const keys = new Map<string, string>();
  for (const { file, line, id, fields } of of("head")) {
    const key = String(fields.key);
    const other = keys.get(key);
    if (other !== undefined) report(file, line, `${id} has the key of ${other}`, "one key is one person's");
    keys.set(key, id);
  }
  const units = of("unit");
  const usual = units.map(({ fields }) => areaOf(fields)).sort((left, right) => left - right)[units.length >> 1] ?? 0;
  for (const { file, line, fields } of units) {
    const area = areaOf(fields);
    if (area > usual * AREA_TIMES_MAX || area * AREA_TIMES_MAX < usual)
      report(file, line, `area_m2 is far from the usual ${usual / 10_000}`, "square centimetres? write square metres");
  }
}
