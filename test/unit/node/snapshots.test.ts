// Snapshots made while blocks go on, kept on a disk that breaks, and fetched from peers that lie.

import { beforeAll, describe, expect, it } from "vitest";
import { LedgerError } from "../../../src/errors.ts";
import { decode, encode, type Value } from "../../../src/ledger/codec.ts";
import { decodeManifest, encodeManifest } from "../../../src/ledger/format-snapshot.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import { toHex } from "../../../src/ledger/hash.ts";
import { decodeSnapshotRequest, encodeSnapshotRequest } from "../../../src/node/snapshot-answers.ts";
import { verifyChunk } from "../../../src/state/chunk.ts";
import { rangeOf } from "../../../src/store/keys.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { MemoryFolder } from "../../../src/store/snapshot-folder.ts";
import { Snapshots } from "../../../src/store/snapshots.ts";
import { makeGenesis, makeLargeGenesis, noteBatch, openLedger } from "./ledger-fixture.ts";
import { type Answer, commitNotes, honest, ledgerWithSnapshot, makerOver, stateSyncOf } from "./snapshot-fixture.ts";

let genesis: SealedGenesis;
let largeGenesis: SealedGenesis;
beforeAll(async () => {
  genesis = await makeGenesis();
  largeGenesis = await makeLargeGenesis();
});

const ALL = encodeSnapshotRequest({ kind: "snapshots" });

function altered(answer: Uint8Array, alter: (items: readonly Value[]) => Value): Uint8Array {
  const decoded = decode(answer);
  if (!decoded.ok) throw new Error(decoded.code);
  return encode(alter(decoded.value as readonly Value[]));
}

describe("making a snapshot", () => {
  it("N140: it is of the height at which it was begun, whatever is committed while it is made", async () => {
    const chain = await openLedger(genesis);
    const snapshots = await Snapshots.open(new MemoryFolder());
    await commitNotes(chain, genesis, 4);
    const { stateRoot } = chain.store.head;
    const made = makerOver(chain, genesis, { snapshots, everyHeights: 4 }).noteCommitted();
    await commitNotes(chain, genesis, 7);
    await made;
    const [stored] = snapshots.offered;
    expect(stored?.manifest.height).toBe(4);
    expect(toHex(stored?.manifest.stateRoot ?? new Uint8Array())).toBe(toHex(stateRoot));
    for (const [index, { place }] of (stored?.manifest.chunks ?? []).entries()) {
      const bytes = (await snapshots.readChunk(4, index)) ?? new Uint8Array();
      expect(verifyChunk({ bytes, place, stateRoot }).ok).toBe(true);
    }
  });

  it("N140: two members make the same manifest of the same height", async () => {
    const [left, right] = [await ledgerWithSnapshot(genesis, 5), await ledgerWithSnapshot(genesis, 5)];
    expect(toHex(left.snapshots.offered[0]!.manifestBytes)).toBe(toHex(right.snapshots.offered[0]!.manifestBytes));
  });

  it("D98: only the newest stay, and a start after power was lost at any file offers whole ones only", async () => {
    const chain = await openLedger(genesis);
    const folder = new MemoryFolder();
    const snapshots = await Snapshots.open(folder);
    for (const height of [2, 4, 6]) {
      await commitNotes(chain, genesis, height);
      await makerOver(chain, genesis, { snapshots, everyHeights: 2 }).noteCommitted();
    }
    expect(snapshots.heights).toEqual([4, 6]);
    expect([...(await folder.names())].sort()).toEqual(["4.chunks", "4.manifest", "6.chunks", "6.manifest"]);
    await folder.append("8.chunks.part", new Uint8Array(100));
    await folder.append("8.chunks", new Uint8Array(100));
    await folder.append("8.manifest.part", new Uint8Array(100));
    folder.losePower();
    expect((await Snapshots.open(folder)).heights).toEqual([4, 6]);
    expect((await folder.names()).length).toBe(4);
  });

  it("D98: what was removed and is back after a power cut is removed again, and never one offer too many", async () => {
    const chain = await openLedger(genesis);
    const folder = new MemoryFolder();
    const remove = folder.remove.bind(folder);
    const snapshots = await Snapshots.open(folder);
    folder.remove = async (name) => (name.endsWith(".part") ? remove(name) : undefined);
    for (const height of [2, 4, 6]) {
      await commitNotes(chain, genesis, height);
      await makerOver(chain, genesis, { snapshots, everyHeights: 2 }).noteCommitted();
    }
    folder.remove = remove;
    expect((await folder.names()).length).toBe(6);
    expect((await Snapshots.open(folder)).heights).toEqual([4, 6]);
    expect([...(await folder.names())].sort()).toEqual(["4.chunks", "4.manifest", "6.chunks", "6.manifest"]);
  });

  it("D98: a flipped bit in a manifest or a chunk takes the snapshot out of the offer", async () => {
    for (const name of ["3.manifest", "3.chunks"]) {
      const { folder } = await ledgerWithSnapshot(genesis, 3);
      folder.flip(name, 999);
      const again = await Snapshots.open(folder);
      expect(await again.readChunk(3, 0)).toBeUndefined();
      expect(again.offered).toEqual([]);
      expect(await folder.names()).toEqual([]);
    }
  });

  it("D139: a chunk that rotted costs its own snapshot, not the one that is being made", async () => {
    const { folder, snapshots } = await ledgerWithSnapshot(genesis, 3);
    const [{ manifest, anchorBytes } = expect.fail("no snapshot")] = snapshots.offered;
    const [{ place } = expect.fail("no chunk")] = manifest.chunks;
    folder.flip("3.chunks", 999);
    const chunks = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6, 7)];
    async function* whileSomebodyAsks() {
      for (const bytes of chunks) {
        yield { place, bytes };
        expect(await snapshots.readChunk(3, 0)).toBeUndefined();
      }
    }
    await snapshots.write({ facts: { ...manifest, height: 6 }, anchorBytes, chunks: whileSomebodyAsks() });
    expect(snapshots.heights).toEqual([6]);
    expect([await snapshots.readChunk(6, 0), await snapshots.readChunk(6, 1)]).toEqual(chunks);
    expect([...(await folder.names())].sort()).toEqual(["6.chunks", "6.manifest"]);
  });

  it("D98: a folder that cannot be written costs the snapshot and nothing else", async () => {
    const chain = await openLedger(genesis);
    const folder = new MemoryFolder();
    const snapshots = await Snapshots.open(folder);
    folder.append = () => Promise.reject(new Error("ENOSPC"));
    await commitNotes(chain, genesis, 2);
    await makerOver(chain, genesis, { snapshots, everyHeights: 2 }).noteCommitted();
    expect(snapshots.offered).toEqual([]);
  });
});

describe("fetching a state", () => {
  it("N141: an empty node gets state, history, window and timers, and goes on by blocks", async () => {
    const ahead = await ledgerWithSnapshot(genesis, 9);
    const behind = await openLedger(genesis);
    const { run, blamed } = stateSyncOf(behind, genesis, { a: honest(ahead.chain, ahead.snapshots) });
    expect(await run()).toBe(true);
    expect(blamed).toEqual([]);
    const { height, blockHash, resultHash, timeMs, validators, parameters } = ahead.chain.head;
    expect(behind.head).toMatchObject({ height, blockHash, resultHash, timeMs, validators, parameters });
    expect(toHex(behind.tree.root())).toBe(toHex(ahead.chain.tree.root()));
    expect(toHex(behind.store.history.root())).toBe(toHex(ahead.chain.store.history.root()));
    // What was committed before the snapshot is not executed again.
    const repeated = noteBatch(genesis, { sequence: 9, id: "n9", validUntilMs: genesis.timeMs + 69_000 });
    expect(behind.replay.has(repeated.transactions[0]!.id)).toBe(true);
    await commitNotes(behind, genesis, 12);
    await commitNotes(ahead.chain, genesis, 12);
    expect(toHex(behind.head.resultHash)).toBe(toHex(ahead.chain.head.resultHash));
    expect(() => behind.store.loadBlock(5)).toThrow("BLOCK_PRUNED");
    expect(behind.store.loadBlock(11)?.transactionIds.length).toBe(1);
  });

  it("N142: a poisoned chunk costs its sender and is fetched elsewhere", async () => {
    const ahead = await ledgerWithSnapshot(largeGenesis, 3);
    expect(ahead.snapshots.offered[0]?.manifest.chunks.length).toBeGreaterThan(2);
    const truth = honest(ahead.chain, ahead.snapshots);
    const poisoned: Answer = async (payload) => {
      const answer = await truth(payload);
      if (decodeSnapshotRequest(payload)?.kind === "chunk") answer[answer.length - 1] = answer[answer.length - 1]! ^ 1;
      return answer;
    };
    // The honest one serves its first chunk only when the liar has been found out.
    let foundOut: () => void = () => undefined;
    const isFoundOut = new Promise<void>((resolve) => {
      foundOut = resolve;
    });
    const patient: Answer = async (payload) => {
      if (decodeSnapshotRequest(payload)?.kind === "chunk") await isFoundOut;
      return truth(payload);
    };
    const behind = await openLedger(largeGenesis);
    const { run, blamed, asked } = stateSyncOf(behind, largeGenesis, { liar: poisoned, a: patient }, () => foundOut());
    expect(await run()).toBe(true);
    expect(new Set(blamed)).toEqual(new Set(["liar CHUNK_ROOT"]));
    expect(behind.head.height).toBe(3);
    // Two were on their way to the liar when it was found out, and no other.
    expect(asked.filter(({ peer }) => peer === "liar").length).toBeLessThanOrEqual(3);
  });

  it("N142: a peer that is silent or falls silent is given up, and the others serve", async () => {
    for (const world of [genesis, largeGenesis]) {
      const ahead = await ledgerWithSnapshot(world, 3);
      const truth = honest(ahead.chain, ahead.snapshots);
      const offersOnly: Answer = (payload) =>
        toHex(payload) === toHex(ALL) ? truth(payload) : Promise.reject(new LedgerError("PEER_TIMEOUT"));
      const behind = await openLedger(world);
      const { run, blamed } = stateSyncOf(behind, world, { silent: offersOnly, a: truth });
      expect(await run()).toBe(true);
      expect(blamed).toEqual([]);
    }
  });

  it("D95: a crash at any chunk costs no chunk that was there before; another snapshot begins anew", async () => {
    const ahead = await ledgerWithSnapshot(largeGenesis, 3);
    const truth = honest(ahead.chain, ahead.snapshots);
    const count = ahead.snapshots.offered[0]!.manifest.chunks.length;
    for (let after = 0; after <= count; after += 1) {
      const disk = new MemoryStore();
      let served = 0;
      const breaking: Answer = async (payload) => {
        const kind = decodeSnapshotRequest(payload)?.kind;
        if (kind === "chunk") served += 1;
        if (kind !== "snapshots" && served > after) throw new LedgerError("PEER_UNREACHABLE");
        if (kind === "window") throw new LedgerError("PEER_UNREACHABLE");
        return truth(payload);
      };
      const first = stateSyncOf(await openLedger(largeGenesis, disk), largeGenesis, { a: breaking });
      expect(await first.run()).toBe(false);
      // A new process over the same disk: what was fetched is there, and the state in use is still the genesis.
      const behind = await openLedger(largeGenesis, disk);
      await behind.store.sweep();
      expect(behind.head.height).toBe(0);
      const second = stateSyncOf(behind, largeGenesis, { a: truth });
      expect(await second.run()).toBe(true);
      const chunksAsked = second.asked.filter(({ payload }) => decodeSnapshotRequest(payload)?.kind === "chunk");
      expect(chunksAsked.length).toBe(count - after);
      const again = await openLedger(largeGenesis, disk);
      expect(toHex(again.tree.root())).toBe(toHex(ahead.chain.tree.root()));
      expect(again.head.height).toBe(3);
    }
  });

  it("D96: after power was lost at any write, the node stands at its old head or at the snapshot, whole", async () => {
    const ahead = await ledgerWithSnapshot(genesis, 4);
    const truth = honest(ahead.chain, ahead.snapshots);
    const heights = new Set<number>();
    for (let writes = 0; writes < 8; writes += 1) {
      const disk = new MemoryStore();
      const behind = await openLedger(genesis, disk);
      await commitNotes(behind, genesis, 2);
      const write = disk.write.bind(disk);
      let left = writes;
      disk.write = (operations, options) => {
        left -= 1;
        return left < 0 ? Promise.reject(new LedgerError("STORE_WRITE_FAILED")) : write(operations, options);
      };
      await stateSyncOf(behind, genesis, { a: truth })
        .run()
        .catch(() => undefined);
      const again = await openLedger(genesis, disk.losePower());
      heights.add(again.head.height);
      await commitNotes(again, genesis, 6);
      expect(again.head.height).toBe(6);
    }
    expect([...heights].sort()).toEqual([2, 4]);
  });

  it("D97: a state that was replaced is deleted, and the node opens again on the new one", async () => {
    const ahead = await ledgerWithSnapshot(genesis, 5);
    const disk = new MemoryStore();
    const behind = await openLedger(genesis, disk);
    await commitNotes(behind, genesis, 2);
    const rows = behind.tree.size;
    expect(await stateSyncOf(behind, genesis, { a: honest(ahead.chain, ahead.snapshots) }).run()).toBe(true);
    await behind.store.sweep();
    const left = await disk.scan({ ...rangeOf("state"), limit: 10 });
    expect({ left: left.length, grew: behind.tree.size > rows }).toEqual({ left: 0, grew: true });
    const again = await openLedger(genesis, disk);
    expect(again.head.height).toBe(5);
    await commitNotes(again, genesis, 7);
    // A node that came by a snapshot can make the next one.
    const snapshots = await Snapshots.open(new MemoryFolder());
    await makerOver(again, genesis, { snapshots, everyHeights: 7 }).noteCommitted();
    const third = await openLedger(genesis);
    expect(await stateSyncOf(third, genesis, { a: honest(again, snapshots) }).run()).toBe(true);
    expect(third.head.height).toBe(7);
  });

  it("N141: a manifest under another header, of another height or chain, or an anchor with a changed part moves nothing", async () => {
    const ahead = await ledgerWithSnapshot(genesis, 6);
    const truth = honest(ahead.chain, ahead.snapshots);
    const lying = (change: (offer: readonly Uint8Array[]) => readonly Uint8Array[]): Answer => {
      return async (payload) => {
        const answer = await truth(payload);
        if (toHex(payload) !== toHex(ALL)) return answer;
        return altered(answer, (offers) => offers.map((offer) => change(offer as readonly Uint8Array[])));
      };
    };
    const remade = (bytes: Uint8Array, change: object): Uint8Array => {
      const manifest = decodeManifest(bytes);
      if (!manifest.ok) throw new Error(manifest.code);
      return encodeManifest({ ...manifest.value, ...change });
    };
    const lies: readonly (readonly [code: string, answer: Answer])[] = [
      ["SNAPSHOT_NOT_CERTIFIED", lying(([manifest, anchor]) => [remade(manifest!, { height: 9_000 }), anchor!])],
      [
        "SNAPSHOT_NOT_CERTIFIED",
        lying(([manifest, anchor]) => [remade(manifest!, { stateRoot: new Uint8Array(32) }), anchor!]),
      ],
      [
        "SNAPSHOT_NOT_CERTIFIED",
        lying(([manifest, anchor]) => [remade(manifest!, { chainId: new Uint8Array(32) }), anchor!]),
      ],
      ["ANCHOR_PARTS", lying(([manifest, anchor]) => [manifest!, anchor!.slice().fill(7, -3)])],
    ];
    for (const [code, answer] of lies) {
      const behind = await openLedger(genesis);
      const { run, blamed } = stateSyncOf(behind, genesis, { liar: answer });
      expect(await run()).toBe(false);
      expect(blamed).toEqual([`liar ${code}`]);
      expect(behind.head.height).toBe(0);
      // Beside an honest peer the same lie changes nothing.
      const saved = stateSyncOf(behind, genesis, { liar: answer, a: truth });
      expect(await saved.run()).toBe(true);
    }
  });

  it("N144: no snapshot is taken below the height that is asked for, and a failed attempt is not repeated at once", async () => {
    const ahead = await ledgerWithSnapshot(genesis, 6);
    const behind = await openLedger(genesis);
    const { run, asked } = stateSyncOf(behind, genesis, { a: honest(ahead.chain, ahead.snapshots) });
    expect(await run(7)).toBe(false);
    expect(await run(7)).toBe(false);
    expect(asked.length).toBe(1);
    expect(behind.head.height).toBe(0);
  });

  it("N253: that nobody has one so far ahead does not hold back the search for a lower one", async () => {
    const ahead = await ledgerWithSnapshot(genesis, 6);
    const behind = await openLedger(genesis);
    const { run } = stateSyncOf(behind, genesis, { a: honest(ahead.chain, ahead.snapshots) });
    expect(await run(7)).toBe(false);
    expect(await run(1)).toBe(true);
    expect(behind.head.height).toBe(6);
  });

  it("N143: ids that are not those of the header, or blocks that are not linked, install nothing", async () => {
    const ahead = await ledgerWithSnapshot(genesis, 6);
    const truth = honest(ahead.chain, ahead.snapshots);
    const lies: readonly ((blocks: readonly Value[]) => Value)[] = [
      ([first, ...rest]) => [[(first as readonly Value[])[0]!, new Uint8Array(32)], ...rest],
      ([first, ...rest]) => [[(first as readonly Value[])[0]!, new Uint8Array(0)], ...rest],
      ([first, , ...rest]) => [first!, ...rest],
      (blocks) => [...blocks].reverse(),
    ];
    for (const lie of lies) {
      const behind = await openLedger(genesis);
      const liar: Answer = async (payload) => {
        const answer = await truth(payload);
        return decodeSnapshotRequest(payload)?.kind === "window" ? altered(answer, lie) : answer;
      };
      const { run, blamed } = stateSyncOf(behind, genesis, { liar });
      expect(await run()).toBe(false);
      expect(blamed).toEqual(["liar WINDOW_BLOCK"]);
      expect(behind.head.height).toBe(0);
      expect(await stateSyncOf(behind, genesis, { liar, a: truth }).run()).toBe(true);
      expect(behind.head.height).toBe(6);
    }
  });

  it("N240: of a state that was begun, and that only a liar may still have, no more is asked when others have another", async () => {
    const [old, next] = [await ledgerWithSnapshot(genesis, 3), await ledgerWithSnapshot(genesis, 6)];
    const [truth, newer] = [honest(old.chain, old.snapshots), honest(next.chain, next.snapshots)];
    const behind = await openLedger(genesis);
    const stingy: Answer = async (payload) => {
      if (decodeSnapshotRequest(payload)?.kind === "window") throw new LedgerError("PEER_TIMEOUT");
      return truth(payload);
    };
    const partsAskedOfFirst = async (peers: Readonly<Record<string, Answer>>): Promise<number> => {
      const { asked, run } = stateSyncOf(behind, genesis, peers);
      await run();
      return asked.filter(({ peer, payload }) => peer === "a" && toHex(payload) !== toHex(ALL)).length;
    };
    expect(await partsAskedOfFirst({ a: stingy })).toBe(2);
    expect(await partsAskedOfFirst({ a: stingy, b: stingy }), "begun, and two have it: goes on").toBe(1);
    expect(await partsAskedOfFirst({ a: stingy, b: newer, c: newer })).toBe(0);
    expect(behind.head.height).toBe(6);
  });

  it("N240: who hands out the window block by block, each in time, takes no more than its turn", async () => {
    const ahead = await ledgerWithSnapshot(genesis, 40);
    const behind = await openLedger(genesis);
    const truth = honest(ahead.chain, ahead.snapshots);
    const slow: Answer = async (payload) => {
      const answer = await truth(payload);
      return decodeSnapshotRequest(payload)?.kind === "window" ? altered(answer, ([first]) => [first!]) : answer;
    };
    const late: Answer = async (payload) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return truth(payload);
    };
    const { run, asked, blamed } = stateSyncOf(behind, genesis, { slow, late });
    expect(await run()).toBe(true);
    const windows = asked.filter(({ payload }) => decodeSnapshotRequest(payload)?.kind === "window");
    expect(windows.map(({ peer }) => peer)).toEqual(["slow", "late"]);
    expect(blamed).toEqual([]);
    expect(behind.head.height).toBe(40);
  });
});
