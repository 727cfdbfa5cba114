// Opens ledger and signer over the stores it is given and joins them to the core: one node without its outside.
// The node does this over LevelDB and libp2p, the simulator over a simulated disk and network.

import { Replica } from "../consensus/replica.ts";
import { emptyVoteRecord } from "../consensus/vote-record.ts";
import type { Engine } from "../contracts/engine.ts";
import type { Protocols } from "../contracts/protocols.ts";
import { LedgerError } from "../errors.ts";
import type { SealedGenesis } from "../ledger/genesis.ts";
import { toHex } from "../ledger/hash.ts";
import type { VerifySignature } from "../ledger/types.ts";
import type { Clock, KeySigner, KeyValueStore, Logger, PeerNetwork, VoteRecordStore } from "../ports.ts";
import { LedgerStore } from "../store/ledger-store.ts";
import { recordSequenceOf } from "../store/rows.ts";
import { Chain } from "./chain.ts";
import type { SnapshotOptions } from "./keeping-up.ts";
import { Participant } from "./participant.ts";
import { protocolTeller } from "./protocol-watch.ts";
import { Signer } from "./signer.ts";
import type { VerifyPool } from "./verify-pool.ts";

/** Codes that leave a node without the right to vote; it follows and serves all the same. */
const MUTE_CODES = new Set(["VOTE_RECORD_MISSING", "VOTE_RECORD_CORRUPT", "VOTE_RECORD_OLD"]);

export interface ParticipantPorts {
  readonly genesis: SealedGenesis;
  readonly key: KeySigner;
  readonly store: KeyValueStore;
  readonly records: VoteRecordStore;
  readonly engine: Engine;
  /** all that this program speaks */
  readonly protocols: Protocols;
  readonly network: PeerNetwork;
  readonly verifyPool: VerifyPool;
  readonly verify: VerifySignature;
  readonly clock: Clock;
  readonly log: Logger;
  /** undefined: makes and offers no snapshots */
  readonly snapshots?: SnapshotOptions | undefined;
  /** 32 bytes that nobody can have seen before */
  drawNonce(): Uint8Array;
  halt(error: LedgerError): void;
}

/**
 * A participant that is not started yet. It votes at every height at which its key has a seat; a key without its vote record
 * follows and never votes.
 * @throws LedgerError STORE_*, VOTE_RECORD_FOREIGN
 */
export async function openParticipant(ports: ParticipantPorts): Promise<Participant> {
  const { genesis, key, engine, protocols, verify, log } = ports;
  const { chainId } = genesis;
  const store = await LedgerStore.open({ store: ports.store, chainId });
  const chain = await Chain.open({ store, genesis, engine, protocols });
  log.info("ledger opened", { height: chain.head.height, block: toHex(chain.head.blockHash), rows: chain.tree.size });
  const signer = await openSigner(ports, chain);
  const replica = new Replica({
    chainId,
    ownKey: signer === undefined ? undefined : key.publicKey,
    verify,
    head: chain.head,
    speaks: (protocol) => protocols.has(protocol),
    record: signer?.record ?? emptyVoteRecord({ chainId, publicKey: key.publicKey }),
  });
  const participant = new Participant({ ...ports, chain, replica, signer });
  const tellProtocol = protocolTeller(chain, log);
  chain.onHeadMoved(tellProtocol);
  tellProtocol();
  return participant;
}

async function openSigner(ports: ParticipantPorts, chain: Chain): Promise<Signer | undefined> {
  const { key, records, clock, genesis, log } = ports;
  // N94: a seat can come and go while the node runs: whether the key may vote is asked at each height.
  if (!chain.hasSeat(key.publicKey)) log.info("this node observes", { reason: "its key is not among the validators" });
  try {
    const { head } = chain.store;
    const signer = await Signer.open({
      key,
      store: records,
      clock,
      chainId: genesis.chainId,
      headRecordSequence: recordSequenceOf(head.records, key.publicKey),
    });
    if (signer.record.height > head.height + 1) {
      // The store lost its newest blocks. The core votes from the record's height on, and peers have what is missing.
      log.warn("store is behind the vote record", { height: head.height, recordHeight: signer.record.height });
    }
    return signer;
  } catch (error) {
    if (!(error instanceof LedgerError) || !MUTE_CODES.has(error.code)) throw error;
    // A key that cannot prove what it signed must not sign again: it could vote twice (docs/operations.md, "lost vote record").
    const remedy = "docs/operations.md, Lost vote record: linli keys recover";
    log.error("this node will not vote", { code: error.code, ...error.data, remedy });
    return undefined;
  }
}
