// One honest replica of the exploration: the real core, the real rules of the signer, and a vote record that survives restarts.
// Performs effects and answers them; knows no rule of the protocol. What a replica must never do ends in a Violation.

import { unreachable } from "../../src/assert.ts";
import type { HeadFacts, ReplicaEffect, ReplicaEvent, Report } from "../../src/consensus/events.ts";
import { verifyEvidence } from "../../src/consensus/evidence.ts";
import { Replica } from "../../src/consensus/replica.ts";
import { authorise, decodeVoteRecord, emptyVoteRecord, encodeVoteRecord } from "../../src/consensus/safety.ts";
import { bytesEqual, toHex } from "../../src/ledger/hash.ts";
import type { Proposal } from "../../src/ledger/types.ts";
import { execute, headerFault, headOf, type StoredBlock } from "../sim/chain.ts";
import { type Cast, REPLICAS } from "./cast.ts";
import type { Naming } from "./frames.ts";

export class Violation extends Error {}

/** Effects that the node answers later; the others need no answer here. */
type Question = Extract<
  ReplicaEffect,
  { kind: "buildBlock" | "checkBlock" | "executeBlock" | "signVote" | "commitBlock" | "requestSync" }
>;

/** What happens to a replica from outside. */
export type Happening =
  | { readonly kind: "frame"; readonly from: number; readonly bytes: Uint8Array }
  /** the oldest open question of that kind is answered */
  | { readonly kind: "answer"; readonly question: Question["kind"] }
  | { readonly kind: "restart" };

export class Member {
  readonly index: number;
  restarts = 0;
  replica: Replica;
  recordBytes: Uint8Array;
  readonly chain: StoredBlock[] = [];
  /** unanswered, oldest first */
  questions: Question[] = [];
  /** frames signed since they were last taken */
  signed: Uint8Array[] = [];
  private readonly cast: Cast;
  readonly liar: number;
  private readonly answersAtOnce: boolean;
  private readonly naming: Naming;

  constructor(
    cast: Cast,
    index: number,
    options: { readonly liar: number; readonly answersAtOnce: boolean; readonly naming: Naming },
  ) {
    this.naming = options.naming;
    this.cast = cast;
    this.index = index;
    this.liar = options.liar;
    this.answersAtOnce = options.answersAtOnce;
    const { chainId } = cast.facts;
    this.recordBytes = encodeVoteRecord(emptyVoteRecord({ chainId, publicKey: cast.publicKey(index) }));
    this.replica = this.boot();
    this.begin();
  }

  get head(): HeadFacts {
    return headOf(this.cast.facts, this.chain.at(-1));
  }

  apply(happening: Happening): void {
    switch (happening.kind) {
      case "frame": {
        const from = toHex(this.cast.publicKey(happening.from));
        return this.push({ kind: "messageReceived", from, bytes: happening.bytes, arrivedMs: 0 });
      }
      case "answer": {
        const place = this.questions.findIndex(({ kind }) => kind === happening.question);
        const [question] = place < 0 ? [] : this.questions.splice(place, 1);
        if (question !== undefined) this.answer(question);
        return;
      }
      case "restart":
        this.restarts += 1;
        this.questions = [];
        this.replica = this.boot();
        return this.begin();
      default:
        return unreachable(happening);
    }
  }

  /** Kinds of question that are open: the same answer for the oldest of each is one choice. */
  openQuestions(): readonly Question["kind"][] {
    return [...new Set(this.questions.map(({ kind }) => kind))].sort();
  }

  private boot(): Replica {
    const record = decodeVoteRecord(this.recordBytes);
    if (!record.ok) throw new Violation(`the vote record cannot be read: ${record.code}`);
    return new Replica({
      chainId: this.cast.facts.chainId,
      ownKey: this.cast.publicKey(this.index),
      verify: this.cast.verify,
      head: this.head,
      record: record.value,
      speaks: () => true,
    });
  }

  private begin(): void {
    this.push({ kind: "started" });
    this.push({ kind: "workChanged", hasWork: true, waitingFor: [] });
  }

  private push(event: ReplicaEvent): void {
    this.take(event);
    while (this.answersAtOnce) {
      const question = this.questions.shift();
      if (question === undefined) return;
      this.answer(question);
    }
  }

  private take(event: ReplicaEvent): void {
    for (const effect of this.replica.step(event)) this.perform(effect);
  }

  private perform(effect: ReplicaEffect): void {
    switch (effect.kind) {
      case "buildBlock":
      case "checkBlock":
      case "executeBlock":
      case "commitBlock":
      case "requestSync":
        this.questions.push(effect);
        return;
      case "signVote":
        // A SUSPECT binds nothing, and certificates of suspicions are there from the beginning.
        if (effect.request.kind !== "suspect") this.questions.push(effect);
        return;
      case "send":
      case "sendDecided":
      case "setTimer":
      case "fetchBatches":
      case "keepTrail":
        return;
      case "report":
        return this.judge(effect.report);
      case "halt":
        throw new Violation(`replica ${this.index} halts: ${effect.code}, ${effect.detail}`);
      default:
        return unreachable(effect);
    }
  }

  private answer(question: Question): void {
    switch (question.kind) {
      case "buildBlock": {
        const { height, view } = question;
        const isDue = this.head.height + 1 === height;
        const proposal = isDue ? this.cast.propose(this.head, view, this.index).proposal : undefined;
        return this.take({ kind: "blockBuilt", height, view, proposal });
      }
      case "checkBlock": {
        const { height, view, proposal } = question;
        const isDue = this.head.height + 1 === height;
        const code = isDue ? headerFault(this.cast.facts, this.head, proposal) : "NO_LONGER_NEEDED";
        const { blockHash } = proposal;
        return this.take({ kind: "blockChecked", height, view, blockHash, valid: code === "", code });
      }
      case "executeBlock": {
        const { height, proposal } = question;
        return this.take({ kind: "blockExecuted", height, blockHash: proposal.blockHash, ...this.execute(proposal) });
      }
      case "signVote":
        return this.sign(question);
      case "commitBlock": {
        const { proposal, certificate } = question;
        this.chain.push({ proposal, certificate, ...this.execute(proposal) });
        this.take({ kind: "blockCommitted", head: this.head });
        return this.take({ kind: "workChanged", hasWork: true, waitingFor: [] });
      }
      case "requestSync":
        return this.take({ kind: "syncFinished", head: this.head });
      default:
        return unreachable(question);
    }
  }

  private execute(proposal: Proposal) {
    return execute(this.cast.facts, this.head.resultHash, proposal);
  }

  private sign({ request }: Extract<Question, { kind: "signVote" }>): void {
    const record = decodeVoteRecord(this.recordBytes);
    if (!record.ok) throw new Violation(`the vote record cannot be read: ${record.code}`);
    const { head } = this;
    const { chainId } = this.cast.facts;
    const decision = authorise({ record: record.value, request, head, validators: head.validators, chainId });
    if (!decision.ok) {
      if (decision.code === "STALE_HEIGHT") return;
      throw new Violation(`replica ${this.index}: the signer refuses ${request.kind}: ${decision.code}`);
    }
    const sealed = decision.seal(decision.signedBytes.map((bytes) => this.cast.sign(this.index, bytes)));
    this.recordBytes = encodeVoteRecord(sealed.record);
    this.signed.push(sealed.message);
    this.take({ kind: "voteSigned", request, message: sealed.message });
  }

  private judge(report: Report): void {
    if (report.kind === "resultsDiverge") throw new Violation(`replica ${this.index} reports diverging results`);
    if (report.kind !== "evidence") return;
    const { chainId } = this.cast.facts;
    const { validators, verify } = this.cast;
    const verdict = verifyEvidence({ bytes: report.bytes, chainId, validators, verify });
    if (!verdict.ok) throw new Violation(`replica ${this.index} reports ${report.rule}, which proves ${verdict.code}`);
    // Where frames alike are taken for one, a certificate may show a vote of a run beside this one: framing is judged over
    // what was signed, see checks.ts.
    if (this.naming === "alike") return;
    if (!bytesEqual(verdict.value.offender, this.cast.publicKey(this.liar)))
      throw new Violation(`evidence ${report.rule} names honest replica ${report.offender.slice(0, 2)}`);
  }
}

export function honestOf(liar: number): readonly number[] {
  return Array.from({ length: REPLICAS }, (_, index) => index).filter((index) => index !== liar);
}
