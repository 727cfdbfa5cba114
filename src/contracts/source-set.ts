// Documents that lie together: which contract each is, what it imports from the others, and what the check says of it.
// It is given texts by path and never looks for files.

import { type CheckOutcome, checkContract } from "./check-contract.ts";
import { compileContract } from "./compile-contract.ts";
import type { CompiledContract } from "./compiled.ts";
import type { ContractDocument } from "./document.ts";
import { exportsOf } from "./engine.ts";
import { type Finding, Findings } from "./finding.ts";
import { parseDocument } from "./parse-document.ts";

export interface SourceFile {
  /** as people are shown it */
  readonly path: string;
  readonly source: string;
}

export interface CheckedFile {
  readonly file: SourceFile;
  readonly document: ContractDocument | undefined;
  readonly findings: readonly Finding[];
  /** undefined when a finding is an error */
  readonly checked: CheckOutcome["contract"];
  readonly compiled: CompiledContract | undefined;
}

export class SourceSet {
  /** by the name of the contract; of two documents of one name the first counts */
  private readonly byName = new Map<string, SourceFile>();
  private readonly done = new Map<SourceFile, CheckedFile | undefined>();

  constructor(files: readonly SourceFile[]) {
    for (const file of files) {
      const name = parseDocument(file.source, new Findings(file.source))?.name.text;
      if (name !== undefined && !this.byName.has(name)) this.byName.set(name, file);
    }
  }

  /** What is wrong with a document, with its imports as the other documents have them. */
  check(file: SourceFile): CheckedFile {
    const known = this.done.get(file);
    if (known !== undefined) return known;
    // A circle of imports finds the contract taken and believes the declaration.
    this.done.set(file, undefined);
    const findings = new Findings(file.source);
    const document = parseDocument(file.source, findings);
    const outcome = checkContract(file.source, (name) => {
      const contract = this.contract(name);
      return contract && exportsOf(contract);
    });
    const checkedFile = {
      file,
      document,
      findings: [...outcome.findings, ...this.unchecked(file, document)].sort(byPlace),
      checked: outcome.contract,
      compiled: outcome.contract && compileContract(outcome.contract, { source: file.source, lineOf: outcome.lineOf }),
    };
    this.done.set(file, checkedFile);
    return checkedFile;
  }

  contract(name: string): CompiledContract | undefined {
    const file = this.byName.get(name);
    if (file === undefined || (this.done.has(file) && this.done.get(file) === undefined)) return undefined;
    return this.check(file).compiled;
  }

  /** A document and everything it imports, each before what it imports itself. */
  withImports(file: SourceFile): readonly SourceFile[] {
    const order: SourceFile[] = [];
    const visit = (next: SourceFile, path: readonly SourceFile[]) => {
      if (path.includes(next) || order.includes(next)) return;
      for (const name of this.check(next).checked?.imports ?? []) {
        const imported = this.byName.get(name);
        if (imported !== undefined) visit(imported, [...path, next]);
      }
      order.unshift(next);
    };
    visit(file, []);
    return order;
  }

  /** Imports of contracts that are not at hand: what the document says of them is believed, and that is said. */
  private unchecked(file: SourceFile, document: ContractDocument | undefined): readonly Finding[] {
    const findings = new Findings(file.source);
    const seen = new Set<string>();
    for (const { contract } of document?.imports ?? []) {
      if (seen.has(contract.text) || this.byName.has(contract.text)) continue;
      seen.add(contract.text);
      findings.warning(
        contract.at,
        "IMPORT_UNCHECKED",
        `the contract ${contract.text} is not at hand: its tables are believed as declared here`,
        [...this.byName.keys()].sort(),
      );
    }
    return findings.list();
  }
}

function byPlace(left: Finding, right: Finding): number {
  return left.line - right.line || left.column - right.column;
}
