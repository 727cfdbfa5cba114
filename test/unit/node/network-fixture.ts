// Real members in one process: participants, signers, stores and contracts as they run in earnest, over the memory network.
// Only the wire and the disks are replaced.

import { expect, vi } from "vitest";
import { buildTransaction } from "../../../src/client/transaction.ts";
import { emptyVoteRecord, encodeVoteRecord } from "../../../src/consensus/vote-record.ts";
import { Engine } from "../../../src/contracts/engine.ts";
import { PROTOCOLS, type Protocols } from "../../../src/contracts/protocols.ts";
import { decodeTransaction } from "../../../src/ledger/format-transaction.ts";
import type { SealedGenesis } from "../../../src/ledger/genesis.ts";
import type { Chain } from "../../../src/node/chain.ts";
import { systemClock } from "../../../src/node/clock.ts";
import { generateSeed, verifyNative } from "../../../src/node/ed25519-native.ts";
import type { SnapshotOptions } from "../../../src/node/keeping-up.ts";
import { openParticipant } from "../../../src/node/open-participant.ts";
import type { Participant } from "../../../src/node/participant.ts";
import { createVerifyPool } from "../../../src/node/verify-pool.ts";
import { MemoryHub } from "../../../src/p2p/memory-network.ts";
import type { Clock, KeySigner, KeyValueStore, Logger, PeerNetwork, VoteRecordStore } from "../../../src/ports.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { MemoryVoteRecord } from "../../../src/store/memory-vote-record.ts";
import { VALIDATORS } from "./ledger-fixture.ts";
import { SILENT } from "./support.ts";

/** What survives a member's process. */
export interface Disks {
  readonly store: KeyValueStore;
  readonly records: VoteRecordStore;
}

export interface Member {
  readonly chain: Chain;
  readonly participant: Participant;
  readonly halted: Promise<string>;
}

export class MemberNetwork {
  readonly clock: Clock;
  readonly genesis: SealedGenesis;
  private readonly hub: MemoryHub;
  private readonly members: Member[] = [];
  private notes = 0;

  constructor(genesis: SealedGenesis) {
    this.genesis = genesis;
    this.clock = systemClock(genesis);
    this.hub = new MemoryHub(this.clock);
  }

  /** A peer of that name, for a member that a test plays itself. */
  peer(peerId: string): PeerNetwork {
    const { chainId, endpoints } = this.genesis;
    const place = { chainId, configHash: chainId, software: "test", members: endpoints };
    return this.hub.create({ peerId, ...place, clock: this.clock, log: SILENT });
  }

  /** Disks of a member that starts for the first time. */
  newDisks(key: KeySigner): Disks {
    const record = emptyVoteRecord({ chainId: this.genesis.chainId, publicKey: key.publicKey });
    return {
      store: new MemoryStore(),
      records: new MemoryVoteRecord({ kind: "found", bytes: encodeVoteRecord(record) }),
    };
  }

  async start(
    key: KeySigner,
    peerId: string,
    options: {
      readonly snapshots?: SnapshotOptions;
      readonly disks?: Disks;
      readonly protocols?: Protocols;
      readonly log?: Logger;
      readonly network?: PeerNetwork;
    } = {},
  ): Promise<Member> {
    const { genesis, clock } = this;
    const { snapshots, disks = this.newDisks(key), protocols = PROTOCOLS, log = SILENT } = options;
    const { network = this.peer(peerId) } = options;
    let reportHalt: (code: string) => void = () => undefined;
    const halted = new Promise<string>((resolve) => {
      reportHalt = resolve;
    });
    const participant = await openParticipant({
      key,
      ...disks,
      engine: new Engine(),
      protocols,
      network,
      verifyPool: createVerifyPool(0),
      verify: verifyNative,
      clock,
      log,
      drawNonce: generateSeed,
      genesis,
      snapshots,
      halt: (error) => reportHalt(error.code),
    });
    const member = { chain: participant.chain, participant, halted };
    this.members.push(member);
    await participant.start();
    return member;
  }

  /** A note of its own, handed to the first of them; returns when all of them have committed it. */
  async commitNote(at: readonly Pick<Member, "chain" | "participant">[]): Promise<void> {
    this.notes += 1;
    const [author] = VALIDATORS;
    if (author === undefined) throw new Error("no validators");
    const { bytes } = buildTransaction({
      chainId: this.genesis.chainId,
      signers: [{ account: "clerk-0", signer: author }],
      nonce: this.notes,
      validUntilMs: Math.floor(this.clock.nowMs()) + 60_000,
      gasLimit: 1_000_000,
      calls: [{ contract: "notes", action: "write", args: { id: `note-${this.notes}`, text: "x" } }],
    });
    const transaction = decodeTransaction(bytes);
    if (!transaction.ok) throw new Error(transaction.code);
    at[0]?.participant.offer(transaction.value);
    await vi.waitFor(
      () => {
        for (const { chain } of at) expect(chain.replay.has(transaction.value.id)).toBe(true);
      },
      { timeout: 20_000, interval: 10 },
    );
  }

  async stop(): Promise<void> {
    for (const { participant } of this.members) await participant.stop();
  }
}
