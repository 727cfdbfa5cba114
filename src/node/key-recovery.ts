// Runs the recovery of a key that lost its vote record, and answers other keys that lost theirs.
// Performs what consensus/recovery.ts decides: asks peers, makes records durable, tells the operator what is missing.

import { unreachable } from "../assert.ts";
import type { ValidatorKey } from "../consensus/events.ts";
import {
  mayAnswerHead,
  type OwnChain,
  Recovery,
  type RecoveryEffect,
  type RecoveryEvent,
} from "../consensus/recovery.ts";
import type { VoteRecord } from "../consensus/vote-record.ts";
import { LedgerError } from "../errors.ts";
import { blockHashOf, decodeHeader } from "../ledger/format-block.ts";
import { decodeHeadRequest, encodeHeadAnswer, headAnswerSigningBytes } from "../ledger/format-vote.ts";
import { type Hash, toHex } from "../ledger/hash.ts";
import type { VerifySignature } from "../ledger/types.ts";
import type { KeySigner, Logger } from "../ports.ts";
import type { Chain } from "./chain.ts";
import type { Schedule } from "./schedule.ts";
import type { Signer } from "./signer.ts";

/** How often those are asked that have not answered. */
const ASK_INTERVAL_MS = 2_000;
const ANSWER_MS_MAX = 5_000;

export interface KeyRecoveryPorts {
  readonly chain: Chain;
  readonly genesis: { readonly chainId: Hash };
  /** undefined: there is no record at all, and nothing is done about it here */
  readonly signer: Signer | undefined;
  readonly key: KeySigner;
  readonly verify: VerifySignature;
  readonly schedule: Schedule;
  readonly log: Logger;
  /** 32 bytes from the operating system's generator */
  drawNonce(): Uint8Array;
  request(to: ValidatorKey, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  lookAhead(height: number, from: ValidatorKey): void;
  onBadAnswer(from: ValidatorKey, code: string): void;
  /** the key may sign again */
  onRecovered(record: VoteRecord): void;
  guard(pending: Promise<unknown>): void;
}

export class KeyRecovery {
  private readonly ports: KeyRecoveryPorts;
  private readonly recovery: Recovery | undefined;
  private readonly asking = new Set<ValidatorKey>();

  constructor(ports: KeyRecoveryPorts) {
    this.ports = ports;
    const { signer, verify } = ports;
    const { chainId } = ports.genesis;
    if (signer?.record.mustNotSign === undefined) return;
    this.recovery = new Recovery({ chainId, verify, chain: ownChain(ports.chain, chainId), record: signer.record });
  }

  /** Whether this key may sign: it has its record, and has not lost an earlier one. */
  get maySign(): boolean {
    return this.ports.signer !== undefined && this.recovery?.isOver !== false;
  }

  start(): void {
    if (this.recovery === undefined) return;
    const { log, schedule } = this.ports;
    log.warn("vote record is being recovered", { ...this.recovery.status() });
    schedule.every("recovery", ASK_INTERVAL_MS, () => this.push({ kind: "askAgain" }));
    this.push({ kind: "headMoved" });
  }

  headMoved(): void {
    this.push({ kind: "headMoved" });
  }

  /** undefined: there is nothing to recover, or nobody has asked for it */
  status(): Record<string, number | readonly string[] | string> | undefined {
    if (this.recovery === undefined || this.recovery.isOver) return undefined;
    const { missing, answers, answersNeeded, floorHeight } = this.recovery.status();
    const { validators, height } = this.ports.chain.head;
    const organisations = missing.map(
      (key) => validators.find(({ publicKey }) => toHex(publicKey) === key)?.organisation ?? key,
    );
    if (answersNeeded > 0)
      return { answers, answersNeeded, missing: organisations, waitingFor: `answers: ${answers} of ${answersNeeded}` };
    const blocks = floorHeight - 1 - height;
    return { floorHeight, headNeeded: floorHeight - 1, waitingFor: `${blocks} more blocks, which the others decide` };
  }

  /**
   * Answers a key that lost its record.
   * @throws LedgerError HEAD_REQUEST_INVALID, HEAD_NOT_ANSWERED
   */
  answer(payload: Uint8Array): Uint8Array {
    const { chain, genesis, key, signer } = this.ports;
    const nonce = decodeHeadRequest(payload);
    if (!nonce.ok) throw new LedgerError("HEAD_REQUEST_INVALID", { reason: nonce.code });
    const { height, blockHash, resultHash } = chain.head;
    if (signer === undefined || !chain.hasSeat(key.publicKey))
      throw new LedgerError("HEAD_NOT_ANSWERED", { reason: "NO_VOTE" });
    const allowed = mayAnswerHead(signer.record, height);
    if (!allowed.ok) throw new LedgerError("HEAD_NOT_ANSWERED", { reason: allowed.code });
    const statement = { height, blockHash, resultHash };
    const signature = key.sign(headAnswerSigningBytes({ ...statement, chainId: genesis.chainId, nonce: nonce.value }));
    return encodeHeadAnswer({ ...statement, publicKey: key.publicKey, signature });
  }

  private push(event: RecoveryEvent): void {
    if (this.recovery === undefined || this.recovery.isOver) return;
    for (const effect of this.recovery.step(event)) this.perform(effect);
    if (this.recovery.isOver) this.finish();
  }

  private finish(): void {
    const { signer, schedule, log, onRecovered } = this.ports;
    if (signer === undefined) return;
    schedule.cancel("recovery");
    log.info("vote record recovered", { floorHeight: signer.record.floorHeight });
    onRecovered(signer.record);
  }

  private perform(effect: RecoveryEffect): void {
    const { ports } = this;
    switch (effect.kind) {
      case "drawNonce":
        return this.push({ kind: "nonceDrawn", nonce: ports.drawNonce() });
      case "ask":
        return ports.guard(this.ask(effect.to, effect.bytes));
      case "saveRecord":
        return ports.guard(this.save(effect.record));
      case "lookAhead":
        return ports.lookAhead(effect.height, effect.from);
      case "badAnswer":
        return ports.onBadAnswer(effect.from, effect.code);
      default:
        return unreachable(effect);
    }
  }

  private async ask(to: ValidatorKey, payload: Uint8Array): Promise<void> {
    if (this.asking.has(to)) return;
    this.asking.add(to);
    const { signer } = this.ports;
    const round = signer?.record.sequence;
    try {
      const bytes = await this.ports.request(to, payload, ANSWER_MS_MAX);
      // N231: a round that is over was under another nonce: its late answers are nobody's fault.
      if (signer?.record.sequence === round) this.push({ kind: "answered", from: to, bytes });
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code === "INVARIANT_BROKEN") throw error;
      this.ports.log.debug("head is not answered", { peer: to, code: error.code });
    } finally {
      this.asking.delete(to);
    }
  }

  private async save(record: VoteRecord): Promise<void> {
    const { signer, log } = this.ports;
    await signer?.replaceRecord(record);
    if (record.mustNotSign !== undefined)
      log.warn("floor of the vote record is set", {
        floorHeight: record.floorHeight,
        height: this.ports.chain.head.height,
      });
    this.push({ kind: "recordSaved" });
  }
}

function ownChain(chain: Chain, chainId: Hash): OwnChain {
  const headerBytesAt = (height: number): Uint8Array | undefined =>
    height < chain.store.firstHeight || height > chain.head.height
      ? undefined
      : chain.store.loadBlock(height)?.headerBytes;
  return {
    get head() {
      return chain.head;
    },
    blockHashAt: (height) => {
      if (height === 0) return chainId;
      if (height === chain.head.height) return chain.head.blockHash;
      const bytes = headerBytesAt(height);
      return bytes === undefined ? undefined : blockHashOf(bytes);
    },
    validatorsHashAt: (height) => {
      const bytes = headerBytesAt(height);
      const header = bytes === undefined ? undefined : decodeHeader(bytes);
      return header?.ok === true ? header.value.validatorsHash : undefined;
    },
  };
}
