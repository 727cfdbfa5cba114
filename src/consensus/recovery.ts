// How a key comes back that lost its vote record (protocol.md, "What a key may sign", the vote record): nothing is signed
// until q others have said where they are and this node is past whatever the key may have signed before. Pure, as the core is.

// Why it is safe, with M the height of the own head at the moment when q others are counted (none of them is above it), the
// floor M + 3, and one set of validators at M + 1 and M + 2. Suppose the key had voted at a height h >= M + 3 before the loss.
// It did so above its certified head h - 1, so a certificate of M + 2 existed: q keys had signed COMMIT at M + 2. Any q of
// them and the q that are counted share f + 1 keys, so an honest one: it had signed COMMIT at M + 2, so its head was M + 1
// at least, and its answer came later (the nonce is younger than the loss) and said M at most. So h <= M + 2.
//   - It needs answers of keys whose store is not behind what they signed (`mayAnswerHead`).
//   - The votes of the time before stand below the floor; whoever lost its record answers nobody before its own head is up there
//     again: a second disk may be lost meanwhile, and its key must not believe one that has forgotten.

import { invariant, unreachable } from "../assert.ts";
import { accept, refuse, type Verdict } from "../errors.ts";
import { quorumSize } from "../ledger/certificate.ts";
import { decodeHeadAnswer, encodeHeadRequest, headAnswerSigningBytes } from "../ledger/format-vote.ts";
import { bytesEqual, type Hash, toHex } from "../ledger/hash.ts";
import type { HeadAnswer, VerifySignature } from "../ledger/types.ts";
import type { HeadFacts, ValidatorKey } from "./events.ts";
import type { VoteRecord } from "./vote-record.ts";

/** With +2 a first PREPARE may have been signed at the floor: its block's parent may be certified here and nowhere else. */
const FLOOR_ABOVE_HEADS = 3;

/** This node's own certified chain. */
export interface OwnChain {
  readonly head: HeadFacts;
  /** undefined above the head, and where the block is no longer kept */
  blockHashAt(height: number): Hash | undefined;
  /** of the validators that decided this height; undefined above the head, and where the block is no longer kept */
  validatorsHashAt(height: number): Hash | undefined;
}

export type RecoveryEvent =
  /** once, and again after a while for whoever has not answered */
  | { readonly kind: "askAgain" }
  /** answer to drawNonce: 32 bytes that nobody can have seen before */
  | { readonly kind: "nonceDrawn"; readonly nonce: Uint8Array }
  | { readonly kind: "answered"; readonly from: ValidatorKey; readonly bytes: Uint8Array }
  /** this node's own head is another */
  | { readonly kind: "headMoved" }
  /** answer to saveRecord: it is durable */
  | { readonly kind: "recordSaved" };

export type RecoveryEffect =
  | { readonly kind: "drawNonce" }
  | { readonly kind: "ask"; readonly to: ValidatorKey; readonly bytes: Uint8Array }
  /** to be made durable; a failure halts */
  | { readonly kind: "saveRecord"; readonly record: VoteRecord }
  /** somebody says it is ahead: a reason to look there, never believed */
  | { readonly kind: "lookAhead"; readonly height: number; readonly from: ValidatorKey }
  | { readonly kind: "badAnswer"; readonly from: ValidatorKey; readonly code: string };

export interface RecoveryStatus {
  /** validators that have not answered yet, or whose answer this node cannot prove yet */
  readonly missing: readonly ValidatorKey[];
  /** answers that count must be so many; 0: the floor is known */
  readonly answersNeeded: number;
  readonly answers: number;
  /** 0: not known yet */
  readonly floorHeight: number;
}

interface Round {
  readonly nonce: Uint8Array;
  readonly answers: Map<ValidatorKey, HeadAnswer>;
}

export class Recovery {
  private readonly chainId: Hash;
  private readonly chain: OwnChain;
  private readonly verify: VerifySignature;
  private record: VoteRecord;
  private saving: VoteRecord | undefined;
  private round: Round | undefined;
  private isDrawing = false;
  /** the floor that is known was counted under validators that did not stay in office long enough */
  private isFloorVoid = false;
  private effects: RecoveryEffect[] = [];

  /** @param options.record as it is on disk: says by itself how far the recovery is */
  constructor(options: {
    readonly chainId: Hash;
    readonly chain: OwnChain;
    readonly record: VoteRecord;
    readonly verify: VerifySignature;
  }) {
    this.chainId = options.chainId;
    this.chain = options.chain;
    this.record = options.record;
    this.verify = options.verify;
  }

  get isOver(): boolean {
    return this.record.mustNotSign === undefined;
  }

  step(event: RecoveryEvent): readonly RecoveryEffect[] {
    this.effects = [];
    this.handle(event);
    this.advance();
    return this.effects;
  }

  status(): RecoveryStatus {
    const counting = this.isCounting;
    const proved = counting ? this.provedAnswers() : [];
    return {
      missing: counting ? this.others().filter((key) => !proved.includes(key)) : [],
      answersNeeded: counting ? this.answersNeeded : 0,
      answers: proved.length,
      floorHeight: this.record.floorHeight,
    };
  }

  private get isCounting(): boolean {
    return !this.isOver && (this.record.floorHeight === 0 || this.isFloorVoid);
  }

  private handle(event: RecoveryEvent): void {
    switch (event.kind) {
      case "nonceDrawn":
        this.isDrawing = false;
        this.round ??= { nonce: event.nonce, answers: new Map() };
        return this.ask();
      case "askAgain":
        return this.ask();
      case "answered":
        return this.take(event.from, event.bytes);
      case "headMoved":
        return;
      case "recordSaved":
        invariant(this.saving !== undefined, "S13: one record is saved at a time");
        this.record = this.saving;
        this.saving = undefined;
        this.isFloorVoid = false;
        return;
      default:
        return unreachable(event);
    }
  }

  /** Whoever has answered what can be proved is asked no more. */
  private ask(): void {
    if (this.round === undefined || !this.isCounting) return;
    const proved = this.provedAnswers();
    const bytes = encodeHeadRequest(this.round.nonce);
    for (const to of this.others()) if (!proved.includes(to)) this.effects.push({ kind: "ask", to, bytes });
  }

  private take(from: ValidatorKey, bytes: Uint8Array): void {
    if (this.round === undefined || !this.isCounting) return;
    const { answers } = this.round;
    const verdict = this.judge(from, bytes, this.round.nonce);
    if (!verdict.ok) {
      this.effects.push({ kind: "badAnswer", from, code: verdict.code });
      return;
    }
    const answer = verdict.value;
    const known = answers.get(from);
    const { height } = this.chain.head;
    // Each of them is true of an honest peer: the lowest can be proved first, unless its block is no longer kept here.
    if (known === undefined || answer.height < known.height || (known.height <= height && !this.isProved(known)))
      answers.set(from, answer);
    if (answer.height > height) this.effects.push({ kind: "lookAhead", height: answer.height, from });
  }

  /** S15: of the validator that was asked, over this chain and this nonce. */
  private judge(from: ValidatorKey, bytes: Uint8Array, nonce: Uint8Array): Verdict<HeadAnswer> {
    const decoded = decodeHeadAnswer(bytes);
    if (!decoded.ok) return decoded;
    const answer = decoded.value;
    const validator = this.chain.head.validators.find(({ publicKey }) => bytesEqual(publicKey, answer.publicKey));
    if (validator === undefined || toHex(answer.publicKey) !== from) return refuse("HEAD_ANSWER_SIGNER");
    const signed = headAnswerSigningBytes({ ...answer, chainId: this.chainId, nonce });
    if (!this.verify(validator.suite, validator.publicKey, signed, answer.signature))
      return refuse("HEAD_ANSWER_SIGNATURE");
    return this.isElsewhere(answer) ? refuse("HEAD_ANSWER_BLOCK") : accept(answer);
  }

  private advance(): void {
    if (this.isOver || this.saving !== undefined) return;
    const { head } = this.chain;
    const { floorHeight } = this.record;
    if (!this.isCounting && head.height >= floorHeight - 1) {
      // S14: as long as there is one certified height below the floor to come, the key stays silent.
      if (this.hasSameValidators(floorHeight)) return this.save({ mustNotSign: undefined });
      this.isFloorVoid = true;
    }
    if (!this.isCounting) return;
    if (this.round === undefined) return this.drawNonce();
    if (this.provedAnswers().length < this.answersNeeded) return;
    this.round = undefined;
    this.save({ floorHeight: Math.max(floorHeight, head.height + FLOOR_ABOVE_HEADS) });
  }

  private drawNonce(): void {
    if (this.isDrawing) return;
    this.isDrawing = true;
    this.effects.push({ kind: "drawNonce" });
  }

  private save(change: Partial<Pick<VoteRecord, "mustNotSign" | "floorHeight">>): void {
    this.saving = { ...this.record, ...change, sequence: this.record.sequence + 1 };
    this.effects.push({ kind: "saveRecord", record: this.saving });
  }

  /** Whether those who were counted at floor - 3 decided both heights below the floor, so that they had to know of them. */
  private hasSameValidators(floorHeight: number): boolean {
    const first = this.chain.validatorsHashAt(floorHeight - 2);
    const second = this.chain.validatorsHashAt(floorHeight - 1);
    // A snapshot may have led past them: then nobody can tell any more.
    return first !== undefined && second !== undefined && bytesEqual(first, second);
  }

  private get answersNeeded(): number {
    return quorumSize(this.chain.head.validators.length);
  }

  private others(): readonly ValidatorKey[] {
    return this.chain.head.validators
      .filter(({ publicKey }) => !bytesEqual(publicKey, this.record.publicKey))
      .map(({ publicKey }) => toHex(publicKey));
  }

  /** Validators in office whose head is a block of this node's own certified chain: one that is only said proves nothing. */
  private provedAnswers(): readonly ValidatorKey[] {
    return this.others().filter((key) => {
      const answer = this.round?.answers.get(key);
      return answer !== undefined && this.isProved(answer);
    });
  }

  private isProved({ height, blockHash }: HeadAnswer): boolean {
    const own = height <= this.chain.head.height ? this.chain.blockHashAt(height) : undefined;
    return own !== undefined && bytesEqual(own, blockHash);
  }

  /** It names another block than the certified one of this height. */
  private isElsewhere({ height, blockHash }: HeadAnswer): boolean {
    const own = this.chain.blockHashAt(height);
    return own !== undefined && !bytesEqual(own, blockHash);
  }
}

/**
 * S16: whether this key's word about its head counts: a key that lost its record has none, and one whose store is behind what
 * it has signed would say less than it knew.
 */
export function mayAnswerHead(record: VoteRecord, headHeight: number): Verdict<true> {
  if (record.mustNotSign !== undefined) return refuse("HEAD_UNKNOWN", record.mustNotSign);
  const height = Math.max(record.height, record.floorHeight);
  return headHeight + 1 >= height ? accept(true) : refuse("HEAD_BEHIND_RECORD", `the record is at ${height}`);
}
