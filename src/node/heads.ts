// HEAD statements: every few seconds each validator signs what its head is, off the consensus path. q fresh ones prove
// that an answer is current, also on an idle chain. They bind nothing and decide nothing.

import { decodeHeadStatement, encodeHeadStatement, headSigningBytes } from "../ledger/format-vote.ts";
import { bytesEqual, type Hash, toHex } from "../ledger/hash.ts";
import type { HeadStatement, Validator, VerifySignature } from "../ledger/types.ts";
import type { Clock, KeySigner } from "../ports.ts";

export const HEAD_INTERVAL_MS = 3_000;
/** A statement older than this many intervals no longer counts as fresh; one that is farther ahead is not taken. */
const FRESH_INTERVALS_MAX = 3;

export class HeadTracker {
  private readonly clock: Clock;
  private readonly chainId: Hash;
  private readonly timeScale: number;
  private readonly verify: VerifySignature;
  private readonly latest = new Map<string, HeadStatement>();

  constructor(options: { clock: Clock; chainId: Hash; timeScale: number; verify: VerifySignature }) {
    this.clock = options.clock;
    this.chainId = options.chainId;
    this.timeScale = options.timeScale;
    this.verify = options.verify;
  }

  sign(
    key: KeySigner,
    head: { readonly height: number; readonly blockHash: Hash; readonly resultHash: Hash },
  ): Uint8Array {
    const statement = {
      height: head.height,
      blockHash: head.blockHash,
      resultHash: head.resultHash,
      timeMs: Math.floor(this.clock.nowMs()),
    };
    const signature = key.sign(headSigningBytes({ ...statement, chainId: this.chainId }));
    const signed = { ...statement, publicKey: key.publicKey, signature };
    this.latest.set(toHex(key.publicKey), signed);
    return encodeHeadStatement(signed);
  }

  /** @returns the statement when a validator in office signed it and it is newer than the one known */
  take(bytes: Uint8Array, validators: readonly Validator[]): HeadStatement | undefined {
    const decoded = decodeHeadStatement(bytes);
    if (!decoded.ok) return undefined;
    const statement = decoded.value;
    const validator = validators.find(({ publicKey }) => bytesEqual(publicKey, statement.publicKey));
    const known = this.latest.get(toHex(statement.publicKey));
    // N91: one from the far future would stay fresh for as long as its signer likes, and hide all that follow it.
    if (statement.timeMs > this.clock.nowMs() + this.freshMs) return undefined;
    if (validator === undefined || (known !== undefined && known.timeMs >= statement.timeMs)) return undefined;
    const message = headSigningBytes({ ...statement, chainId: this.chainId });
    if (!this.verify(validator.suite, validator.publicKey, message, statement.signature)) return undefined;
    this.latest.set(toHex(statement.publicKey), statement);
    return statement;
  }

  private get freshMs(): number {
    return FRESH_INTERVALS_MAX * HEAD_INTERVAL_MS * this.timeScale;
  }

  /** Statements of validators in office that are fresh by this node's clock, highest first. */
  fresh(validators: readonly Validator[]): readonly HeadStatement[] {
    const oldestMs = this.clock.nowMs() - this.freshMs;
    return validators
      .map(({ publicKey }) => this.latest.get(toHex(publicKey)))
      .filter((statement) => statement !== undefined && statement.timeMs >= oldestMs)
      .filter((statement) => statement !== undefined)
      .sort((left, right) => right.height - left.height);
  }
}
