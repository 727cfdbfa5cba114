// What the validators have signed at one height: finds quorums of equal votes, and statements that contradict each other.
// Takes verified statements only; decides nothing.

import { makeCertificate } from "../ledger/certificate.ts";
import { bytesEqual, type Hash } from "../ledger/hash.ts";
import type { Certificate, Vote } from "../ledger/types.ts";
import { contradictionOf, type EvidenceRule, type Statement } from "./evidence.ts";

/** Two statements of one key that no honest key makes. */
export interface Contradiction {
  readonly rule: EvidenceRule;
  readonly signer: number;
  readonly statements: readonly Statement[];
}

export class VoteLog {
  /** by signer; few, as a key that contradicts itself is counted once */
  private readonly statements: Statement[][];
  private readonly quorum: number;

  constructor(validatorCount: number, quorum: number) {
    this.statements = Array.from({ length: validatorCount }, () => []);
    this.quorum = quorum;
  }

  /** Keeps a verified statement. @returns what it contradicts; then it is not kept and never counts */
  add(signer: number, statement: Statement): Contradiction | undefined {
    const known = this.statements[signer];
    if (known === undefined) return undefined;
    for (const other of known) {
      const rule = contradictionOf(other, statement);
      if (rule !== undefined) return { rule, signer, statements: [other, statement] };
    }
    if (!known.some((other) => other.kind === statement.kind && other.view === statement.view)) known.push(statement);
    return undefined;
  }

  /** The vote of that signer at that position, whatever it is for. */
  find(kind: Vote["kind"], view: number, signer: number): Vote | undefined {
    return this.statements[signer]?.find((other): other is Vote => other.kind === kind && other.view === view);
  }

  /** q votes equal to this one apart from their signers, as a certificate. */
  certificateWith(vote: Vote): Certificate | undefined {
    const votes: Vote[] = [];
    for (let signer = 0; signer < this.statements.length && votes.length < this.quorum; signer += 1) {
      const other = this.find(vote.kind, vote.view, signer);
      if (other !== undefined && isEqualVote(other, vote)) votes.push(other);
    }
    if (votes.length < this.quorum) return undefined;
    return makeCertificate({ ...vote, validatorCount: this.statements.length, votes });
  }

  votes(kind: Vote["kind"], view: number): readonly Vote[] {
    return this.statements.flatMap((_, signer) => this.find(kind, view, signer) ?? []);
  }

  /**
   * Whether no result of this block can have q COMMITs any more, in whatever views: more than n - q validators, and so an
   * honest one among them, signed another result. A liar beside results that are still on their way is not enough (C71).
   */
  isDiverging(blockHash: Hash): boolean {
    const commits = this.statements.flatMap((list) => list.find((other) => isCommitOf(other, blockHash)) ?? []);
    const results = commits
      .filter((statement): statement is Vote => statement.kind === "commit")
      .map(({ resultHash }) => resultHash);
    const missing = this.statements.length - results.length;
    return (
      results.length > 0 &&
      results.every((one) => results.filter((other) => bytesEqual(one, other)).length + missing < this.quorum)
    );
  }

  /** Signers of votes for a block: who has voted for it holds its batches. */
  holdersOf(blockHash: Hash): readonly number[] {
    return this.statements.flatMap((list, signer) =>
      list.some((other) => isVoteFor(other, blockHash)) ? [signer] : [],
    );
  }

  forgetBelow(view: number): void {
    for (const [signer, list] of this.statements.entries()) {
      this.statements[signer] = list.filter((statement) => statement.view >= view);
    }
  }
}

/** Whether two votes of one position are for the same block and result. */
export function isEqualVote(one: Vote, other: Vote): boolean {
  return bytesEqual(one.blockHash, other.blockHash) && bytesEqual(one.resultHash, other.resultHash);
}

function isCommitOf(statement: Statement, blockHash: Hash): boolean {
  return statement.kind === "commit" && bytesEqual(statement.blockHash, blockHash);
}

function isVoteFor(statement: Statement, blockHash: Hash): boolean {
  return (statement.kind === "commit" || statement.kind === "prepare") && bytesEqual(statement.blockHash, blockHash);
}
