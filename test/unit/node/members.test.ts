// Whole members against one that plays its own game: what a validator may do to the others without breaking a rule.

import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { buildTransaction } from "../../../src/client/transaction.ts";
import { encodeEvidence, type Statement } from "../../../src/consensus/evidence.ts";
import { encodeSuspect } from "../../../src/consensus/messages.ts";
import { suspectSigningBytes } from "../../../src/consensus/view-formats.ts";
import { encode, type Value } from "../../../src/ledger/codec.ts";
import { validatorsHashOf } from "../../../src/ledger/format-cluster.ts";
import { decodeTransaction } from "../../../src/ledger/format-transaction.ts";
import { voteSigningBytes } from "../../../src/ledger/format-vote.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import type { Transaction, Validator } from "../../../src/ledger/types.ts";
import { Api } from "../../../src/node/api.ts";
import { verifyNative } from "../../../src/node/ed25519-native.ts";
import { EvidenceLog } from "../../../src/node/evidence-log.ts";
import { makeGenesis, makeOpenGenesis, noteBatch, VALIDATORS } from "./ledger-fixture.ts";
import { type Member, MemberNetwork } from "./network-fixture.ts";
import { SILENT, signerOf } from "./support.ts";

let genesis: SealedGenesis;
let openGenesis: SealedGenesis;
let network: MemberNetwork;
beforeAll(async () => {
  genesis = await makeGenesis();
  openGenesis = await makeOpenGenesis();
});
afterEach(() => network.stop());

function keyOf(index: number) {
  const key = VALIDATORS[index];
  if (key === undefined) throw new Error("no such validator");
  return key;
}

function transactionOf(call: { contract: string; action: string; args: Record<string, Value> }): Transaction {
  sent += 1;
  const { bytes } = buildTransaction({
    chainId: network.genesis.chainId,
    signers: [{ account: "clerk-0", signer: keyOf(0) }],
    nonce: sent,
    validUntilMs: Math.floor(network.clock.nowMs()) + 60_000,
    gasLimit: 1_000_000,
    calls: [call],
  });
  const decoded = decodeTransaction(bytes);
  if (!decoded.ok) throw new Error(decoded.code);
  return decoded.value;
}
let sent = 0;

/** Offers a transaction to the first of these members and waits until all of them have committed it. */
async function commit(members: readonly Member[], call: Parameters<typeof transactionOf>[0]): Promise<void> {
  const transaction = transactionOf(call);
  members[0]?.participant.offer(transaction);
  await vi.waitFor(
    () => {
      for (const { chain } of members) expect(chain.replay.has(transaction.id)).toBe(true);
    },
    { timeout: 20_000, interval: 10 },
  );
}

const note = (id: string) => ({ contract: "notes", action: "write", args: { id, text: id } });
const govern = (action: string, args: Record<string, Value>) => ({ contract: "governance", action, args });
const roleOf = ({ participant }: Member) => participant.replica.status().role;

describe("membership that changes while nodes run", () => {
  it("N206: evidence is judged by the validators of its height, however the seats changed since, also after a restart", async () => {
    network = new MemberNetwork(openGenesis);
    const members = await Promise.all([0, 1, 2, 3].map((index) => network.start(keyOf(index), `peer-${index}`)));
    const seat = { index: 4, key: signerOf(99).publicKey, peer: "peer-4" };
    await commit(members, govern("add_seat", seat));
    const { chain, participant } = members[0] as Member;
    const [founders, now] = [openGenesis.validators, chain.head.validators];
    const change = chain.head.height;
    expect([now.length, founders.length]).toEqual([5, 4]);
    expect([change - 1, change, change + 1, change + 9].map((at) => chain.validatorsAt(at).length)).toEqual([
      4, 4, 5, 5,
    ]);

    const twoVotes = (height: number, validators: readonly Validator[]): Uint8Array => {
      const place = { chainId: openGenesis.chainId, validatorsHash: validatorsHashOf(validators) };
      const statements = [1, 2].map((byte): Statement => {
        const blockHash = new Uint8Array(32).fill(byte);
        const vote = { kind: "prepare", height, view: 0, blockHash, resultHash: new Uint8Array(0) } as const;
        return { ...vote, signer: 0, signature: keyOf(1).sign(voteSigningBytes({ ...vote, ...place })) };
      });
      return encodeEvidence({ rule: "TWO_VOTES", height, offender: keyOf(1).publicKey, statements });
    };
    const log = participant.evidence;
    expect(await log.take(twoVotes(change, now)), "signed for other validators than those of the height").toBe(false);
    expect(await log.take(twoVotes(change + 1, founders))).toBe(false);
    expect(await log.take(twoVotes(change, founders))).toBe(true);
    expect(await log.take(twoVotes(change + 1, now))).toBe(true);
    const { chainId } = openGenesis;
    const publish = async () => undefined;
    const again = new EvidenceLog({
      store: chain.store,
      chainId,
      verify: verifyNative,
      log: SILENT,
      seats: chain,
      publish,
    });
    await again.load();
    expect(
      again
        .list()
        .map(({ height }) => height)
        .sort(),
    ).toEqual([change, change + 1]);
  }, 60_000);

  it("N94: a node votes from the height at which it has a seat, and no longer than it has one", async () => {
    network = new MemberNetwork(openGenesis);
    const newcomerKey = signerOf(99);
    const [first, second, third, fourth] = await Promise.all(
      [0, 1, 2, 3].map((index) => network.start(keyOf(index), `peer-${index}`)),
    );
    const newcomer = await network.start(newcomerKey, "peer-4");
    if (first === undefined || second === undefined || third === undefined || fourth === undefined) throw new Error();
    expect([newcomer.participant.isSeated, roleOf(newcomer)]).toEqual([false, "follower"]);

    const seat = { index: 4, key: newcomerKey.publicKey, peer: "peer-4" };
    await commit([first, second, third, fourth, newcomer], govern("add_seat", seat));
    expect(newcomer.participant.isSeated).toBe(true);
    expect(roleOf(newcomer)).not.toBe("follower");

    // Four of five: without the newcomer's votes there is no quorum.
    await second.participant.stop();
    await commit([first, third, fourth, newcomer], note("with-the-newcomer"));

    await commit([first, third, fourth], govern("remove_last_seat", {}));
    await commit([first, third, fourth], note("without-it"));
    await vi.waitFor(() => expect(newcomer.chain.head.height).toBe(first.chain.head.height), { timeout: 20_000 });
    expect([newcomer.participant.isSeated, roleOf(newcomer)]).toEqual([false, "follower"]);
  }, 60_000);

  it("N227: an observer follows from its admission on without a seat, also those who start anew let it, and not after its removal", async () => {
    network = new MemberNetwork(openGenesis);
    const disks = network.newDisks(keyOf(0));
    const founders = await Promise.all(
      [0, 1, 2, 3].map((index) => network.start(keyOf(index), `peer-${index}`, index === 0 ? { disks } : {})),
    );
    const observer = await network.start(signerOf(98), "peer-9");
    await commit(founders, note("before"));
    expect(observer.chain.head.height, "nobody answers a stranger").toBe(0);
    await commit(founders, govern("admit_observer", { peer: "peer-9" }));
    await founders[0]?.participant.stop();
    const members = [await network.start(keyOf(0), "peer-0", { disks }), ...founders.slice(1)];
    expect(members[0]?.chain.observers).toEqual(["peer-9"]);
    await commit([...members, observer], note("seen"));
    expect([observer.participant.isSeated, roleOf(observer)]).toEqual([false, "follower"]);
    expect(observer.participant.signer?.record?.height ?? 0, "it has signed nothing").toBe(0);
    await commit(members, govern("remove_observer", { peer: "peer-9" }));
    const removedAt = members[1]?.chain.head.height ?? 0;
    await commit(members, note("unseen"));
    expect(observer.participant.network.peers().some(({ connected }) => connected)).toBe(false);
    expect(observer.chain.head.height).toBeLessThanOrEqual(removedAt);
  }, 60_000);

  it("N232: a node that loses its seat forgets what it was handed, and sends whoever asks again to another", async () => {
    network = new MemberNetwork(openGenesis);
    const members = await Promise.all([0, 1, 2, 3].map((index) => network.start(keyOf(index), `peer-${index}`)));
    const { participant } = members[3] as Member;
    const api = new Api({ participant, genesis: openGenesis, key: keyOf(3), name: "fourth", peerId: "peer-3" });
    const waiting = transactionOf(note("waiting"));
    participant.mempool.add(waiting);
    expect(api.transaction(waiting.id)).toEqual({ kind: "pending" });
    await commit(members, govern("replace_seat", { index: 3, key: signerOf(99).publicKey, peer: "peer-4" }));
    expect(api.transaction(waiting.id)).toEqual({ kind: "unknown" });
    expect([participant.mempool.size, participant.mempool.queued]).toEqual([0, 0]);
    await expect(api.submit(waiting.bytes)).rejects.toThrow("NODE_HAS_NO_SEAT");
  }, 60_000);

  it("N93: batches of who has left are no longer proposed, kept or held against whoever hands them on", async () => {
    network = new MemberNetwork(openGenesis);
    const members = await Promise.all([0, 1, 2, 3].map((index) => network.start(keyOf(index), `peer-${index}`)));
    const [first, , , leaver] = members;
    if (first === undefined || leaver === undefined) throw new Error();
    await commit(members, govern("replace_seat", { index: 3, key: signerOf(99).publicKey, peer: "peer-4" }));
    expect(leaver.participant.isSeated).toBe(false);
    const late = noteBatch(openGenesis, {
      id: "late",
      sequence: 1,
      validUntilMs: Math.floor(network.clock.nowMs()) + 60_000,
      origin: keyOf(3),
    });
    await leaver.participant.network.publish("batches", late.bytes);
    await commit(members.slice(0, 3), note("goes-on"));
    expect(first.participant.pool.has(late.digest)).toBe(false);
    expect(first.participant.network.peers().every(({ cutOffUntilMs }) => cutOffUntilMs === undefined)).toBe(true);
    expect(first.participant.evidence.list()).toEqual([]);
    const block = first.chain.build({
      view: 0,
      proposer: keyOf(0).publicKey,
      timeMs: network.clock.nowMs(),
      batches: [late],
    });
    expect(block && first.chain.checkHeader(block.proposal)).toMatchObject({ ok: false, code: "BLOCK_BATCH_ORIGIN" });
  }, 60_000);
});

describe("a member that withholds its batches", () => {
  it("C70: from the primary, and suspects it at once, deposes nobody", async () => {
    network = new MemberNetwork(genesis);
    const members = await Promise.all([0, 1, 2].map((index) => network.start(keyOf(index), `peer-${index}`)));
    const validUntilMs = Math.floor(network.clock.nowMs()) + 60_000;
    const batch = noteBatch(genesis, { id: "withheld", sequence: 1, validUntilMs });
    const liar = network.peer("peer-3");
    await liar.start({
      onFrame: () => undefined,
      onGossip: () => undefined,
      onRequest: async (_protocol, peer) => encode(peer === "peer-0" ? [] : [batch.bytes]),
      onPeerChanged: (peer) => {
        const place = { chainId: genesis.chainId, validatorsHash: validatorsHashOf(genesis.validators) };
        const suspect = { height: 1, view: 0, waitingFor: [] };
        const signature = keyOf(3).sign(suspectSigningBytes({ ...place, ...suspect }));
        liar.send(peer, encodeSuspect(1, 0, { signer: 3, waitingFor: [], signature }));
      },
    });
    await vi.waitFor(() => expect(members.map(({ chain }) => chain.head.height)).toEqual([1, 1, 1]), {
      timeout: 20_000,
    });
    expect(members.map(({ chain }) => chain.head.certificateView)).toEqual([0, 0, 0]);
    await liar.stop();
  }, 30_000);
});
