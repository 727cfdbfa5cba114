// Judgements that checkers make for themselves: a mistake in the node's own check must not become the checker's.
// Small on purpose: each is what protocol.md says, written a second time.

import { type Suspicion, suspectSigningBytes } from "../../src/consensus/view-formats.ts";
import { validatorsHashOf } from "../../src/ledger/format-cluster.ts";
import { compareBytes, type Hash, hashTagged } from "../../src/ledger/hash.ts";
import type { Header, Transaction, Validator, VerifySignature } from "../../src/ledger/types.ts";

/** floor(2n/3) + 1 */
export function quorumOf({ length }: { readonly length: number }): number {
  return length - Math.ceil(length / 3) + 1;
}

/** Whether q distinct validators have signed that they suspect this view. */
export function isTrueSuspicion(claim: {
  readonly chainId: Hash;
  readonly validators: readonly Validator[];
  readonly verify: VerifySignature;
  readonly suspicion: Suspicion;
}): boolean {
  const { chainId, validators, verify, suspicion } = claim;
  const place = {
    chainId,
    height: suspicion.height,
    view: suspicion.view,
    validatorsHash: validatorsHashOf(validators),
  };
  const signers = suspicion.suspects.filter(({ signer, waitingFor, signature }) => {
    const validator = validators[signer];
    return (
      validator !== undefined &&
      verify(1, validator.publicKey, suspectSigningBytes({ ...place, waitingFor }), signature)
    );
  });
  return new Set(signers.map(({ signer }) => signer)).size >= quorumOf(validators);
}

/** What is wrong with the list of transactions that a block executed; "" if nothing is. */
export function listFault(
  { timeMs, parentHash }: Header,
  transactions: readonly Transaction[],
  windowMs: number,
): string {
  const places = transactions.map(({ body }) => orderOf(parentHash, body.signers[0]?.account ?? ""));
  for (const [index, { body }] of transactions.entries()) {
    if (body.validUntilMs < timeMs) return "executed after it expired";
    if (body.validUntilMs > timeMs + windowMs) return "executed before its window";
    const [before, place] = [places[index - 1], places[index]];
    const order = before === undefined || place === undefined ? -1 : compareBytes(before, place);
    const isLater = order < 0 || (order === 0 && (transactions[index - 1]?.body.nonce ?? 0) <= body.nonce);
    if (!isLater) return "executed in the leader's order";
  }
  return "";
}

function orderOf(parentHash: Hash, account: string): Hash {
  const name = new TextEncoder().encode(account);
  const payload = new Uint8Array(parentHash.length + name.length);
  payload.set(parentHash);
  payload.set(name, parentHash.length);
  return hashTagged("ORDER", payload);
}
