// The documents of the library as they lie on disk, each checked, with its tests run and its actions priced.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { CheckedContract } from "../../src/contracts/checked.ts";
import { Coverage } from "../../src/contracts/coverage.ts";
import type { ContractDocument } from "../../src/contracts/document.ts";
import { type Finding, Findings } from "../../src/contracts/finding.ts";
import { EMPTY_STATE } from "../../src/contracts/test-ledger.ts";
import { type AuthorTestOutcome, runAuthorTests } from "../../src/contracts/test-runner.ts";
import { worstCaseOf } from "../../src/contracts/worst-case.ts";
import { loadDocuments, testsBeside } from "../../src/node/commands/contract-files.ts";
import { Overlay } from "../../src/state/overlay.ts";

const LIBRARY = fileURLToPath(new URL("../../src/contracts/library", import.meta.url));

export interface LibraryDocument {
  readonly name: string;
  readonly findings: readonly Finding[];
  readonly document: ContractDocument | undefined;
  readonly checked: CheckedContract | undefined;
  readonly tests: readonly AuthorTestOutcome[];
  /** conditions, whens and moves that tests reach */
  readonly coverage: { readonly reached: number; readonly total: number };
  /** worst case of each action, gas */
  readonly costs: readonly { readonly action: string; readonly gas: number }[];
}

/** In order of their names. @param names only these; all when empty */
export async function libraryDocuments(names: readonly string[] = []): Promise<readonly LibraryDocument[]> {
  const { files, set } = await loadDocuments([LIBRARY]);
  const found: LibraryDocument[] = [];
  for (const file of files) {
    const { checked, document, findings } = set.check(file);
    const name = checked?.name ?? file.path;
    if (names.length > 0 && !names.includes(name)) continue;
    if (checked === undefined) {
      found.push({ name, findings, document, checked, tests: [], coverage: { reached: 0, total: 0 }, costs: [] });
      continue;
    }
    const lines = new Findings(file.source);
    const coverage = new Coverage(checked, (at) => lines.lineOf(at));
    const tests = runAuthorTests({
      tests: await readFile(testsBeside(file.path), "utf8"),
      sources: set.withImports(file).map(({ source }) => source),
      newOverlay: () => new Overlay({ base: EMPTY_STATE, height: 1 }),
      coverage,
    });
    const costs = checked.actions.map((action) => ({ action: action.name.text, gas: worstCaseOf(action).total.units }));
    found.push({ name, findings, document, checked, tests, coverage: coverage.report(), costs });
  }
  return found.sort((left, right) => (left.name < right.name ? -1 : 1));
}
