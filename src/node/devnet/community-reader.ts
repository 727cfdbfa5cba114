// Reads a community's CSV files, which people fill in by hand and export from spreadsheets: judges every cell.
// Never repairs or guesses; a file with one fault is refused whole, with file, line, cause and remedy.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LedgerError } from "../../errors.ts";
import {
  namedRows,
  parseCsv,
  problemSentences,
  type Report,
  RowReader,
  type TableProblem,
  type TableRow,
  textOfFile,
} from "../import/table-file.ts";
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

/**
 * Reads and checks the six files of `COMMUNITY_FILES`.
 * @throws LedgerError `COMMUNITY_FILE_MISSING` with the path; `COMMUNITY_INVALID` with the first 20 problems, each as
 *   "file line n: cause; remedy"
 */
export async function readCommunity(directory: string): Promise<Community> {
  const problems: TableProblem[] = [];
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

function invalid(problems: readonly TableProblem[]): LedgerError {
  return new LedgerError("COMMUNITY_INVALID", { count: problems.length, problems: problemSentences(problems) });
}

async function readRows(
  directory: string,
  file: { readonly name: string; readonly columns: readonly string[] },
  report: Report,
): Promise<readonly TableRow[]> {
  const path = join(directory, file.name);
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
  const text = textOfFile(bytes, file.name, report);
  const lines = text === undefined ? undefined : parseCsv(text, file.name, report);
  return lines === undefined ? [] : namedRows(lines, file, report);
}

function buildingOf(row: TableRow, report: Report): Building {
  const cells = new RowReader(COMMUNITY_FILES.buildings.name, row, report);
  return { id: cells.identifier("building"), title: cells.text("title"), floors: cells.integer("floors", 200) };
}

function headOf(row: TableRow, report: Report): Head {
  const cells = new RowReader(COMMUNITY_FILES.heads.name, row, report);
  return { id: cells.identifier("head"), kind: cells.oneOf("kind", HEAD_KINDS) };
}

function unitOf(row: TableRow, report: Report): Unit {
  const cells = new RowReader(COMMUNITY_FILES.units.name, row, report);
  const building = cells.text("building");
  const room = cells.identifier("room");
  return {
    id: `${building}-${room}`,
    building,
    room,
    use: cells.oneOf("use", UNIT_USES),
    areaCm2: cells.areaCm2("area_m2"),
    status: cells.oneOf("status", UNIT_STATUSES),
    head: cells.text("head"),
  };
}

function deviceOf(row: TableRow, report: Report): Device {
  const cells = new RowReader(COMMUNITY_FILES.devices.name, row, report);
  const warrantyUntil = cells.day("warranty_until");
  return {
    id: cells.identifier("device"),
    kind: cells.oneOf("kind", DEVICE_KINDS),
    building: cells.text("building"),
    limit: cells.integer("limit", 1_000_000),
    warrantyUntil,
  };
}

function tariffOf(row: TableRow, report: Report): Tariff {
  const cells = new RowReader(COMMUNITY_FILES.tariffs.name, row, report);
  return { use: cells.oneOf("use", UNIT_USES), rateLi: cells.integer("rate_li", 1_000_000) };
}

function checkReferences(
  read: {
    readonly buildings: readonly Building[];
    readonly units: readonly Unit[];
    readonly unitRows: readonly TableRow[];
    readonly heads: readonly Head[];
    readonly devices: readonly Device[];
    readonly deviceRows: readonly TableRow[];
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
