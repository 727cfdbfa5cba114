// What is next for a batch and for who asks: upload, second signature, or taking the rows over. Reads the ledger through a client.
// Sends nothing. Signs no digest that its user has not named, and never lets the uploader sign a second time.

import type { LinliClient } from "../../client/client.ts";
import type { CallRequest } from "../../client/transaction.ts";
import { LedgerError } from "../../errors.ts";
import type { Value } from "../../ledger/codec.ts";
import { type Hash, toHex } from "../../ledger/hash.ts";
import { batchDigests } from "./batch.ts";
import { commitCalls, differenceCall, proposalCalls, signCall } from "./calls.ts";
import { type Difference, differenceOf, provedRow } from "./difference.ts";
import type { RegisterFiles } from "./register-rows.ts";

/** An import at one moment: its rows, and how the ledger stands to them. */
export interface Import {
  readonly community: string;
  readonly files: RegisterFiles;
  readonly digests: readonly Hash[];
  readonly digest: Hash;
  readonly difference: Difference;
  /** as it stands on the ledger; undefined: nobody has uploaded it */
  readonly batch: Readonly<Record<string, Value>> | undefined;
}

export interface NextStep {
  /** in order; each is all or nothing */
  readonly transactions: readonly (readonly CallRequest[])[];
  /** for people, once they are on the ledger */
  readonly remark: string;
}

/** @throws LedgerError `IMPORT_DIFFERS`, `PROOF_REFUSED` */
export async function lookAtImport(
  client: Pick<LinliClient, "stateGet">,
  community: string,
  files: RegisterFiles,
): Promise<Import> {
  const digests = batchDigests(files.rows);
  const [digest = new Uint8Array(32)] = digests;
  const difference = await differenceOf(client, community, files);
  return { community, files, digests, digest, difference, batch: await provedRow(client, "data-import.batch", digest) };
}

/** What both signers compare: the digest, the totals, and every row that would be new. */
export function reportOf({ community, files, digest, difference, batch }: Import): Readonly<Record<string, unknown>> {
  return {
    digest: toHex(digest),
    community,
    kind: files.kind,
    rows: files.rows.length,
    areaCm2: files.area,
    revision: difference.revision,
    same: difference.same,
    added: difference.added.map(({ register, id }) => `${register} ${id}`),
    ...standingOf(batch),
  };
}

export function standingOf(batch: Import["batch"]): Readonly<Record<string, unknown>> {
  if (batch === undefined) return { state: "none" };
  const { state, by, signer, left } = batch;
  return { state, uploadedBy: by, signedBy: signer, rowsLeft: left };
}

/**
 * @param who the account that acts, and the digest that its user named
 * @throws LedgerError `IMPORT_NOT_CONFIRMED`
 */
export function nextStep(
  found: Import,
  who: { readonly account: string; readonly seen: string | undefined },
): NextStep {
  const { community, files, digests, digest, difference, batch } = found;
  switch (batch?.state) {
    case undefined:
    case "abandoned":
      if (difference.added.length === 0) return nothing("every row stands in the register already: nothing to import");
      return {
        transactions: [proposalCalls({ community, digest }, files, difference)],
        remark: `uploaded; somebody of another organisation now reads the same files and signs with --digest ${toHex(digest)}`,
      };
    case "uploaded":
    case "validated":
      throw notConfirmed(found, "its upload was not finished: abandon the batch, then import the files again");
    case "diffed":
      if (batch.revision !== difference.revision && who.account === batch.by)
        return { transactions: [[differenceCall(digest, difference)]], remark: "titles have changed: compared again" };
      if (who.account === batch.by) return nothing("waits for its second signer, somebody of another organisation");
      if (who.seen !== toHex(digest))
        throw notConfirmed(found, "read the report of --dry-run, then name its digest with --digest");
      return {
        transactions: [[signCall(digest, files)]],
        remark: "signed; whoever uploaded it runs the same command again to take the rows over",
      };
    case "signed":
      return {
        transactions: commitCalls({ community, digests, left: Number(batch.left) }, files, difference),
        remark: "all rows are taken over",
      };
    default:
      return nothing("taken over already: nothing to do");
  }
}

function nothing(remark: string): NextStep {
  return { transactions: [], remark };
}

function notConfirmed({ digest, batch }: Import, remedy: string): LedgerError {
  return new LedgerError("IMPORT_NOT_CONFIRMED", { digest: toHex(digest), state: String(batch?.state) }, { remedy });
}
