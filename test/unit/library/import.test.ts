// The import of registers from files to the register: what the reader refuses, and that client and contract agree on every row.
// Files are written for each case; the contracts are the real ones, on a ledger in memory.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LinliClient } from "../../../src/client/client.ts";
import type { CallRequest } from "../../../src/client/transaction.ts";
import { LedgerError } from "../../../src/errors.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { batchDigests } from "../../../src/node/import/batch.ts";
import { PROVED_FIELDS } from "../../../src/node/import/difference.ts";
import { IMPORT_TABLES, readRegisterFiles } from "../../../src/node/import/register-rows.ts";
import { lookAtImport, nextStep, reportOf } from "../../../src/node/import/steps.ts";
import { compileLibrary, LibraryLedger } from "./library-ledger.ts";

const NOW_MS = 1_793_462_400_000;
const KEY_OF = (digit: string) => digit.repeat(64);
const HEADER = Object.fromEntries(Object.entries(IMPORT_TABLES).map(([name, columns]) => [name, columns.join(",")]));
/** two buildings, three owners, five units; lines 2 and on */
const BUILDINGS = ["B01,一号楼,18", "B02,二号楼,6"];
const HEADS = [`h1,person,${KEY_OF("a")}`, `h2,company,${KEY_OF("b")}`, `dev,developer,${KEY_OF("c")}`];
const UNITS = [
  "B01,101,home,89.37,delivered,h1",
  "B01,102,home,68.52,delivered,h2",
  "B02,101,home,112.05,delivered,h1",
  "B02,102,home,138.66,unsold,dev",
  "B02,S1,shop,56.23,unsold,dev",
];
const TABLES = { buildings: BUILDINGS, heads: HEADS, units: UNITS };

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "linli-import-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const csv = (name: string, rows: readonly string[]) => [HEADER[name], ...rows].map((row) => `${row}\n`).join("");

async function writeTables(tables: Readonly<Record<string, readonly string[]>>): Promise<void> {
  for (const [name, rows] of Object.entries(tables)) await writeFile(join(directory, `${name}.csv`), csv(name, rows));
}

async function problemsOf(path: string): Promise<readonly string[]> {
  const error: unknown = await readRegisterFiles(path).catch((thrown: unknown) => thrown);
  if (!(error instanceof LedgerError) || error.code !== "IMPORT_INVALID") throw error;
  return Array.isArray(error.data.problems) ? error.data.problems.map(String) : [];
}

/** A workbook as spreadsheets save it: sheets by name, cells as XML. */
function workbook(sheets: Readonly<Record<string, readonly (readonly string[])[]>>): Uint8Array {
  const names = Object.keys(sheets);
  const space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
  const relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const packages = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"';
  const sheetXml = (rows: readonly (readonly string[])[]) => {
    const cells = (row: readonly string[], line: number) =>
      row.map((xml, index) => xml.replace("<c", `<c r="${String.fromCharCode(65 + index)}${line}"`)).join("");
    const lines = rows.map((row, index) => `<row r="${index + 1}">${cells(row, index + 1)}</row>`).join("");
    return `<worksheet ${space}><sheetData>${lines}</sheetData></worksheet>`;
  };
  return zip([
    [
      "xl/workbook.xml",
      `<workbook ${space} xmlns:r="${relations}"><sheets>${names.map((name, index) => `<sheet name="${name}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`).join("")}</sheets></workbook>`,
    ],
    [
      "xl/_rels/workbook.xml.rels",
      `<Relationships ${packages}>${names.map((_, index) => `<Relationship Id="rId${index + 1}" Type="${relations}/worksheet" Target="worksheets/sheet${index + 1}.xml"/>`).join("")}</Relationships>`,
    ],
    ...names.map((name, index): [string, string] => [
      `xl/worksheets/sheet${index + 1}.xml`,
      sheetXml(sheets[name] ?? []),
    ]),
  ]);
}

const textCell = (text: string) => `<c t="inlineStr"><is><t>${text}</t></is></c>`;
const textCells = (name: string, rows: readonly string[]) =>
  [HEADER[name] ?? "", ...rows].map((row) => row.split(",").map(textCell));

function zip(entries: readonly (readonly [name: string, text: string])[]): Uint8Array {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of entries) {
    const packed = deflateRawSync(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(text), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(Buffer.byteLength(text), 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("504b0304", "hex"), common, Buffer.from(name), packed]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from("504b01021400", "hex"), common, place, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const directorySize = central.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directorySize, 12);
  end.writeUInt32LE(offset, 16);
  return Uint8Array.from(Buffer.concat([...locals, ...central, end]));
}

describe("files", () => {
  const spoilt = (rows: readonly string[], line: number, row: string) =>
    rows.map((old, i) => (i === line - 2 ? row : old));
  test.each([
    [
      "a formula",
      "units",
      spoilt(UNITS, 3, "B01,102,home,=1+1,delivered,h2"),
      "units.csv line 3: area_m2 looks like a formula",
    ],
    [
      "a formula by @",
      "buildings",
      spoilt(BUILDINGS, 2, "B01,@SUM(A1),18"),
      "buildings.csv line 2: title looks like a formula",
    ],
    [
      "a room twice",
      "units",
      [...UNITS, "B01,101,home,89.37,delivered,h2"],
      "units.csv line 7: B01-101 stands already on line 2",
    ],
    [
      "cm2 among m2",
      "units",
      spoilt(UNITS, 2, "B01,101,home,893700,delivered,h1"),
      'units.csv line 2: area_m2 is "893700"',
    ],
    [
      "cm2 with decimals",
      "units",
      spoilt(UNITS, 2, "B01,101,home,893700.00,delivered,h1"),
      'units.csv line 2: area_m2 is "893700.00"',
    ],
    [
      "a small unit in cm2",
      "units",
      spoilt(UNITS, 2, "B01,101,home,50000.00,delivered,h1"),
      "units.csv line 2: area_m2 is far from the usual 112.05",
    ],
    [
      "ten thousands of m2",
      "units",
      spoilt(UNITS, 2, "B01,101,home,0.01,delivered,h1"),
      "units.csv line 2: area_m2 is far from the usual 68.52",
    ],
    ["a long title", "buildings", spoilt(BUILDINGS, 2, `B01,${"楼".repeat(22)},18`), "buildings.csv line 2: title is"],
    ["a short key", "heads", spoilt(HEADS, 2, "h1,person,aa"), 'heads.csv line 2: key is "aa"'],
    ["a key twice", "heads", spoilt(HEADS, 3, `h2,company,${KEY_OF("a")}`), "heads.csv line 3: h2 has the key of h1"],
    [
      "a second developer",
      "heads",
      spoilt(HEADS, 2, `h1,developer,${KEY_OF("a")}`),
      "heads.csv line 2: h1 is a second developer",
    ],
  ])("L401: %s is refused with file, line, cause and remedy", async (_, table, rows, sentence) => {
    await writeTables({ ...TABLES, [table]: rows });
    const problems = await problemsOf(directory);
    expect(problems.some((problem) => problem.startsWith(`${sentence}`) && problem.includes("; "))).toBe(true);
  });

  test.each([
    [
      "a byte order mark",
      (text: string) => Buffer.from(`\uFEFF${text}`),
      "units.csv line 1: starts with a byte order mark",
    ],
    ["GBK", () => Buffer.from("d2bbbac5c2a5", "hex"), "units.csv line 1: is not UTF-8 (GBK perhaps)"],
    [
      "another column",
      (text: string) => Buffer.from(text.replace("area_m2", "area")),
      "units.csv line 1: the columns are",
    ],
    ["a ragged line", (text: string) => Buffer.from(`${text}B01,9\n`), "units.csv line 7: is not CSV"],
  ])("L401: %s is refused with file, line, cause and remedy", async (_, spoil, sentence) => {
    await writeTables(TABLES);
    await writeFile(join(directory, "units.csv"), spoil(csv("units", UNITS)));
    expect(await problemsOf(directory)).toEqual([expect.stringContaining(sentence)]);
  });

  test("L401: devices beside titles, and a directory without tables, are refused", async () => {
    expect((await problemsOf(directory))[0]).toContain("has no table");
    await writeTables({ ...TABLES, devices: ["L-1,lift,B01,70,2031-06-30,gw"] });
    expect((await problemsOf(directory))[0]).toContain("devices.csv line 1: stands beside buildings");
    await expect(readRegisterFiles(join(directory, "nowhere"))).rejects.toMatchObject({ code: "IMPORT_UNREADABLE" });
  });

  test("L402: a formula in a workbook is refused by its cell, whatever its last result was", async () => {
    const path = join(directory, "book.xlsx");
    const units = textCells("units", UNITS);
    const formula = '<c t="str"><f>A1&amp;"x"</f><v>89.37</v></c>';
    await writeFile(path, workbook({ units: units.map((row, line) => (line === 2 ? row.with(3, formula) : row)) }));
    expect(await problemsOf(path)).toEqual([
      "book.xlsx line 3: cell D3 holds a formula; paste the values alone over the formulas",
    ]);
    await writeFile(path, "no archive at all");
    expect((await problemsOf(path))[0]).toContain("is no .xlsx workbook");
  });

  test("L402: a workbook that unpacks to more than its bound is refused before it is read", async () => {
    const path = join(directory, "book.xlsx");
    await writeFile(path, zip([["xl/worksheets/sheet1.xml", " ".repeat((64 << 20) + 1)]]));
    expect((await problemsOf(path))[0]).toContain("is no .xlsx workbook, or a very large one");
  });

  test("L402: a number in a workbook is its digits: 89.3 is not two decimals", async () => {
    const path = join(directory, "book.xlsx");
    const with3 = (cell: string) =>
      workbook({ units: textCells("units", UNITS).map((row, at) => (at === 1 ? row.with(3, cell) : row)) });
    await writeFile(path, with3("<c><v>89.37</v></c>"));
    expect((await readRegisterFiles(path)).rows[0]?.fields.area).toBe(893_700);
    await writeFile(path, with3("<c><v>89.3</v></c>"));
    expect((await problemsOf(path))[0]).toContain('book.xlsx[units] line 2: area_m2 is "89.3"');
  });

  test("L403: the same rows have the same digest, in any order of lines, as CSV or as a workbook", async () => {
    await writeTables(TABLES);
    const first = await readRegisterFiles(directory);
    await writeTables({ buildings: BUILDINGS.toReversed(), heads: HEADS.toReversed(), units: UNITS.toReversed() });
    const turned = await readRegisterFiles(directory);
    const path = join(directory, "book.xlsx");
    await writeFile(
      path,
      workbook(Object.fromEntries(Object.entries(TABLES).map(([name, rows]) => [name, textCells(name, rows)]))),
    );
    const book = await readRegisterFiles(path);
    const [digest] = batchDigests(first.rows).map(toHex);
    expect([turned, book].map(({ rows }) => toHex(batchDigests(rows)[0] ?? new Uint8Array()))).toEqual([
      digest,
      digest,
    ]);
    expect(toHex(first.files)).not.toBe(toHex(turned.files));
    await writeTables({ units: UNITS.with(0, "B01,101,home,89.38,delivered,h1") });
    expect(toHex(batchDigests((await readRegisterFiles(directory)).rows)[0] ?? new Uint8Array())).not.toBe(digest);
  });
});

describe("ledger", () => {
  const contracts = compileLibrary(["governance", "registry", "data-import"]);
  let ledger = new LibraryLedger(contracts, NOW_MS);

  beforeEach(() => {
    ledger = new LibraryLedger(contracts, NOW_MS);
    ledger.put("registry.community", { id: "linli", street: "jd", firm: "pm", committee: "yw" });
    ledger.put("registry.account", { id: "gw", org: "pm", roles: ["device"] });
  });

  /** The rows themselves, in the order in which a proof holds them. */
  const client: Pick<LinliClient, "stateGet"> = {
    stateGet: async ({ contract, table, key }) => {
      const fields = ledger.row(`${contract}.${table}`, ...key);
      const values = fields === undefined ? [] : Object.values(fields).slice(key.length);
      const row = fields && { values, fields: {}, lastHeight: 1 };
      return { height: 1, timeMs: NOW_MS, row, proof: new Uint8Array() };
    },
  };

  const send = (as: string, calls: readonly CallRequest[]) => {
    for (const { contract, action, args } of calls) {
      const rule = ledger.act({ as, do: `${contract}.${action}`, with: args });
      if (rule !== undefined) return rule;
    }
    return undefined;
  };

  /** One run of the command by one account: the rule that refused, if any. */
  async function run(as: string, seen?: string): Promise<string | undefined> {
    const found = await lookAtImport(client, "linli", await readRegisterFiles(directory));
    const account = as.split(/[/@]/)[1] ?? "";
    for (const calls of nextStep(found, { account, seen }).transactions) {
      const rule = send(as, calls);
      if (rule !== undefined) return rule;
    }
    return undefined;
  }

  const report = async () => reportOf(await lookAtImport(client, "linli", await readRegisterFiles(directory)));
  const imported = async (uploader: string, signer: string) => {
    const seen = String((await report()).digest);
    return [await run(uploader), await run(signer, seen), await run(uploader)];
  };

  test("L400: what two people signed stands in the register, every row of it, and the client's digests are the contract's", async () => {
    await writeTables(TABLES);
    expect(await report()).toMatchObject({ kind: "titles", rows: 10, areaCm2: 4_648_300, same: 0, state: "none" });
    expect(await imported("registrar/r@jd", "regulator/g@zj")).toEqual([undefined, undefined, undefined]);
    expect(await report()).toMatchObject({
      same: 10,
      added: [],
      state: "committed",
      uploadedBy: "r",
      signedBy: "g",
      rowsLeft: 0,
    });
    expect(ledger.row("registry.community", "linli")).toMatchObject({ units: 5, heads: 3, area: 4_648_300 });
    expect(ledger.rows("data-import.entry")).toHaveLength(10);
    expect(await run("registrar/r@jd")).toBeUndefined();
    expect(ledger.rows("data-import.batch")).toHaveLength(1);

    await rm(join(directory, "units.csv"));
    await rm(join(directory, "heads.csv"));
    await rm(join(directory, "buildings.csv"));
    await writeTables({ devices: ["L-1,lift,B01,70,2031-06-30,gw", "P-1,pump,B02,85,2031-06-30,gw"] });
    expect(await imported("pm_manager/m@pm", "committee/y@yw")).toEqual([undefined, undefined, undefined]);
    expect(ledger.rows("registry.device")).toHaveLength(2);
  });

  test("L404: the second person is another one and names the digest; nobody takes over before", async () => {
    await writeTables(TABLES);
    const seen = String((await report()).digest);
    expect(await run("registrar/r@jd")).toBeUndefined();
    expect(await run("registrar/r@jd", seen)).toBeUndefined();
    expect((await report()).state).toBe("diffed");
    await expect(run("regulator/g@zj")).rejects.toMatchObject({ code: "IMPORT_NOT_CONFIRMED" });
    await expect(run("regulator/g@zj", KEY_OF("0"))).rejects.toMatchObject({ code: "IMPORT_NOT_CONFIRMED" });
    expect(await run("registrar/r2@jd", seen)).toBe("data-import.sign.require[1]");
    expect(ledger.rows("registry.unit")).toHaveLength(0);
  });

  test("L405: an import that stopped half-way goes on where it stopped", async () => {
    await writeTables(TABLES);
    const seen = String((await report()).digest);
    await run("registrar/r@jd");
    await run("regulator/g@zj", seen);
    const found = await lookAtImport(client, "linli", await readRegisterFiles(directory));
    const [calls = []] = nextStep(found, { account: "r", seen: undefined }).transactions;
    // each row is two calls: the register's own, and the comparison with what was signed
    expect(send("registrar/r@jd", calls.slice(0, 6))).toBeUndefined();
    expect(await report()).toMatchObject({ state: "signed", rowsLeft: 7, same: 3 });
    expect(await run("registrar/r@jd")).toBeUndefined();
    expect(await report()).toMatchObject({ state: "committed", rowsLeft: 0, same: 10 });
  });

  test("L406: an import changes nothing that stands in the register, and names the row that stands there otherwise", async () => {
    await writeTables(TABLES);
    await imported("registrar/r@jd", "regulator/g@zj");
    const otherwise = async (tables: Readonly<Record<string, readonly string[]>>) => {
      await writeTables(tables);
      const error: unknown = await report().catch((thrown: unknown) => thrown);
      if (!(error instanceof LedgerError) || error.code !== "IMPORT_DIFFERS") throw error;
      return String(error.data.problems);
    };
    expect(await otherwise({ units: UNITS.with(0, "B01,101,home,89.38,delivered,h1") })).toContain(
      "units.csv line 2: area of B01-101 is 893800, in the register 893700; an import changes nothing",
    );
    expect(await otherwise({ units: UNITS.with(0, "B01,101,home,89.37,delivered,h2") })).toContain("head of B01-101");
    expect(await otherwise({ units: UNITS, heads: HEADS.with(0, `h1,person,${KEY_OF("d")}`) })).toContain("key of h1");
    const stranger = UNITS.with(0, "B09,101,home,89.37,delivered,h1");
    expect(await otherwise({ units: stranger, heads: HEADS })).toContain(
      "building B09 is neither in the files nor in the register",
    );
  });

  test("L407: proved values are named as the contracts declare their columns", () => {
    for (const [path, names] of Object.entries(PROVED_FIELDS)) {
      const [contract = "", table = ""] = path.split(".");
      const layout = contracts.get(contract)?.tables.get(table)?.layout;
      const fields = layout?.columns.map(({ name }) => name).slice(1, 1 + names.length);
      expect([path, fields]).toEqual([path, names]);
    }
  });
});
