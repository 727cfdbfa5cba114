// A protocol comes into force while members run: who speaks it goes on at its height, who does not stops before it, says so,
// blames nobody, and is back with a newer program. The second version exists for tests only.

import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { buildTransaction } from "../../../src/client/transaction.ts";
import { encodeDecided } from "../../../src/consensus/messages.ts";
import { PROTOCOLS, type Protocols } from "../../../src/contracts/protocols.ts";
import { PROTOCOL_LEAD_HEIGHTS } from "../../../src/contracts/system.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { blockHashOf, encodeHeader } from "../../../src/ledger/format-block.ts";
import { decodeReceipt } from "../../../src/ledger/format-receipt.ts";
import { decodeTransaction } from "../../../src/ledger/format-transaction.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import type { Transaction } from "../../../src/ledger/types.ts";
import { Api } from "../../../src/node/api.ts";
import type { Chain } from "../../../src/node/chain.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { protocolTeller } from "../../../src/node/protocol-watch.ts";
import { answerSync, Sync } from "../../../src/node/sync.ts";
import type { Logger } from "../../../src/ports.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { MemoryFolder } from "../../../src/store/snapshot-folder.ts";
import { Snapshots } from "../../../src/store/snapshots.ts";
import { BOTH_PROTOCOLS, SIGNER_GAS_2 } from "../../protocols.ts";
import {
  batchOf,
  buildBlock,
  certificateOf,
  commitBlock,
  makeOpenGenesis,
  noteBatch,
  openLedger,
  VALIDATORS,
} from "./ledger-fixture.ts";
import { type Member, MemberNetwork } from "./network-fixture.ts";
import { honest, makerOver, stateSyncOf } from "./snapshot-fixture.ts";
import { SILENT } from "./support.ts";

let genesis: SealedGenesis;
beforeAll(async () => {
  genesis = await makeOpenGenesis();
});

const note = (id: string) => ({ contract: "notes", action: "write", args: { id, text: id } });
const set = (name: string, value: number) => ({
  contract: "governance",
  action: "set_parameter",
  args: { name, value },
});
/** The blocks 1 and 2 decide: these two rows, one after the other. */
const FROM_HEIGHT = 2 + PROTOCOL_LEAD_HEIGHTS;
const DECISION = [set("next_protocol_height", FROM_HEIGHT), set("next_protocol", 2)];
const at = <T>(list: readonly T[], index: number): T => {
  const found = list[index];
  if (found === undefined) throw new Error(`nothing at ${index}`);
  return found;
};

describe("blocks across the height of an upgrade", () => {
  async function extend(chain: Chain, height: number, last?: ReturnType<typeof set>): Promise<void> {
    while (chain.head.height < height) {
      const sequence = chain.head.height + 1;
      const validUntilMs = genesis.timeMs + 600_000;
      const usual = DECISION[sequence - 1] ?? note(`note-${sequence}`);
      const call = sequence === height ? (last ?? usual) : usual;
      const block = buildBlock(chain, [batchOf(genesis, { call, sequence, validUntilMs })], chain.head.timeMs + 1);
      await chain.store.saveBatches(block.batches, { sync: true });
      await commitBlock(chain, genesis, block);
    }
  }

  const ledger = (protocols: Protocols, disk = new MemoryStore()) => openLedger(genesis, disk, protocols);

  /** Catch-up from one chain into another, as far as it goes. */
  async function follow(ahead: Chain, behind: Chain): Promise<readonly string[]> {
    const blamed: string[] = [];
    const sync = new Sync({
      chain: behind,
      chainId: genesis.chainId,
      verify: verifyNative,
      log: SILENT,
      peers: () => ["newer"],
      request: async (_from, payload) => answerSync(ahead, payload),
      commit: (staged, certificate) => behind.commit(staged, certificate, undefined).then(() => undefined),
      fetchState: async () => false,
      onBadAnswer: (from, code) => blamed.push(`${from} ${code}`),
    });
    await sync.catchUp(ahead.head.height, "newer");
    return blamed;
  }

  const protocolsOf = (chain: Chain, heights: readonly number[]) =>
    heights.map((height) => {
      const block = chain.store.loadBlock(height);
      const receipt = block && chain.store.findReceipt(at(block.transactionIds, 0))?.receiptBytes;
      const decoded = receipt === undefined ? undefined : decodeReceipt(receipt);
      return decoded?.ok === true && decoded.value.gas >= SIGNER_GAS_2 ? 2 : 1;
    });

  it("N222: catch-up executes old blocks under the old rules and new ones under the new, also after a restart", async () => {
    const ahead = await ledger(BOTH_PROTOCOLS);
    await extend(ahead, FROM_HEIGHT + 2);
    expect(protocolsOf(ahead, [1, FROM_HEIGHT - 1, FROM_HEIGHT, FROM_HEIGHT + 1])).toEqual([1, 1, 2, 2]);
    const disk = new MemoryStore();
    const behind = await ledger(BOTH_PROTOCOLS, disk);
    expect([await follow(ahead, behind), behind.head.height]).toEqual([[], ahead.head.height]);
    expect(behind.tree.root()).toEqual(ahead.tree.root());
    const again = await ledger(BOTH_PROTOCOLS, disk);
    await extend(ahead, FROM_HEIGHT + 4);
    expect([await follow(ahead, again), again.tree.root()]).toEqual([[], ahead.tree.root()]);
  });

  it("C72: a program that lacks the version ends its catch-up before it, without blaming its source, and another goes on from there", async () => {
    const ahead = await ledger(BOTH_PROTOCOLS);
    await extend(ahead, FROM_HEIGHT + 2);
    const disk = new MemoryStore();
    const old = await ledger(PROTOCOLS, disk);
    expect(await follow(ahead, old)).toEqual([]);
    expect([old.head.height, old.isOutgrown]).toEqual([FROM_HEIGHT - 1, true]);
    const again = await ledger(BOTH_PROTOCOLS, disk);
    expect([await follow(ahead, again), again.head.height]).toEqual([[], ahead.head.height]);
  });

  it("N221: a header with the number of another height is refused, before, at and after the change", async () => {
    const chain = await ledger(BOTH_PROTOCOLS);
    for (const height of [1, FROM_HEIGHT - 1, FROM_HEIGHT, FROM_HEIGHT + 1]) {
      await extend(chain, height - 1);
      const batch = noteBatch(genesis, { id: "x", sequence: 900, validUntilMs: genesis.timeMs + 600_000 });
      const { proposal } = buildBlock(chain, [batch], chain.head.timeMs + 1);
      const verdicts = [1, 2, 3].map((protocol) => {
        const header = { ...proposal.header, protocol };
        const headerBytes = encodeHeader(header);
        const verdict = chain.checkHeader({ ...proposal, header, headerBytes, blockHash: blockHashOf(headerBytes) });
        return verdict.ok ? "ok" : verdict.code;
      });
      const refused = "BLOCK_PROTOCOL";
      const expected = height < FROM_HEIGHT ? ["ok", refused, refused] : [refused, "ok", refused];
      expect([height, ...verdicts]).toEqual([height, ...expected]);
    }
    const old = await ledger(PROTOCOLS);
    await extend(old, FROM_HEIGHT - 1);
    const { proposal } = buildBlock(
      await ledger(BOTH_PROTOCOLS),
      [noteBatch(genesis, { id: "x", sequence: 900, validUntilMs: genesis.timeMs + 600_000 })],
      genesis.timeMs + 1,
    );
    expect(old.checkHeader(proposal)).toMatchObject({ ok: false, code: "PROTOCOL_UNSUPPORTED" });
  });

  it("N225: a snapshot from before the height is for every program; one of a version that it lacks is not, and nobody is blamed", async () => {
    const ahead = await ledger(BOTH_PROTOCOLS);
    const snapshots = await Snapshots.open(new MemoryFolder());
    const bothTake = async (height: number): Promise<readonly boolean[]> => {
      await extend(ahead, height);
      await makerOver(ahead, genesis, { snapshots, everyHeights: height }).noteCommitted();
      const moved: boolean[] = [];
      for (const protocols of [PROTOCOLS, BOTH_PROTOCOLS]) {
        const late = await ledger(protocols);
        const sync = stateSyncOf(late, genesis, { a: honest(ahead, snapshots) });
        expect([await sync.run(height), sync.blamed]).toEqual([late.head.height === height, []]);
        moved.push(late.head.height === height);
      }
      return moved;
    };
    expect(await bothTake(FROM_HEIGHT - 1)).toEqual([true, true]);
    expect(await bothTake(FROM_HEIGHT)).toEqual([false, true]);
  });

  it("N224: an operator hears once of each turn: decided, taken back, decided again, in force", async () => {
    const said = async (protocols: Protocols): Promise<readonly string[]> => {
      const chain = await ledger(protocols);
      const lines: string[] = [];
      const write = (message: string, fields?: Record<string, unknown>) =>
        lines.push(`${message} ${fields?.protocol} ${fields?.height ?? ""}`.trim());
      chain.onHeadMoved(protocolTeller(chain, { ...SILENT, info: write, error: write }));
      await extend(chain, 2);
      await extend(chain, 3, set("next_protocol", 1));
      await extend(chain, 4, set("next_protocol_height", FROM_HEIGHT + 5));
      await extend(chain, 5, set("next_protocol", 2));
      await extend(chain, FROM_HEIGHT + 4);
      return lines;
    };
    const taken = "the decided protocol is taken back 2";
    expect(await said(BOTH_PROTOCOLS)).toEqual([
      `another protocol is decided 2 ${FROM_HEIGHT}`,
      `${taken} ${FROM_HEIGHT}`,
      `another protocol is decided 2 ${FROM_HEIGHT + 5}`,
      `protocol in force 2 ${FROM_HEIGHT + 5}`,
    ]);
    const needed = (height: number) => `newer software needed 2 ${height}`;
    const [first, second] = [needed(FROM_HEIGHT), needed(FROM_HEIGHT + 5)];
    expect(await said(PROTOCOLS)).toEqual([first, `${taken} ${FROM_HEIGHT}`, second, second]);
  });
});

describe("members of whom one is late", () => {
  let network: MemberNetwork;
  afterEach(() => network.stop());
  let nonce = 0;

  function transactionOf(call: { contract: string; action: string; args: Record<string, Value> }): Transaction {
    nonce += 1;
    const { bytes } = buildTransaction({
      chainId: genesis.chainId,
      signers: [{ account: "clerk-0", signer: at(VALIDATORS, 0) }],
      nonce,
      validUntilMs: Math.floor(network.clock.nowMs()) + 60_000,
      gasLimit: 1_000_000,
      calls: [call],
    });
    const decoded = decodeTransaction(bytes);
    if (!decoded.ok) throw new Error(decoded.code);
    return decoded.value;
  }

  async function commit(members: readonly Member[], call: Parameters<typeof transactionOf>[0]): Promise<void> {
    const transaction = transactionOf(call);
    at(members, 0).participant.offer(transaction);
    await vi.waitFor(
      () => {
        for (const { chain } of members) expect(chain.replay.has(transaction.id)).toBe(true);
      },
      { timeout: 20_000, interval: 2 },
    );
  }

  const apiOf = ({ participant }: Member, index: number) =>
    new Api({ participant, genesis, key: at(VALIDATORS, index), name: `node ${index}`, peerId: `peer-${index}` });

  it("C72: N224: it votes up to the height, then stops and says so; the others go on; a newer program brings it back with its votes", async () => {
    network = new MemberNetwork(genesis);
    const said: string[] = [];
    const log: Logger = {
      ...SILENT,
      error: (message, fields) => said.push(`${message} ${fields?.protocol} from ${fields?.height}`),
    };
    const disks = network.newDisks(at(VALIDATORS, 3));
    const early: Member[] = [];
    for (const index of [0, 1, 2])
      early.push(await network.start(at(VALIDATORS, index), `peer-${index}`, { protocols: BOTH_PROTOCOLS }));
    const late = await network.start(at(VALIDATORS, 3), "peer-3", { disks, log });
    for (const decision of DECISION) await commit([...early, late], decision);
    expect(said).toEqual([`newer software needed 2 from ${FROM_HEIGHT}`]);
    expect(apiOf(late, 3).protocol()).toEqual({
      speaks: [1],
      inForce: 1,
      decided: { protocol: 2, height: FROM_HEIGHT },
      needs: 2,
    });
    for (let height = 3; height < FROM_HEIGHT; height += 1) await commit([...early, late], note(`note-${height}`));
    expect(late.participant.replica.status()).toMatchObject({
      role: "follower",
      waitingFor: expect.stringContaining("newer software"),
    });
    expect(said.at(-1)).toBe(`newer software needed 2 from ${FROM_HEIGHT}`);
    expect(apiOf(late, 3).consensusStatus()).toMatchObject({ votes: false, protocol: { inForce: 2, needs: 2 } });
    const refused = transactionOf(note("for-newer-software"));
    await expect(apiOf(late, 3).submit(refused.bytes)).rejects.toThrow("PROTOCOL_UNSUPPORTED");

    for (const id of ["a", "b"]) await commit(early, note(id));
    expect(early.map(({ chain }) => chain.head.height)).toEqual([1, 1, 1].map((one) => FROM_HEIGHT + one));
    expect(late.chain.head.height).toBe(FROM_HEIGHT - 1);
    // What it has it still shows, with proof.
    expect(apiOf(late, 3).transaction(at(late.chain.store.loadBlock(5)?.transactionIds ?? [], 0)).kind).toBe(
      "committed",
    );
    const members = [...early, late];
    const isBlamed = members.some(({ participant }) =>
      participant.network.peers().some(({ cutOffUntilMs }) => cutOffUntilMs !== undefined),
    );
    expect([isBlamed, ...members.flatMap(({ participant }) => participant.evidence.list())]).toEqual([false]);
    expect(await Promise.race([...members.map(({ halted }) => halted), Promise.resolve("runs")])).toBe("runs");

    await late.participant.stop();
    const back = await network.start(at(VALIDATORS, 3), "peer-3", { disks, protocols: BOTH_PROTOCOLS });
    await vi.waitFor(() => expect(back.chain.head.height).toBe(FROM_HEIGHT + 1), { timeout: 20_000 });
    await at(early, 0).participant.stop();
    // Three of four: without its votes there is no quorum.
    await commit([...early.slice(1), back], note("with-its-votes"));
  }, 60_000);

  it("C72: a network that nobody has prepared waits before the height, and goes on when its programs are replaced", async () => {
    network = new MemberNetwork(genesis);
    const keys = [0, 1, 2, 3];
    const disks = keys.map((index) => network.newDisks(at(VALIDATORS, index)));
    const startAll = async (protocols: Protocols) => {
      const started: Member[] = [];
      for (const index of keys)
        started.push(
          await network.start(at(VALIDATORS, index), `peer-${index}`, { disks: at(disks, index), protocols }),
        );
      return started;
    };
    const old = await startAll(PROTOCOLS);
    for (const decision of DECISION) await commit(old, decision);
    for (let height = 3; height < FROM_HEIGHT; height += 1) await commit(old, note(`note-${height}`));
    at(old, 0).participant.offer(transactionOf(note("nobody-takes-it")));
    // A certified block of the new protocol: nobody looks at it, nobody is blamed for it.
    const foreign = await openLedger(genesis, undefined, BOTH_PROTOCOLS);
    const { proposal } = buildBlock(
      foreign,
      [noteBatch(genesis, { id: "b", sequence: 7, validUntilMs: genesis.timeMs + 60_000 })],
      genesis.timeMs + 1,
    );
    const header = { ...proposal.header, protocol: 2, height: FROM_HEIGHT };
    const headerBytes = encodeHeader(header);
    const block = { ...proposal, header, headerBytes, blockHash: blockHashOf(headerBytes) };
    const certificate = certificateOf(genesis, block, new Uint8Array(32).fill(5));
    const decided = encodeDecided({ proposal: block, certificate });
    for (const peer of [1, 2, 3]) at(old, 0).participant.network.send(`peer-${peer}`, decided);
    for (const { participant } of old) await participant.stop();
    expect(old.map(({ chain }) => chain.head.height)).toEqual(keys.map(() => FROM_HEIGHT - 1));
    const fresh = await startAll(BOTH_PROTOCOLS);
    await commit(fresh, note("goes-on"));
    expect(fresh.map(({ chain }) => chain.head.height)).toEqual(keys.map(() => FROM_HEIGHT));
  }, 60_000);
});
