// docs/contracts.md works as written: its files and commands are run with the real command, and its lists are those of the sources.
// A line `...` in an expected output stands for any lines.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FUNCTIONS, signatureOf } from "../../../src/contracts/functions.ts";
import { KNOWN_TYPES } from "../../../src/contracts/types.ts";
import { PROGRAM } from "../../../src/installation.ts";
import { document } from "../docs/sources.ts";

const MAIN = fileURLToPath(PROGRAM);
const GUIDE = document("docs/contracts.md");

interface Fence {
  readonly info: string;
  readonly text: string;
}

const fences: readonly Fence[] = [...GUIDE.matchAll(/^```(\S+(?: file=\S+)?)\n([\s\S]*?)^```$/gm)].map(
  ([, info = "", text = ""]) => ({ info, text }),
);

/** Whether the lines are those expected, `...` standing for any number of lines. */
function matches(lines: readonly string[], wanted: readonly string[]): boolean {
  const [first, ...rest] = wanted;
  if (first === undefined) return lines.length === 0;
  if (first !== "...") return lines[0] === first && matches(lines.slice(1), rest);
  return Array.from({ length: lines.length + 1 }, (_, from) => from).some((from) => matches(lines.slice(from), rest));
}

describe("docs/contracts.md", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "linli-guide-"));
    mkdirSync(join(directory, "bin"));
    writeFileSync(join(directory, "bin", "linli"), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    chmodSync(join(directory, "bin", "linli"), 0o755);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("A49: the tutorial works as written: every file, every command, every line of output", {
    timeout: 120_000,
  }, () => {
    let commands = 0;
    for (const { info, text } of fences) {
      const file = /^yaml file=(\S+)$/.exec(info)?.[1];
      if (file !== undefined) writeFileSync(join(directory, file), text);
      if (info !== "console") continue;
      const [command = "", ...wanted] = text.trimEnd().split("\n");
      expect(command).toMatch(/^\$ /);
      const env = { ...process.env, PATH: `${join(directory, "bin")}:${process.env.PATH ?? ""}` };
      const { stdout } = spawnSync("sh", ["-c", command.slice(2)], { cwd: directory, env, encoding: "utf8" });
      const lines = stdout === "" ? [] : stdout.trimEnd().split("\n");
      if (!matches(lines, wanted)) expect({ command, lines }).toEqual({ command, lines: wanted });
      commands += 1;
    }
    expect(commands).toBeGreaterThan(8);
  });

  it("A49: the tutorial's contract is sound, and the draft has two errors", () => {
    const check = (name: string) => {
      const { stdout, status } = spawnSync(process.execPath, [MAIN, "contract", "check", "--json", name], {
        cwd: directory,
        encoding: "utf8",
      });
      return {
        findings: JSON.parse(stdout) as { code: string; severity: string; line: number; column: number }[],
        status,
      };
    };
    expect(check("loan.yaml")).toEqual({ findings: [], status: 0 });
    const draft = check("loan-draft.yaml");
    expect(draft.status).toBe(1);
    expect(draft.findings.map(({ code, severity }) => [code, severity])).toEqual([
      ["FIELD_UNKNOWN", "error"],
      ["NAME_UNKNOWN", "error"],
    ]);
  });

  it("A50: it lists every function with its own units, every type, statement and key of the language", () => {
    const rows = [...FUNCTIONS.values()].flat().map((one) => {
      const row = `| \`${signatureOf(one).replaceAll("|", "\\|")}\` | `;
      const found = GUIDE.split("\n").find((line) => line.startsWith(row));
      return [signatureOf(one), found?.split(" | ").at(-1)?.replace(" |", ""), String(one.units)] as const;
    });
    expect(rows.filter(([, said, units]) => said !== units)).toEqual([]);
    const named = (list: string, source: string) =>
      [...(new RegExp(`const ${list} = \\[([\\s\\S]*?)\\]`).exec(source)?.[1] ?? "").matchAll(/"([^"]+)"/g)].map(
        ([, name = ""]) => name,
      );
    const parser = document("src/contracts/parse-document.ts");
    const words = [...named("SECTIONS", parser), ...named("STATEMENTS", parser)];
    expect(words.length).toBeGreaterThan(18);
    const prose = GUIDE.replaceAll(/^```[\s\S]*?^```$/gm, "");
    const quoted = [...prose.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
    expect(words.filter((word) => !quoted.some((text) => text === word || text.startsWith(`${word}:`)))).toEqual([]);
    expect(KNOWN_TYPES.filter((type) => !quoted.includes(type))).toEqual([]);
  });

  it("A50: its limits are those of the sources", () => {
    const limit = (path: string, name: string) => {
      const [, text = ""] = new RegExp(`const ${name} = ([\\d_]+);`).exec(document(`src/contracts/${path}`)) ?? [];
      return Number(text.replaceAll("_", ""));
    };
    const said = new Map(
      [...GUIDE.matchAll(/^\| ([a-z ]+) \| (\d+) \|$/gm)].map(([, name = "", value]) => [name, Number(value)]),
    );
    expect(Object.fromEntries(said)).toEqual({
      "bytes of a document": limit("system.ts", "SOURCE_BYTES_MAX"),
      "words and signs of a document": limit("yaml-document.ts", "DOCUMENT_MARKS_MAX"),
      "levels of nesting": limit("yaml-document.ts", "DOCUMENT_DEPTH_MAX"),
      tables: limit("check-contract.ts", "TABLES_MAX"),
      actions: limit("check-contract.ts", "ACTIONS_MAX"),
      "imported tables and actions": limit("check-contract.ts", "IMPORTS_MAX"),
      settings: limit("system.ts", "SETTINGS_OF_CONTRACT_MAX"),
      "columns of a table": limit("check-table.ts", "COLUMNS_MAX"),
      "indexes of a table": limit("check-table.ts", "INDEXES_MAX"),
      "contracts that call each other in a row": limit("check-action.ts", "CALL_DEPTH_MAX"),
    });
  });

  it("A49: linli contract --help names every command", () => {
    const help = execFileSync(process.execPath, [MAIN, "contract", "--help"], {
      encoding: "utf8",
    });
    for (const command of ["check", "test", "cost", "format", "render", "diff", "explain"])
      expect(help).toContain(`  ${command} `);
  });
});
