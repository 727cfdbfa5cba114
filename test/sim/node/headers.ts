// What the header of each height must say, by what was decided below it: judged from outside when somebody honest first commits it.
// Never asks a node what it expected; the formulas of roots and hashes are the formats', the comparison is made a second time.

import { batchesRootOf, transactionsRootOf } from "../../../src/ledger/format-block.ts";
import { parametersHashOf, validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { bytesEqual, type Hash } from "../../../src/ledger/hash.ts";
import { HistoryAccumulator, historyLeaf } from "../../../src/ledger/history.ts";
import type { Parameters, Proposal, Validator } from "../../../src/ledger/types.ts";

interface Decided {
  readonly blockHash: Hash;
  readonly resultHash: Hash;
}

export class Headers {
  private readonly chainId: Hash;
  private readonly decided = new Map<number, Decided>();
  private readonly parameters = new Map<number, Parameters>();
  private readonly judged = new Set<number>();
  /** over the heights from 0 on that are decided without a gap */
  private history = HistoryAccumulator.empty;

  constructor(genesis: { readonly chainId: Hash; readonly parameters: Parameters }) {
    this.chainId = genesis.chainId;
    this.parameters.set(1, genesis.parameters);
  }

  /** @param next parameters of the next height; undefined: only the block is known */
  noteDecided(height: number, block: Decided, next: Parameters | undefined): void {
    this.decided.set(height, block);
    if (next !== undefined) this.parameters.set(height + 1, next);
  }

  /** In force at that height; undefined: not known yet. */
  parametersAt(height: number): Parameters | undefined {
    return this.parameters.get(height);
  }

  /** What is wrong with a header that was committed; "" if nothing is, or this height was judged before. */
  fault(
    { header, references }: Proposal,
    facts: { readonly ids: readonly Hash[]; readonly validators: readonly Validator[] | undefined },
  ): string {
    const { height } = header;
    if (this.judged.has(height)) return "";
    this.judged.add(height);
    // The result of the genesis is nobody's word: every node computes it, and all agree on the first block above it.
    if (height === 1) this.decided.set(0, { blockHash: this.chainId, resultHash: header.parentResult });
    const parent = this.decided.get(height - 1);
    const parameters = this.parameters.get(height);
    const expected: readonly (readonly [string, Hash, Hash | undefined])[] = [
      ["chainId", header.chainId, this.chainId],
      ["parentHash", header.parentHash, parent?.blockHash],
      ["parentResult", header.parentResult, parent?.resultHash],
      ["historyRoot", header.historyRoot, this.historyRoot(height)],
      ["batchesRoot", header.batchesRoot, batchesRootOf(references)],
      ["transactionsRoot", header.transactionsRoot, transactionsRootOf(facts.ids)],
      ["validatorsHash", header.validatorsHash, facts.validators && validatorsHashOf(facts.validators)],
      ["parametersHash", header.parametersHash, parameters && parametersHashOf(parameters)],
    ];
    const wrong = expected.find(([, said, right]) => right !== undefined && !bytesEqual(said, right));
    if (wrong !== undefined) return wrong[0];
    if (header.transactionCount !== facts.ids.length) return "transactionCount";
    if (parameters !== undefined && header.protocol !== parameters.protocol) return "protocol";
    return header.extension.length > 0 ? "extension" : "";
  }

  /** Over all heights below; undefined: one of them is not known, or this height was passed long ago. */
  private historyRoot(height: number): Hash | undefined {
    for (let next = this.decided.get(this.history.count); next !== undefined && this.history.count < height; ) {
      this.history = this.history.append(historyLeaf({ height: this.history.count, ...next })).history;
      next = this.decided.get(this.history.count);
    }
    return this.history.count === height ? this.history.root() : undefined;
  }
}
