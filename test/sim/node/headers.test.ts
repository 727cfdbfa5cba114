// The judge of headers from outside: what it names, and that true headers pass.

import { describe, expect, it } from "vitest";
import { hashTagged } from "../../../src/ledger/hash.ts";
import { HistoryAccumulator, historyLeaf } from "../../../src/ledger/history.ts";
import type { Header, Proposal } from "../../../src/ledger/types.ts";
import { headerAbove } from "../../../src/node/block-header.ts";
import { castOf } from "./genesis.ts";
import { Headers } from "./headers.ts";
import { drawPlan } from "./plan.ts";

const { genesis } = castOf(drawPlan(1, "swarm"));
const HASH = hashTagged("DOCUMENT", Uint8Array.of(1));
const IDS = [HASH, hashTagged("DOCUMENT", Uint8Array.of(2))];
const proposer = genesis.validators[0]?.publicKey ?? HASH;

/** Blocks of the heights 1 to `count`, each true. */
function headersUpTo(count: number): readonly Header[] {
  const { chainId, validators, parameters, timeMs } = genesis;
  let history = HistoryAccumulator.empty;
  let head = { height: 0, blockHash: chainId, resultHash: HASH };
  return Array.from({ length: count }, (_, index) => {
    history = history.append(historyLeaf(head)).history;
    const facts = {
      ...head,
      proposer,
      headerView: 0,
      certificateView: 0,
      timeMs: timeMs + index,
      validators,
      parameters,
    };
    const block = { view: 0, proposer, timeMs: timeMs + index + 1, references: [], transactionIds: IDS };
    const header = headerAbove({ chainId, head: facts, historyRoot: history.root() }, block);
    head = { height: index + 1, blockHash: hashTagged("DOCUMENT", Uint8Array.of(index)), resultHash: HASH };
    return header;
  });
}

/** What is said of the last of them, when all before it were decided. */
function faultOf(headers: readonly Header[]): string {
  const judge = new Headers(genesis);
  let fault = "";
  for (const [index, header] of headers.entries()) {
    const proposal: Proposal = { header, headerBytes: HASH, blockHash: HASH, references: [] };
    fault = judge.fault(proposal, { ids: IDS, validators: genesis.validators });
    const blockHash = hashTagged("DOCUMENT", Uint8Array.of(index));
    judge.noteDecided(header.height, { blockHash, resultHash: HASH }, genesis.parameters);
  }
  return fault;
}

describe("headers, judged from outside", () => {
  it("true headers pass", () => {
    for (const count of [1, 2, 5, 8]) expect(faultOf(headersUpTo(count))).toBe("");
  });

  it("of a false header the one fact that is not so is named", () => {
    const headers = headersUpTo(6);
    const last = headers[5];
    if (last === undefined) throw new Error("six headers");
    const wrong: Partial<Header> = {
      chainId: HASH,
      parentHash: HASH,
      parentResult: proposer,
      historyRoot: HASH,
      batchesRoot: HASH,
      transactionsRoot: HASH,
      transactionCount: 3,
      validatorsHash: HASH,
      parametersHash: HASH,
      protocol: 2,
      extension: Uint8Array.of(1),
    };
    for (const name of Object.keys(wrong) as (keyof Header)[])
      expect(faultOf([...headers.slice(0, 5), { ...last, [name]: wrong[name] }])).toBe(name);
  });
});
