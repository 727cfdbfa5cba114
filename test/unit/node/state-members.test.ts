// Whole members that come late: they take a snapshot, go on by blocks, and vote.

import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { decode, encode } from "../../../src/ledger/codec.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import type { SnapshotOptions } from "../../../src/node/keeping-up.ts";
import { answerSync, Sync } from "../../../src/node/sync.ts";
import { MemoryFolder } from "../../../src/store/snapshot-folder.ts";
import { Snapshots } from "../../../src/store/snapshots.ts";
import { makeGenesis, openLedger, VALIDATORS } from "./ledger-fixture.ts";
import { type Member, MemberNetwork } from "./network-fixture.ts";
import { commitNotes, honest, ledgerWithSnapshot, stateSyncOf } from "./snapshot-fixture.ts";
import { SILENT } from "./support.ts";

let genesis: SealedGenesis;
let network: MemberNetwork | undefined;
beforeAll(async () => {
  genesis = await makeGenesis();
});
afterEach(async () => {
  await network?.stop();
  network = undefined;
});

async function startMember(
  members: MemberNetwork,
  index: number,
  options: Partial<SnapshotOptions> = {},
): Promise<Member> {
  const stored = await Snapshots.open(new MemoryFolder());
  const key = VALIDATORS[index];
  if (key === undefined) throw new Error("no such validator");
  const snapshots = { stored, everyHeights: 3, fetchWhenBehind: 3, keepBodiesMs: undefined, ...options };
  return members.start(key, `peer-${index}`, { snapshots });
}

describe("a member that comes late", () => {
  it("N146: takes a snapshot of the others, and its votes count", async () => {
    network = new MemberNetwork(genesis);
    const early: Member[] = [];
    for (const index of [0, 1, 2]) early.push(await startMember(network, index));
    for (let note = 0; note < 8; note += 1) await network.commitNote(early);
    const late = await startMember(network, 3);
    await vi.waitFor(() => expect(late.chain.head.height).toBeGreaterThanOrEqual(8), { timeout: 20_000 });
    expect(late.chain.store.firstHeight).toBeGreaterThan(3);
    expect(toHex(late.chain.tree.root())).toBe(toHex(early[0]!.chain.tree.root()));
    await early[0]?.participant.stop();
    await network.commitNote([early[1]!, early[2]!, late]);
    expect(late.participant.replica.status().role).not.toBe("follower");
  }, 60_000);

  it("N203: when all have deleted the old bodies takes a snapshot, and the others still prove every receipt", async () => {
    network = new MemberNetwork(genesis);
    const early: Member[] = [];
    const pruning = { keepBodiesMs: 0, fetchWhenBehind: 1_000 };
    for (const index of [0, 1, 2]) early.push(await startMember(network, index, pruning));
    // Old bodies are looked for after each commit, unless they still are: a busy machine needs a few more.
    const hasDeleted = () => early.every(({ chain }) => chain.store.firstBodyHeight > 6);
    for (let note = 0; note < 20 || (note < 200 && !hasDeleted()); note += 1) await network.commitNote(early);
    expect(hasDeleted()).toBe(true);
    const late = await startMember(network, 3, pruning);
    await vi.waitFor(() => expect(late.chain.head.height).toBeGreaterThanOrEqual(20), { timeout: 20_000 });
    expect(late.chain.store.firstHeight).toBeGreaterThan(6);
    for (const { chain } of early) {
      const [txId] = chain.store.loadBlock(2)?.transactionIds ?? [];
      expect(chain.store.findReceipt(txId ?? genesis.chainId)?.height).toBe(2);
    }
    await network.commitNote([...early, late]);
  }, 60_000);

  it("N145: whom nobody can give the next block takes a snapshot however little it is behind", async () => {
    const ahead = await ledgerWithSnapshot(genesis, 3);
    // This one came by the snapshot itself: no block up to 3 is there, blocks 4 and 5 are.
    const keeper = await openLedger(genesis);
    expect(await stateSyncOf(keeper, genesis, { a: honest(ahead.chain, ahead.snapshots) }).run()).toBe(true);
    await commitNotes(keeper, genesis, 5);
    expect(decode(answerSync(keeper, encode([2])))).toEqual({ ok: true, value: [4] });
    const behind = await openLedger(genesis);
    await commitNotes(behind, genesis, 1);
    const reasons: unknown[] = [];
    const sync = new Sync({
      chain: behind,
      chainId: genesis.chainId,
      verify: verifyNative,
      log: SILENT,
      peers: () => ["keeper"],
      request: async (_, payload) => answerSync(keeper, payload),
      commit: (staged, certificate) => behind.commit(staged, certificate, undefined).then(() => undefined),
      fetchState: (reason) => {
        reasons.push(reason);
        if (reason !== "blocksGone") return Promise.resolve(false);
        return stateSyncOf(behind, genesis, { a: honest(ahead.chain, ahead.snapshots) }).run();
      },
      onBadAnswer: () => undefined,
    });
    await sync.catchUp(5, "keeper");
    expect(reasons).toEqual([{ headHeight: 5 }, "blocksGone"]);
    expect(behind.head.height).toBe(5);
  });
});
