// Checks that a list of rows is the complete group of an index: the group's leaf says how many rows there are, and that many entries
// and rows are proved in the state of one block. It trusts no schema: an entry's own key names the group's values and the row.

import { encodeKey, tablePrefix } from "../contracts/state-keys.ts";
import { accept, refuse, type Verdict } from "../errors.ts";
import { decode, type Value } from "../ledger/codec.ts";
import { bytesEqual, compareBytes, joinBytes } from "../ledger/hash.ts";
import type { ProvenState } from "../ledger/proofs.ts";

export interface GroupQuery {
  readonly contract: string;
  readonly table: string;
  readonly index: string;
  /** of the index's columns, in its order */
  readonly values: readonly Value[];
}

/** What the node proved: the group's leaf, and of each row its entry in the index and the row itself. */
export interface ProvenGroup {
  readonly leaf: ProvenState;
  readonly rows: readonly { readonly entry: ProvenState; readonly row: ProvenState }[];
}

/**
 * Refusals: `PROOF_GROUP_BLOCK` (proofs of several blocks), `PROOF_OTHER_ROW` (a leaf, an entry or a row of something else),
 * `PROOF_GROUP_ORDER` (a row twice, or not in key order), `PROOF_ROW_ABSENT`, `PROOF_GROUP_COUNT` (fewer or more rows than the leaf says).
 */
export function checkGroup({ contract, table, index, values }: GroupQuery, group: ProvenGroup): Verdict<number> {
  const { leaf, rows } = group;
  const { resultHash } = leaf.certified;
  const proofs = rows.flatMap(({ entry, row }) => [entry, row]);
  if (!proofs.every((proof) => bytesEqual(proof.certified.resultHash, resultHash))) return refuse("PROOF_GROUP_BLOCK");
  if (!bytesEqual(leaf.key, encodeKey(tablePrefix(contract, `${table}.${index}`), values)))
    return refuse("PROOF_OTHER_ROW");
  const entryPrefix = encodeKey(tablePrefix(contract, `${table}.${index}.row`), values);
  const rowPrefix = tablePrefix(contract, table);
  for (const [position, { entry, row }] of rows.entries()) {
    if (entry.value === undefined || row.value === undefined) return refuse("PROOF_ROW_ABSENT");
    const name = entry.key.slice(entryPrefix.length);
    const isOfGroup = bytesEqual(entry.key.slice(0, entryPrefix.length), entryPrefix) && name.length > 0;
    if (!isOfGroup || !bytesEqual(row.key, joinBytes([rowPrefix, name]))) return refuse("PROOF_OTHER_ROW");
    const before = rows[position - 1]?.row.key;
    // In key order, so that none counts twice.
    if (before !== undefined && compareBytes(before, row.key) >= 0) return refuse("PROOF_GROUP_ORDER");
  }
  return rows.length === countOf(leaf.value) ? accept(rows.length) : refuse("PROOF_GROUP_COUNT");
}

/** No leaf: no row. */
function countOf(leaf: Uint8Array | undefined): Value | undefined {
  if (leaf === undefined) return 0;
  const values = decode(leaf);
  return values.ok && Array.isArray(values.value) ? values.value[0] : undefined;
}
