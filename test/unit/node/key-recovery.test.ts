// Whole members, one of which lost its vote record: what it says and does not say until it may vote again.

import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { buildTransaction } from "../../../src/client/transaction.ts";
import type { HeadFacts } from "../../../src/consensus/events.ts";
import { encodeVoteRecord, lostVoteRecord } from "../../../src/consensus/vote-record.ts";
import { decodeTransaction } from "../../../src/ledger/format-transaction.ts";
import {
  decodeHeadAnswer,
  decodeHeadRequest,
  encodeHeadAnswer,
  encodeHeadRequest,
  headAnswerSigningBytes,
} from "../../../src/ledger/format-vote.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import { bytesEqual, toHex } from "../../../src/ledger/hash.ts";
import type { Chain } from "../../../src/node/chain.ts";
import { generateSeed, verifyNative } from "../../../src/node/ed25519-native.ts";
import { KeyRecovery } from "../../../src/node/key-recovery.ts";
import { Schedule } from "../../../src/node/schedule.ts";
import { Signer } from "../../../src/node/signer.ts";
import { MemoryVoteRecord } from "../../../src/store/memory-vote-record.ts";
import { makeGenesis, openLedger, VALIDATORS } from "./ledger-fixture.ts";
import { type Disks, type Member, MemberNetwork } from "./network-fixture.ts";
import { commitNotes, honest, ledgerWithSnapshot, stateSyncOf } from "./snapshot-fixture.ts";
import { SILENT, StillClock } from "./support.ts";

const PATIENCE = { timeout: 20_000, interval: 10 };
const REQUEST = encodeHeadRequest(new Uint8Array(32).fill(7));

let genesis: SealedGenesis;
let network: MemberNetwork;
let sent = 0;
beforeAll(async () => {
  genesis = await makeGenesis();
});

function keyOf(index: number) {
  const key = VALIDATORS[index];
  if (key === undefined) throw new Error("no such validator");
  return key;
}

/** Offers a note to the first of these members and waits until all of them have committed it. */
async function write(members: readonly Member[]): Promise<void> {
  sent += 1;
  const { bytes } = buildTransaction({
    chainId: genesis.chainId,
    signers: [{ account: "clerk-0", signer: keyOf(0) }],
    nonce: sent,
    validUntilMs: Math.floor(network.clock.nowMs()) + 60_000,
    gasLimit: 1_000_000,
    calls: [{ contract: "notes", action: "write", args: { id: `note-${sent}`, text: "text" } }],
  });
  const decoded = decodeTransaction(bytes);
  if (!decoded.ok) throw new Error(decoded.code);
  const { id } = decoded.value;
  members[0]?.participant.offer(decoded.value);
  await vi.waitFor(() => expect(members.every(({ chain }) => chain.replay.has(id))).toBe(true), PATIENCE);
}

/** The same ledger, and a record that says that the old one is lost. */
function withLostRecord(index: number, disks: Disks): Disks {
  const record = lostVoteRecord({ chainId: genesis.chainId, publicKey: keyOf(index).publicKey }, 1_000);
  return { ...disks, records: new MemoryVoteRecord({ kind: "found", bytes: encodeVoteRecord(record) }) };
}

async function startFour(): Promise<{ members: Member[]; disks: Disks[] }> {
  network = new MemberNetwork(genesis);
  const disks = [0, 1, 2, 3].map((index) => network.newDisks(keyOf(index)));
  const members = await Promise.all(
    disks.map((own, index) => network.start(keyOf(index), `peer-${index}`, { disks: own })),
  );
  return { members, disks };
}

describe("a member that lost its vote record", () => {
  afterEach(() => network.stop());

  it("N161: votes again when the others have answered and it is past the floor, and the network can count on it", async () => {
    const { members, disks } = await startFour();
    await write(members);
    const [first, second, third, fourth] = members as [Member, Member, Member, Member];
    await fourth.participant.stop();
    const loser = await network.start(keyOf(3), "peer-3", { disks: withLostRecord(3, disks[3] as Disks) });
    const { recovery } = loser.participant;
    expect(recovery.maySign).toBe(false);
    const floorHeight = first.chain.head.height + 3;
    await vi.waitFor(() => expect(recovery.status()).toMatchObject({ floorHeight }), PATIENCE);
    expect(loser.participant.signer?.record).toMatchObject({ mustNotSign: "RECORD_LOST", floorHeight });

    await write([first, second, third, loser]);
    expect(recovery.maySign, "one block is not enough").toBe(false);
    expect(loser.participant.replica.status().role).toBe("follower");
    expect(() => recovery.answer(REQUEST)).toThrow("HEAD_NOT_ANSWERED: reason=HEAD_UNKNOWN");

    await write([first, second, third, loser]);
    await vi.waitFor(() => expect(recovery.maySign).toBe(true), PATIENCE);
    expect(recovery.status()).toBeUndefined();
    expect(loser.participant.signer?.record).toMatchObject({ mustNotSign: undefined, floorHeight, height: 0 });
    expect(decodeHeadAnswer(recovery.answer(REQUEST))).toMatchObject({ ok: true, value: { height: floorHeight - 1 } });

    // Three of four are needed: without the one that came back there is no quorum.
    await third.participant.stop();
    await write([first, second, loser]);
    expect(loser.participant.signer?.record.height).toBe(floorHeight);
    for (const { participant } of [first, second, loser]) expect(participant.evidence.list()).toEqual([]);
  }, 60_000);

  it("N162: of four, two at once wait for each other and say for whom", async () => {
    const { members, disks } = await startFour();
    await write(members);
    const [, , third, fourth] = members as [Member, Member, Member, Member];
    await Promise.all([third, fourth].map(({ participant }) => participant.stop()));
    const losers = await Promise.all(
      [2, 3].map((index) =>
        network.start(keyOf(index), `peer-${index}`, { disks: withLostRecord(index, disks[index] as Disks) }),
      ),
    );
    const [one, other] = losers.map(({ participant }) => participant) as [Member["participant"], Member["participant"]];
    await vi.waitFor(() => {
      expect(one.recovery.status()).toMatchObject({ answers: 2, answersNeeded: 3 });
      expect(other.recovery.status()).toMatchObject({ answers: 2, answersNeeded: 3 });
    }, PATIENCE);
    const organisationOf = (index: number) =>
      genesis.validators.find(({ publicKey }) => bytesEqual(publicKey, keyOf(index).publicKey))?.organisation;
    expect(one.recovery.status()?.missing).toEqual([organisationOf(3)]);
    expect(other.recovery.status()?.missing).toEqual([organisationOf(2)]);
  }, 60_000);

  it("N163: a member without any record answers nobody, and neither is a question answered that is none", async () => {
    const { members, disks } = await startFour();
    const [first, , , fourth] = members as [Member, Member, Member, Member];
    expect(() => first.participant.recovery.answer(new Uint8Array([1]))).toThrow("HEAD_REQUEST_INVALID");
    await fourth.participant.stop();
    const mute = await network.start(keyOf(3), "peer-3", {
      disks: { ...(disks[3] as Disks), records: new MemoryVoteRecord() },
    });
    expect(() => mute.participant.recovery.answer(REQUEST)).toThrow("HEAD_NOT_ANSWERED: reason=NO_VOTE");
    expect([mute.participant.recovery.maySign, mute.participant.recovery.status()]).toEqual([false, undefined]);
  }, 60_000);
});

/** A question to another key, answered when and as the test says. */
interface Question {
  readonly to: number;
  readonly nonce: string;
  answer(head: HeadFacts): void;
}

/** The fourth key's recovery over this chain; what is asked of the others waits for the test. */
async function recoveryOver(chain: Chain) {
  const record = lostVoteRecord({ chainId: genesis.chainId, publicKey: keyOf(3).publicKey }, 1_000);
  const clock = new StillClock();
  const store = new MemoryVoteRecord({ kind: "found", bytes: encodeVoteRecord(record) });
  const signer = await Signer.open({ key: keyOf(3), store, clock, chainId: genesis.chainId, headRecordSequence: 0 });
  const questions: Question[] = [];
  const blamed: string[] = [];
  const recovery = new KeyRecovery({
    chain,
    genesis,
    signer,
    key: keyOf(3),
    verify: verifyNative,
    schedule: new Schedule(clock),
    log: SILENT,
    drawNonce: generateSeed,
    request: (to, payload) =>
      new Promise((resolve) => {
        const nonce = decodeHeadRequest(payload);
        if (!nonce.ok) throw new Error(nonce.code);
        const index = VALIDATORS.findIndex(({ publicKey }) => toHex(publicKey) === to);
        questions.push({
          to: index,
          nonce: toHex(nonce.value),
          answer: (head) => resolve(headAnswerOf(index, nonce.value, head)),
        });
      }),
    lookAhead: () => undefined,
    onBadAnswer: (_, code) => blamed.push(code),
    onRecovered: () => undefined,
    guard: (pending) => void pending.catch((error: unknown) => blamed.push(String(error))),
  });
  return { recovery, clock, questions, blamed };
}

function headAnswerOf(index: number, nonce: Uint8Array, { height, blockHash, resultHash }: HeadFacts): Uint8Array {
  const key = keyOf(index);
  const statement = { height, blockHash, resultHash };
  const signature = key.sign(headAnswerSigningBytes({ ...statement, chainId: genesis.chainId, nonce }));
  return encodeHeadAnswer({ ...statement, publicKey: key.publicKey, signature });
}

describe("a recovery whose floor is void", () => {
  it("N231: passes over a late answer of the round before and asks that key anew", async () => {
    const ahead = await ledgerWithSnapshot(genesis, 6);
    const [chain, other] = [await openLedger(genesis), await openLedger(genesis)];
    const { recovery, clock, questions, blamed } = await recoveryOver(chain);
    const asked = (count: number) => vi.waitFor(() => expect(questions).toHaveLength(count));
    recovery.start();
    const start = chain.head;
    await asked(3);
    const first = questions[0]?.nonce;
    await commitNotes(other, genesis, 2);
    // One of them is ahead: what it says cannot be proved yet, and it is asked again.
    for (const question of questions) question.answer(question.to === 2 ? other.head : start);
    await vi.waitFor(() => expect(recovery.status()).toMatchObject({ answers: 2 }));
    clock.advance(2_000);
    await asked(4);
    const late = questions[3];
    expect(late).toMatchObject({ to: 2, nonce: first });

    // Its first answer is proved now, and is the one that was missing.
    await commitNotes(chain, genesis, 2);
    recovery.headMoved();
    await vi.waitFor(() => expect(recovery.status()).toMatchObject({ floorHeight: 5 }));
    // A snapshot leads past the floor, and nobody can tell any more who decided the heights below it.
    expect(await stateSyncOf(chain, genesis, { a: honest(ahead.chain, ahead.snapshots) }).run(3)).toBe(true);
    recovery.headMoved();
    await asked(6);
    expect(questions.slice(4)).toEqual([0, 1].map((to) => expect.objectContaining({ to })));
    expect(questions[4]?.nonce).not.toBe(first);

    late?.answer(start);
    for (const question of questions.slice(4)) question.answer(chain.head);
    await vi.waitFor(() => expect(recovery.status()).toMatchObject({ answers: 2 }));
    clock.advance(2_000);
    await asked(7);
    expect(blamed).toEqual([]);
    questions[6]?.answer(chain.head);
    await vi.waitFor(() => expect(recovery.status()).toMatchObject({ floorHeight: 9 }));
    expect(blamed).toEqual([]);
  });
});
