// `linli keys recover`: an operator's word that the vote record of a node is lost, so that its key may come back.
// Decides nothing without that word: a directory that is not mounted looks the same as one that is lost.

import { loadNodeConfig } from "../../config.ts";
import { LedgerError } from "../../errors.ts";
import { toHex } from "../../ledger/hash.ts";
import { LedgerStore } from "../../store/ledger-store.ts";
import { openLevelStore } from "../../store/level-store.ts";
import { recordSequenceOf } from "../../store/rows.ts";
import { bindVoteRecord, loadKeyFile, voteRecordPath } from "../key-file.ts";
import { beginRecovery, inspectRecord, type RecordPlace } from "../lost-record.ts";
import { loadGenesis } from "../node.ts";
import { printRemark, printResult } from "./output.ts";

export interface RecoverOptions {
  readonly home: string;
  /** first digits of the validator key, as the refusal without them names them */
  readonly confirm: string | undefined;
  /** the record came back from a copy: it is whole, and may be older than what the key signed */
  readonly restored: boolean;
}

const CONFIRM_DIGITS = 16;

/**
 * The node must be stopped: its store is held meanwhile.
 * @throws LedgerError VOTE_RECORD_PRESENT, RECOVERY_UNCONFIRMED, VOTE_RECORD_FOREIGN, STORE_LOCKED and others of store and files
 */
export async function recoverVoteRecord(options: RecoverOptions): Promise<void> {
  const config = await loadNodeConfig(options.home);
  const { chainId } = await loadGenesis(config.genesisFile);
  const { signer: key } = await loadKeyFile(config.keys.validatorFile, "validator");
  const path = voteRecordPath(config.data.votes, key.publicKey);
  const store = await openLevelStore(config.data.ledger);
  try {
    const ledger = await LedgerStore.open({ store, chainId });
    const headRecordSequence = ledger.isEmpty ? 0 : recordSequenceOf(ledger.head.records, key.publicKey);
    await recover({ path, chainId, publicKey: key.publicKey, headRecordSequence }, options);
  } finally {
    await store.close();
  }
}

async function recover(place: RecordPlace, options: RecoverOptions): Promise<void> {
  const { path, publicKey } = place;
  await bindVoteRecord(place);
  const found = await inspectRecord(place);
  const digits = toHex(publicKey).slice(0, CONFIRM_DIGITS);
  if (found.state === "present" && !options.restored) {
    const remedy = "nothing is lost: start the node. Only if it was put back from a copy: repeat with --restored";
    throw new LedgerError("VOTE_RECORD_PRESENT", { path }, { remedy });
  }
  if (found.state !== "recovering" || options.restored) {
    if (options.confirm !== digits) {
      const remedy = `is the disk of ${path} mounted? Does no other copy of this node run? Only then: --confirm ${digits}`;
      throw new LedgerError("RECOVERY_UNCONFIRMED", { record: found.state, path }, { remedy });
    }
    const aside = await beginRecovery(place, found);
    if (aside !== undefined) printRemark(`The record that was there is kept in ${aside}. Never put it back.`);
  }
  printResult({ validatorKey: toHex(publicKey), record: "recovering" });
  printRemark(
    "Start the node: it votes again once the others have told it where they are and have decided two more blocks.",
  );
  printRemark("`linli query status` says under `recovery` what it waits for.");
}
