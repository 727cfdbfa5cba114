// Whether an answer is current: what q validators have signed about their heads lately.
// Knows no clock: the caller says what time it is.

import { accept, refuse, type Verdict } from "../errors.ts";
import { quorumSize } from "./certificate.ts";
import { decodeHeadStatement, headSigningBytes } from "./format-vote.ts";
import { bytesEqual, type Hash, toHex } from "./hash.ts";
import type { Validator, VerifySignature } from "./types.ts";

export interface Freshness {
  /** at that ledger time, ms, q validators knew of no block above the head */
  readonly asOfMs: number;
  /** hexadecimal public keys of the q validators */
  readonly signers: readonly string[];
}

/**
 * Draws from signed HEAD statements since when a proved head is the newest: the q-th latest statement of distinct
 * validators that names this head or a lower one. Statements that are wrong, of others or from the future count for nothing.
 * Refusals: `FRESHNESS_NO_QUORUM` (fewer than q such statements; also when the others are ahead of this head).
 * @param claim.head as proved by its certificate
 * @param claim.validators those of the head's height
 * @param claim.latestMs statements of a later ledger time, ms, are from the future
 */
export function judgeFreshness(claim: {
  readonly statements: readonly Uint8Array[];
  readonly head: { readonly height: number; readonly blockHash: Hash; readonly resultHash: Hash };
  readonly chainId: Hash;
  readonly validators: readonly Validator[];
  readonly verify: VerifySignature;
  readonly latestMs: number;
}): Verdict<Freshness> {
  const { head, chainId, validators, verify, latestMs } = claim;
  const latestBySigner = new Map<string, number>();
  for (const bytes of claim.statements) {
    const decoded = decodeHeadStatement(bytes);
    if (!decoded.ok) continue;
    const statement = decoded.value;
    const { height, timeMs } = statement;
    const key = toHex(statement.publicKey);
    const signer = validators.find(({ publicKey }) => bytesEqual(publicKey, statement.publicKey));
    if (signer === undefined || timeMs > latestMs || height > head.height) continue;
    if (timeMs <= (latestBySigner.get(key) ?? -1)) continue;
    const isOther =
      height === head.height &&
      !(bytesEqual(statement.blockHash, head.blockHash) && bytesEqual(statement.resultHash, head.resultHash));
    if (
      isOther ||
      !verify(signer.suite, signer.publicKey, headSigningBytes({ ...statement, chainId }), statement.signature)
    )
      continue;
    latestBySigner.set(key, timeMs);
  }
  const quorum = quorumSize(validators.length);
  const chosen = [...latestBySigner].sort(([, left], [, right]) => right - left).slice(0, quorum);
  const oldest = chosen.at(-1);
  if (oldest === undefined || chosen.length < quorum)
    return refuse("FRESHNESS_NO_QUORUM", `${chosen.length} of ${quorum} validators`);
  return accept({ asOfMs: oldest[1], signers: chosen.map(([key]) => key) });
}
