// Judgements that checkers make for themselves: a mistake in the node's own check must not become the checker's.
// Small on purpose: each is what protocol.md says, written a second time.

import {
  type NewView,
  type Suspicion,
  suspectSigningBytes,
  viewChangeSigningBytes,
} from "../../src/consensus/view-formats.ts";
import { bitmapIndexes } from "../../src/ledger/certificate.ts";
import { validatorsHashOf } from "../../src/ledger/format-cluster.ts";
import { voteSigningBytes } from "../../src/ledger/format-vote.ts";
import { bytesEqual, compareBytes, type Hash, hashTagged } from "../../src/ledger/hash.ts";
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

/**
 * Whether a NEW-VIEW entitles its primary to that block: q VIEW-CHANGEs signed by distinct validators, and if any of them names a
 * lock, the highest one with its q PREPAREs.
 */
export function isRightfulNewView(claim: {
  readonly chainId: Hash;
  readonly validators: readonly Validator[];
  readonly verify: VerifySignature;
  readonly newView: NewView;
}): boolean {
  const { chainId, validators, verify, newView } = claim;
  const { height, view, viewChanges, certificate, blockHash } = newView;
  const place = { chainId, height, validatorsHash: validatorsHashOf(validators) };
  const isSigned = (signer: number, bytes: Uint8Array, signature: Uint8Array): boolean => {
    const validator = validators[signer];
    return validator !== undefined && verify(1, validator.publicKey, bytes, signature);
  };
  const signed = viewChanges.filter(({ signer, prepared, signature }) =>
    isSigned(signer, viewChangeSigningBytes({ ...place, targetView: view, prepared }), signature),
  );
  if (new Set(signed.map(({ signer }) => signer)).size < quorumOf(validators)) return false;
  const lockedView = Math.max(-1, ...viewChanges.map(({ prepared }) => prepared?.view ?? -1));
  if (lockedView < 0) return true;
  const locks = viewChanges.filter(({ prepared }) => prepared?.view === lockedView);
  if (!locks.every(({ prepared }) => prepared !== undefined && bytesEqual(prepared.blockHash, blockHash))) return false;
  if (certificate?.view !== lockedView || !bytesEqual(certificate.blockHash, blockHash)) return false;
  const vote = { kind: "prepare", view: lockedView, blockHash, resultHash: new Uint8Array(0) } as const;
  const signers = bitmapIndexes(certificate.signers, validators.length) ?? [];
  const prepares = signers.filter((signer, index) =>
    isSigned(signer, voteSigningBytes({ ...vote, ...place }), certificate.signatures[index] ?? new Uint8Array(0)),
  );
  return new Set(prepares).size >= quorumOf(validators);
}

/**
 * What is wrong with the list of transactions that a block executed; "" if nothing is.
 * @param placeOf of the protocol in force; version 1's if it is left out
 */
export function listFault(
  { timeMs, parentHash }: Header,
  transactions: readonly Transaction[],
  windowMs: number,
  placeOf = (account: string) => orderOf(parentHash, account),
): string {
  const places = transactions.map(({ body }) => placeOf(body.signers[0]?.account ?? ""));
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
