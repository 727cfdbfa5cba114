// Which calls carry a batch on: what is said when it is proposed, and the rows of the register with what was signed of them.
// Pure: sends and reads nothing.

import { invariant } from "../../assert.ts";
import type { CallRequest } from "../../client/transaction.ts";
import type { Hash } from "../../ledger/hash.ts";
import type { Difference } from "./difference.ts";
import type { RegisterFiles, RegisterRow } from "./register-rows.ts";

export const IMPORT_CONTRACT = "data-import";

/** Rows of one transaction: two calls each, of the 100 that it may carry. */
const ROWS_PER_TRANSACTION = 50;

/** Upload, totals and difference: one transaction, so that a batch is never half proposed. */
export function proposalCalls(
  batch: { readonly community: string; readonly digest: Hash },
  { kind, rows, area, files }: RegisterFiles,
  difference: Difference,
): readonly CallRequest[] {
  const { community, digest } = batch;
  return [
    { contract: IMPORT_CONTRACT, action: "upload", args: { digest, community, kind, files } },
    { contract: IMPORT_CONTRACT, action: "validate", args: { digest, rows: rows.length, area } },
    differenceCall(digest, difference),
  ];
}

export function differenceCall(digest: Hash, { revision, added, same }: Difference): CallRequest {
  return { contract: IMPORT_CONTRACT, action: "diff", args: { digest, revision, added: added.length, same } };
}

export function signCall(digest: Hash, { rows, area }: RegisterFiles): CallRequest {
  return { contract: IMPORT_CONTRACT, action: "sign", args: { digest, rows: rows.length, area } };
}

/**
 * The transactions that take over the last `left` rows, in their order: each row enters the register by the register's own
 * action, unless it stands there, and is compared with what was signed. A device is entered by the contract of imports, which
 * vouches for its second signature.
 * @param digests of `batchDigests`
 */
export function commitCalls(
  batch: { readonly community: string; readonly digests: readonly Hash[]; readonly left: number },
  { rows }: RegisterFiles,
  { added }: Difference,
): readonly (readonly CallRequest[])[] {
  const [digest] = batch.digests;
  const missing = new Set(added);
  const calls = rows.slice(rows.length - batch.left).map((row, index) => {
    const { register, id, fields } = row;
    const rest = batch.digests[rows.length - batch.left + index + 1];
    invariant(digest !== undefined && rest !== undefined, "L400: every row has the digest of those after it");
    const enter = { contract: IMPORT_CONTRACT, action: `enter_${register}`, args: { digest, rest, id, ...fields } };
    return missing.has(row) && register !== "device" ? [addCall(batch.community, row), enter] : [enter];
  });
  return Array.from({ length: Math.ceil(calls.length / ROWS_PER_TRANSACTION) }, (_, index) =>
    calls.slice(index * ROWS_PER_TRANSACTION, (index + 1) * ROWS_PER_TRANSACTION).flat(),
  );
}

/** Units name a building, and get their community from it. */
function addCall(community: string, { register, id, fields }: RegisterRow): CallRequest {
  const place = register === "unit" ? {} : { community };
  return { contract: "registry", action: `add_${register}`, args: { id, ...place, ...fields } };
}
