// `linli contract`: check, test, cost and format of documents, for their authors. Each says whether all is well.
// What a contract means is decided in src/contracts; here are files in and words out.

import { writeFile } from "node:fs/promises";
import type { CheckedContract } from "../../contracts/checked.ts";
import type { CompiledContract } from "../../contracts/compiled.ts";
import { Coverage } from "../../contracts/coverage.ts";
import type { ContractDocument } from "../../contracts/document.ts";
import type { Finding } from "../../contracts/finding.ts";
import { Findings } from "../../contracts/finding.ts";
import { formatDocument } from "../../contracts/format.ts";
import { ACTION_GAS_MAX } from "../../contracts/gas.ts";
import type { CheckedFile, SourceFile } from "../../contracts/source-set.ts";
import { EMPTY_STATE } from "../../contracts/test-ledger.ts";
import { runAuthorTests } from "../../contracts/test-runner.ts";
import type { Usage } from "../../contracts/usage.ts";
import { worstCaseOf } from "../../contracts/worst-case.ts";
import { LedgerError } from "../../errors.ts";
import { Overlay } from "../../state/overlay.ts";
import { loadDocument, loadDocuments, loadText, testsBeside } from "./contract-files.ts";
import { printRemark, printResult } from "./output.ts";

export interface WithOption {
  /** more documents in which imports are looked for */
  readonly with: readonly string[];
}

const NAMES_SHOWN = 12;

// ---- check ----

/** @returns whether no finding is an error */
export async function checkContracts(
  paths: readonly string[],
  options: WithOption & { readonly json: boolean },
): Promise<boolean> {
  const { files, set } = await loadDocuments(paths, options.with);
  const checked = files.map((file) => set.check(file));
  const findings = checked.flatMap((one) =>
    one.findings.map((finding) => (files.length === 1 ? finding : { file: one.file.path, ...finding })),
  );
  if (options.json) printResult(findings);
  else for (const one of checked) printFindings(one);
  return findings.every(({ severity }) => severity !== "error");
}

function printFindings({ file, findings }: CheckedFile): void {
  for (const finding of findings) process.stdout.write(`${findingText(file.path, file.source, finding)}\n`);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  process.stdout.write(`${file.path}: ${counted(errors, "error")}, ${counted(findings.length - errors, "warning")}\n`);
}

/** The finding, its line with a mark below the place, and the names that would have been understood. */
export function findingText(path: string, source: string, finding: Finding): string {
  const { line, column, severity, code, message, known = [] } = finding;
  const text = (source.split("\n")[line - 1] ?? "").replaceAll("\t", " ");
  const number = String(line);
  const wide = [...text.slice(0, column - 1)].map((letter) => (letter > "\u2e80" ? "\u3000" : " ")).join("");
  const lines = [
    `${path}:${line}:${column}: ${severity} ${code}: ${message}`,
    `  ${number} | ${text}`,
    `  ${" ".repeat(number.length)} | ${wide}^`,
  ];
  if (known.length > 0) {
    const more = known.length > NAMES_SHOWN ? `, and ${known.length - NAMES_SHOWN} more (--json lists them all)` : "";
    lines.push(`  known here: ${known.slice(0, NAMES_SHOWN).join(", ")}${more}`);
  }
  return `${lines.join("\n")}\n`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A document that compiles. */
export interface SoundFile {
  readonly file: SourceFile;
  readonly document: ContractDocument;
  readonly checked: CheckedContract;
  readonly compiled: CompiledContract;
}

/** @throws LedgerError `CONTRACT_FILE_INVALID` after its findings were printed */
export function sound(checkedFile: CheckedFile): SoundFile {
  const { checked, compiled, document, file, findings } = checkedFile;
  if (checked !== undefined && compiled !== undefined && document !== undefined)
    return { file, document, checked, compiled };
  for (const finding of findings) printRemark(findingText(file.path, file.source, finding));
  throw new LedgerError(
    "CONTRACT_FILE_INVALID",
    { file: file.path },
    { remedy: "correct what is listed above; `linli contract check` shows it again" },
  );
}

// ---- test ----

/** @returns whether every test passed */
export async function testContract(
  path: string,
  options: WithOption & { readonly tests: string | undefined; readonly coverage: boolean },
): Promise<boolean> {
  const { file, set } = await loadDocument(path, options.with);
  const { checked } = sound(set.check(file));
  const tests = options.tests ?? testsBeside(path);
  const lines = new Findings(file.source);
  const coverage = new Coverage(checked, (at) => lines.lineOf(at));
  const outcomes = runAuthorTests({
    tests: await loadText(tests, "write the tests there, or name them with --tests (docs/contracts.md)"),
    sources: set.withImports(file).map(({ source }) => source),
    newOverlay: () => new Overlay({ base: EMPTY_STATE, height: 1 }),
    coverage,
  });
  for (const { name, line, problem } of outcomes)
    process.stdout.write(
      problem === undefined ? `  ok    ${name}\n` : `  FAIL  ${name}\n        ${tests}:${line}: ${problem}\n`,
    );
  const failed = outcomes.filter(({ problem }) => problem !== undefined).length;
  if (options.coverage) printCoverage(path, coverage);
  process.stdout.write(`${outcomes.length - failed} passed, ${failed} failed\n`);
  return failed === 0;
}

function printCoverage(path: string, coverage: Coverage): void {
  const { reached, total, missing } = coverage.report();
  process.stdout.write(`coverage: ${reached} of ${total} conditions, whens and moves reached\n`);
  for (const item of missing) process.stdout.write(`  ${path}:${item.line}: ${item.missing}\n`);
}

// ---- cost ----

export async function costOfContract(path: string, options: WithOption & { readonly json: boolean }): Promise<void> {
  const { file, set } = await loadDocument(path, options.with);
  const { checked } = sound(set.check(file));
  const lines = new Findings(file.source);
  const actions = checked.actions.map((action) => {
    const { total, parts, cappedUnits } = worstCaseOf(action);
    const listed = parts.map(({ part, at, usage }) => ({
      part,
      ...(at === undefined ? {} : { line: lines.lineOf(at) }),
      ...usage,
    }));
    return { action: action.name.text, ...total, cappedUnits, parts: listed };
  });
  if (options.json) {
    printResult(actions);
    return;
  }
  for (const { action, parts, cappedUnits, ...total } of actions) {
    process.stdout.write(
      `${action}: at most ${usageText(total)} (${percent(cappedUnits)} of what one action may cost${cappedUnits < total.units ? ", apart from the source that it deploys" : ""})\n`,
    );
    for (const { part, line, ...usage } of parts)
      process.stdout.write(`  ${line === undefined ? "" : `line ${line}: `}${part}: ${usageText(usage)}\n`);
  }
}

function usageText(usage: Usage): string {
  const { units, reads, bytesRead, writes, bytesWritten, events } = usage;
  const others = [
    reads > 0 ? `${counted(reads, "read")} of ${counted(bytesRead, "byte")}` : "",
    writes > 0 ? `${counted(writes, "write")} of ${counted(bytesWritten, "byte")}` : "",
    events > 0 ? counted(events, "event") : "",
  ];
  return [counted(units, "unit"), ...others.filter((text) => text !== "")].join(", ");
}

function percent(units: number): string {
  return `${Math.ceil((units * 1000) / ACTION_GAS_MAX) / 10} %`;
}

// ---- format ----

/** Writes documents in canonical layout, or with `check` only says which are not. @returns whether all were, or are now */
export async function formatContracts(
  paths: readonly string[],
  options: { readonly check: boolean },
): Promise<boolean> {
  const { files } = await loadDocuments(paths);
  let isWell = true;
  for (const { path, source } of files) {
    const formatting = formatDocument(source);
    if (!formatting.ok) {
      for (const finding of formatting.findings) printRemark(findingText(path, source, finding));
      isWell = false;
    } else if (formatting.text !== source) {
      process.stdout.write(options.check ? `${path}: not in canonical layout\n` : `${path}: formatted\n`);
      if (options.check) isWell = false;
      else await writeFile(path, formatting.text);
    }
  }
  if (options.check && !isWell) printRemark("linli contract format FILE... puts them right");
  return isWell;
}
