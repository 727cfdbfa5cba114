// `linli rulepack check`: a rule pack against the contract documents of this installation.
// Reads only. What a pack changes on a ledger is proposed to governance, number by number.

import { fileURLToPath } from "node:url";
import { changesOf, readRulePack } from "../rule-pack.ts";
import { loadDocuments } from "./contract-files.ts";
import { printResult } from "./output.ts";

const LIBRARY = fileURLToPath(new URL("../../contracts/library", import.meta.url));

/** @throws LedgerError `RULE_PACK_INVALID`, `FILE_MISSING` */
export async function checkRulePack(file: string): Promise<void> {
  const pack = await readRulePack(file);
  const { files, set } = await loadDocuments([LIBRARY]);
  const contracts = files.flatMap((document) => set.check(document).checked ?? []);
  printResult({
    pack: pack.id,
    version: pack.version,
    numbers: pack.numbers.length,
    changes: changesOf(pack, contracts),
  });
}
