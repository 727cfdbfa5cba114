// Real members in one process: participants, signers, stores and contracts as they run in earnest, over the memory network.
// Only the wire and the disks are replaced.

import { emptyVoteRecord, encodeVoteRecord } from "../../../src/consensus/vote-record.ts";
import { Engine } from "../../../src/contracts/engine.ts";
import { PROTOCOLS, type Protocols } from "../../../src/contracts/protocols.ts";
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

  async stop(): Promise<void> {
    for (const { participant } of this.members) await participant.stop();
  }
}
