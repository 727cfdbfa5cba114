// Reads a community's CSV files, which people fill in by hand and export from spreadsheets: judges every cell.
// Never repairs or guesses; a file with one fault is refused whole, with file, line, cause and remedy.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CsvError, parse } from "csv-parse/sync";
import { LedgerError } from "../../errors.ts";
import {
  type Building,
  COMMUNITY_FILES,
  type Community,
  DEVICE_KINDS,
  type Device,
  HEAD_KINDS,
  type Head,
  type Tariff,
  UNIT_STATUSES,
  UNIT_USES,
  type Unit,
} from "./community.ts";

const FILE_BYTES_MAX = 16 << 20;
const PROBLEMS_REPORTED_MAX = 20;
const AREA_CM2_MAX = 1_000_000_000;

/** One fault of one file; line 1 is the header line. */
export interface CommunityProblem {
  readonly file: string;
  readonly line: number;
  readonly cause: string;
  readonly remedy: string;
}

/** A row by column name, with the line it stands on. */
interface Row {
  readonly line: number;
  readonly cells: Readonly<Record<string, string>>;
}

type Report = (file: string, line: number, cause: string, remedy: string) => void;

/**
 * Reads and checks the six files of `COMMUNITY_FILES`.
 * @throws LedgerError `COMMUNITY_FILE_MISSING` with the path; `COMMUNITY_INVALID` with the first 20 problems, each as
 *   "file line n: cause; remedy"
 */
export async function readCommunity(directory: string): Promise<Community> {
  const problems: CommunityProblem[] = [];
  const report: Report = (file, line, cause, remedy) => void problems.push({ file, line, cause, remedy });
  const rows = async (file: { readonly name: string; readonly columns: readonly string[] }) =>
    readRows(directory, file, report);
  const general = await rows(COMMUNITY_FILES.community);
  const buildings = (await rows(COMMUNITY_FILES.buildings)).map((row) => buildingOf(row, report));
  const heads = (await rows(COMMUNITY_FILES.heads)).map((row) => headOf(row, report));
  const unitRows = await rows(COMMUNITY_FILES.units);
  const units = unitRows.map((row) => unitOf(row, report));
  const deviceRows = await rows(COMMUNITY_FILES.devices);
  const devices = deviceRows.map((row) => deviceOf(row, report));
  const tariffs = (await rows(COMMUNITY_FILES.tariffs)).map((row) => tariffOf(row, report));
  if (general.length !== 1) {
    report(COMMUNITY_FILES.community.name, 1, `has ${general.length} rows`, "write exactly one row, the community");
  }
  checkReferences({ buildings, units, unitRows, heads, devices, deviceRows, tariffs }, report);
  if (problems.length > 0) throw invalid(problems);
  const { code = "", title = "", title_english: titleEnglish = "" } = general[0]?.cells ?? {};
  return { code, title, titleEnglish, buildings, units, heads, devices, tariffs };
}

function invalid(problems: readonly CommunityProblem[]): LedgerError {
  const sentences = problems
    .slice(0, PROBLEMS_REPORTED_MAX)
    .map(({ file, line, cause, remedy }) => `${file} line ${line}: ${cause}; ${remedy}`);
  return new LedgerError("COMMUNITY_INVALID", { count: problems.length, problems: sentences });
}

async function readRows(
  directory: string,
  file: { readonly name: string; readonly columns: readonly string[] },
  report: Report,
): Promise<readonly Row[]> {
  const text = await readText(join(directory, file.name), file.name, report);
  if (text === undefined) return [];
  const table = parseTable(text, file.name, report);
  const header = table[0]?.cells ?? [];
  if (header.join(",") !== file.columns.join(",")) {
    report(file.name, 1, `the columns are "${header.join(",")}"`, `name them "${file.columns.join(",")}"`);
    return [];
  }
  const rows: Row[] = [];
  const seen = new Map<string, number>();
  for (const { line, cells } of table.slice(1)) {
    if (!wellFormed(file, line, cells, report)) continue;
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

async function readText(path: string, name: string, report: Report): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new LedgerError(
      "COMMUNITY_FILE_MISSING",
      { path },
      { cause, remedy: "run `npm run community`, or name the directory that holds the six CSV files" },
    );
  }
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

function parseTable(
  text: string,
  name: string,
  report: Report,
): readonly { readonly line: number; readonly cells: readonly string[] }[] {
  const table: { readonly line: number; readonly cells: readonly string[] }[] = [];
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
    return [];
  }
}

function wellFormed(
  file: { readonly name: string; readonly columns: readonly string[] },
  line: number,
  cells: readonly string[],
  report: Report,
): boolean {
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

function cellOf(row: Row, column: string): string {
  return row.cells[column] ?? "";
}

function oneOf<T extends string>(file: string, row: Row, column: string, known: readonly T[], report: Report): T {
  const cell = cellOf(row, column);
  const found = known.find((name) => name === cell);
  if (found === undefined) report(file, row.line, `${column} is "${cell}"`, `use one of ${known.join(", ")}`);
  return found ?? known[0]!;
}

function integerOf(file: string, row: Row, column: string, max: number, report: Report): number {
  const cell = cellOf(row, column);
  const value = /^[0-9]{1,9}$/.test(cell) ? Number(cell) : 0;
  if (value < 1 || value > max) {
    report(file, row.line, `${column} is "${cell}"`, `write a whole number from 1 to ${max}`);
  }
  return value;
}

function identifierOf(file: string, row: Row, column: string, report: Report): string {
  const cell = cellOf(row, column);
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,30}$/.test(cell)) {
    report(file, row.line, `${column} is "${cell}"`, "use letters, digits, - and _, at most 31");
  }
  return cell;
}

function buildingOf(row: Row, report: Report): Building {
  const file = COMMUNITY_FILES.buildings.name;
  return {
    id: identifierOf(file, row, "building", report),
    title: cellOf(row, "title"),
    floors: integerOf(file, row, "floors", 200, report),
  };
}

function headOf(row: Row, report: Report): Head {
  const file = COMMUNITY_FILES.heads.name;
  return {
    id: identifierOf(file, row, "head", report),
    kind: oneOf(file, row, "kind", HEAD_KINDS, report),
  };
}

function unitOf(row: Row, report: Report): Unit {
  const file = COMMUNITY_FILES.units.name;
  const building = cellOf(row, "building");
  const room = identifierOf(file, row, "room", report);
  return {
    id: `${building}-${room}`,
    building,
    room,
    use: oneOf(file, row, "use", UNIT_USES, report),
    areaCm2: areaOf(file, row, report),
    status: oneOf(file, row, "status", UNIT_STATUSES, report),
    head: cellOf(row, "head"),
  };
}

// Two decimals are demanded, so that square centimetres or thousandths can never pass for square metres.
function areaOf(file: string, row: Row, report: Report): number {
  const cell = cellOf(row, "area_m2");
  const match = /^([0-9]{1,6})\.([0-9]{2})$/.exec(cell);
  const areaCm2 = match === null ? 0 : Number(match[1]) * 10_000 + Number(match[2]) * 100;
  if (areaCm2 < 1 || areaCm2 > AREA_CM2_MAX) {
    report(file, row.line, `area_m2 is "${cell}"`, "write square metres with two decimals, as in 89.37");
  }
  return areaCm2;
}

function deviceOf(row: Row, report: Report): Device {
  const file = COMMUNITY_FILES.devices.name;
  const warrantyUntil = cellOf(row, "warranty_until");
  const day = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(warrantyUntil)
    ? Date.parse(`${warrantyUntil}T00:00:00Z`)
    : Number.NaN;
  // Date.parse turns 31 February into March: only a day that is written as it is read exists.
  if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== warrantyUntil) {
    report(file, row.line, `warranty_until is "${warrantyUntil}"`, "write the day as in 2031-06-30");
  }
  return {
    id: identifierOf(file, row, "device", report),
    kind: oneOf(file, row, "kind", DEVICE_KINDS, report),
    building: cellOf(row, "building"),
    limit: integerOf(file, row, "limit", 1_000_000, report),
    warrantyUntil,
  };
}

function tariffOf(row: Row, report: Report): Tariff {
  const file = COMMUNITY_FILES.tariffs.name;
  return {
    use: oneOf(file, row, "use", UNIT_USES, report),
    rateLi: integerOf(file, row, "rate_li", 1_000_000, report),
  };
}

function checkReferences(
  read: {
    readonly buildings: readonly Building[];
    readonly units: readonly Unit[];
    readonly unitRows: readonly Row[];
    readonly heads: readonly Head[];
    readonly devices: readonly Device[];
    readonly deviceRows: readonly Row[];
    readonly tariffs: readonly Tariff[];
  },
  report: Report,
): void {
  const buildings = new Set(read.buildings.map(({ id }) => id));
  const heads = new Set(read.heads.map(({ id }) => id));
  const holding = new Set(read.units.map(({ head }) => head));
  const uses = new Set(read.tariffs.map(({ use }) => use));
  const units = COMMUNITY_FILES.units.name;
  for (const [index, unit] of read.units.entries()) {
    const line = read.unitRows[index]?.line ?? 1;
    if (!buildings.has(unit.building)) {
      report(units, line, `building ${unit.building} is unknown`, `add it to ${COMMUNITY_FILES.buildings.name}`);
    }
    if (!heads.has(unit.head)) {
      report(units, line, `head ${unit.head} is unknown`, `add it to ${COMMUNITY_FILES.heads.name}`);
    }
    if (!uses.has(unit.use)) {
      report(units, line, `no tariff for use ${unit.use}`, `add it to ${COMMUNITY_FILES.tariffs.name}`);
    }
  }
  for (const [index, device] of read.devices.entries()) {
    if (buildings.has(device.building)) continue;
    const line = read.deviceRows[index]?.line ?? 1;
    report(
      COMMUNITY_FILES.devices.name,
      line,
      `building ${device.building} is unknown`,
      `add it to ${COMMUNITY_FILES.buildings.name}`,
    );
  }
  for (const [index, head] of read.heads.entries()) {
    if (holding.has(head.id)) continue;
    report(COMMUNITY_FILES.heads.name, index + 2, `head ${head.id} holds no unit`, "remove it, or give it its unit");
  }
  if (read.heads.filter(({ kind }) => kind === "developer").length > 1) {
    report(COMMUNITY_FILES.heads.name, 1, "names several developers", "all unsold units of the developer are one head");
  }
}
