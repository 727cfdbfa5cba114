// A vote record that is lost, damaged, old or restored makes room for one that says so; the operator's word starts it.
// Never touches a record that is whole and the newest, and never deletes anything.

import { dirname } from "node:path";
import { decodeVoteRecord, encodeVoteRecord, lostVoteRecord, type VoteRecord } from "../consensus/vote-record.ts";
import { LedgerError } from "../errors.ts";
import { bytesEqual, type Hash } from "../ledger/hash.ts";
import { REAL_FILES, type RecordFiles } from "../store/record-files.ts";
import { openVoteRecordFile } from "../store/vote-record-file.ts";

export interface RecordPlace {
  /** directory of this key's record */
  readonly path: string;
  readonly chainId: Hash;
  readonly publicKey: Uint8Array;
  /** the record's sequence that is stored with the head of the ledger; 0: none */
  readonly headRecordSequence: number;
}

/** "recovering": it was confirmed before. "present": whole and, as far as the ledger knows, the newest. */
export type RecordState = "missing" | "corrupt" | "old" | "recovering" | "present";

export interface FoundRecord {
  readonly state: RecordState;
  /** 0 where none can be read */
  readonly sequence: number;
}

/** @throws LedgerError VOTE_RECORD_UNREADABLE, VOTE_RECORD_FOREIGN */
export async function inspectRecord(place: RecordPlace, files: RecordFiles = REAL_FILES): Promise<FoundRecord> {
  const store = await openVoteRecordFile(place.path, files);
  try {
    const loaded = await store.load();
    if (loaded.kind !== "found") return { state: loaded.kind, sequence: 0 };
    const decoded = decodeVoteRecord(loaded.bytes);
    return decoded.ok
      ? { state: stateOf(decoded.value, place), sequence: decoded.value.sequence }
      : { state: "corrupt", sequence: 0 };
  } finally {
    await store.close();
  }
}

function stateOf(record: VoteRecord, place: RecordPlace): RecordState {
  if (!bytesEqual(record.chainId, place.chainId) || !bytesEqual(record.publicKey, place.publicKey))
    throw new LedgerError("VOTE_RECORD_FOREIGN", { path: place.path });
  if (record.sequence < place.headRecordSequence) return "old";
  return record.mustNotSign === undefined ? "present" : "recovering";
}

/**
 * Puts a record in place that signs nothing until the recovery is through; what was there stays beside it under another name.
 * On return it survives power loss; after a crash in between there is no record, and this can be done again.
 * @returns where the old one is now, undefined if there was none
 * @throws LedgerError VOTE_RECORD_WRITE_FAILED
 */
export async function beginRecovery(
  place: RecordPlace,
  found: FoundRecord,
  files: RecordFiles = REAL_FILES,
): Promise<string | undefined> {
  const { path, chainId, publicKey, headRecordSequence } = place;
  const aside = found.state === "missing" ? undefined : await freeName(path, files);
  try {
    if (aside !== undefined) {
      await files.rename(path, aside);
      await files.syncDirectory(dirname(path));
    }
  } catch (cause) {
    throw new LedgerError(
      "VOTE_RECORD_WRITE_FAILED",
      { path },
      { cause, remedy: "check the directory of vote records" },
    );
  }
  const store = await openVoteRecordFile(path, files);
  try {
    const sequence = Math.max(headRecordSequence, found.sequence) + 1;
    await store.save(encodeVoteRecord(lostVoteRecord({ chainId, publicKey }, sequence)));
  } finally {
    await store.close();
  }
  return aside;
}

async function freeName(path: string, files: RecordFiles): Promise<string> {
  for (let count = 1; ; count += 1) {
    const name = `${path}.lost-${count}`;
    if (!(await files.exists(name))) return name;
  }
}
