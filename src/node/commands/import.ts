// `linli import`: registers from files, as batches that two people of two organisations sign. Does the step that is next for the key it is given.
// Sends nothing in a dry run; what is next is decided in ../import/steps.ts.

import { toHex } from "../../ledger/hash.ts";
import { provedRow } from "../import/difference.ts";
import { readRegisterFiles } from "../import/register-rows.ts";
import { lookAtImport, nextStep, reportOf, standingOf } from "../import/steps.ts";
import { loadKeyFile } from "../key-file.ts";
import { type ConnectOptions, connect } from "./connect.ts";
import { handIn } from "./hand-in.ts";
import { argumentInvalid, printRemark, printResult } from "./output.ts";

/** above the worst case of every action of the registry and of the import */
const GAS_PER_CALL = 12_000;

export interface ImportOptions extends ConnectOptions {
  readonly community: string;
  readonly dryRun: boolean;
  /** key file of the account that acts */
  readonly key: string | undefined;
  /** the digest that the second signer has seen in an own dry run */
  readonly digest: string | undefined;
}

/**
 * @param path a directory with CSV files, or an .xlsx workbook
 * @throws LedgerError `IMPORT_UNREADABLE`, `IMPORT_INVALID`, `IMPORT_DIFFERS`, `IMPORT_NOT_CONFIRMED`, `TX_WITHOUT_EFFECT`
 */
export async function importRegisters(path: string, options: ImportOptions): Promise<void> {
  const files = await readRegisterFiles(path);
  if (options.key === undefined && !options.dryRun) throw argumentInvalid("--key", "a key file, or --dry-run");
  const connection = await connect(options);
  const found = await lookAtImport(connection.client, options.community, files);
  if (options.key === undefined || options.dryRun) return printResult(reportOf(found));
  const author = await loadKeyFile(options.key, "account");
  const { transactions, remark } = nextStep(found, { account: author.account ?? "", seen: options.digest });
  for (const [index, calls] of transactions.entries()) {
    await handIn(connection, author, { calls, gasLimit: GAS_PER_CALL * calls.length });
    printRemark(`transaction ${index + 1} of ${transactions.length} is on the ledger`);
  }
  printRemark(remark);
  const after = await provedRow(connection.client, "data-import.batch", found.digest);
  printResult({ digest: toHex(found.digest), ...standingOf(after) });
}
