// One running node: opens what is on disk and wires the pure core to store, peers, contracts and RPC, and stops it again.
// Wiring only; what each part does stands in its own file.

import type { HeadFacts } from "../consensus/events.ts";
import { Replica } from "../consensus/replica.ts";
import { emptyVoteRecord } from "../consensus/safety.ts";
import { Engine } from "../contracts/engine.ts";
import { LedgerError } from "../errors.ts";
import type { Genesis } from "../ledger/genesis.ts";
import { type Hash, toHex } from "../ledger/hash.ts";
import { createPeerNetwork } from "../p2p/libp2p-network.ts";
import type { Clock, KeySigner, Logger, PeerEndpoint } from "../ports.ts";
import { type RpcServer, type RpcSettings, startRpcServer } from "../rpc/server.ts";
import { LedgerStore } from "../store/ledger-store.ts";
import { openLevelStore } from "../store/level-store.ts";
import { openVoteRecordFile } from "../store/vote-record-file.ts";
import { Api } from "./api.ts";
import { Chain } from "./chain.ts";
import { systemClock } from "./clock.ts";
import { verifyNative } from "./ed25519-native.ts";
import { Participant } from "./participant.ts";
import { Signer } from "./signer.ts";
import { createVerifyPool } from "./verify-pool.ts";

export interface NodeOptions {
  readonly name: string;
  readonly organisation: string;
  readonly genesis: Genesis;
  readonly genesisBytes: Uint8Array;
  readonly chainId: Hash;
  readonly validatorKey: KeySigner;
  /** 32 bytes; never the consensus key */
  readonly peerSeed: Uint8Array;
  readonly ledgerPath: string;
  readonly votesPath: string;
  readonly listen: readonly string[];
  /** where the other members are reached */
  readonly members: readonly PeerEndpoint[];
  readonly rpc: RpcSettings;
  readonly verifyWorkers: number | "auto";
}

export interface RunningNode {
  readonly rpcPort: number;
  readonly api: Api;
  /** resolves when the node had to stop by itself, with the reason */
  readonly halted: Promise<LedgerError>;
  stop(): Promise<void>;
}

/** Codes that leave a node without the right to vote; it follows and serves all the same. */
const MUTE_CODES = new Set(["VOTE_RECORD_MISSING", "VOTE_RECORD_CORRUPT", "VOTE_RECORD_OLD"]);

/**
 * Starts a node and resolves when it listens for peers and clients.
 * @throws LedgerError STORE_*, VOTE_RECORD_FOREIGN, P2P_*, RPC_*: nothing is left running
 */
export async function startNode(options: NodeOptions, log: Logger): Promise<RunningNode> {
  const { genesis, genesisBytes, chainId } = options;
  const clock = systemClock(genesis);
  const kv = await openLevelStore(options.ledgerPath);
  const closers: (() => Promise<void>)[] = [() => kv.close()];
  try {
    const records = await openVoteRecordFile(options.votesPath);
    closers.push(() => records.close());
    const store = await LedgerStore.open({ store: kv, chainId });
    const engine = new Engine();
    const chain = await Chain.open({ store, genesis, genesisBytes, chainId, engine });
    log.info("ledger opened", { height: chain.head.height, block: toHex(chain.head.blockHash), rows: chain.tree.size });
    const signer = await openSigner({ options, records, clock, sequence: store.head.recordSequence, log });
    const replica = new Replica({
      chainId,
      ownKey: signer === undefined ? undefined : options.validatorKey.publicKey,
      verify: verifyNative,
      head: chain.head,
      record: signer?.record ?? emptyVoteRecord({ chainId, publicKey: options.validatorKey.publicKey }),
    });
    const network = createPeerNetwork({
      identitySeed: options.peerSeed,
      listen: options.listen,
      chainId,
      configHash: chainId,
      members: options.members,
      clock,
      log,
    });
    const verifyPool = createVerifyPool(options.verifyWorkers);
    closers.push(() => verifyPool.close());
    let reportHalt: (error: LedgerError) => void = () => undefined;
    const halted = new Promise<LedgerError>((resolve) => {
      reportHalt = resolve;
    });
    const participant = new Participant({
      chain,
      engine,
      replica,
      signer,
      key: options.validatorKey,
      network,
      verifyPool,
      clock,
      log,
      genesis,
      chainId,
      halt: (error) => reportHalt(error),
    });
    closers.push(() => participant.stop());
    await participant.start();
    const api = new Api({ participant, options });
    const rpc = await startRpcServer({ settings: options.rpc, api, clock, log });
    closers.push(() => rpc.stop());
    log.info("node started", { name: options.name, rpc: `http://${rpc.host}:${rpc.port}`, votes: signer !== undefined });
    return { rpcPort: rpc.port, api, halted, stop: () => closeAll(closers) };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
}

async function openSigner(context: {
  options: NodeOptions;
  records: Parameters<typeof Signer.open>[0]["store"];
  clock: Clock;
  sequence: number;
  log: Logger;
}): Promise<Signer | undefined> {
  const { options, records, clock, sequence, log } = context;
  try {
    return await Signer.open({ key: options.validatorKey, store: records, clock, chainId: options.chainId, headRecordSequence: sequence });
  } catch (error) {
    if (!(error instanceof LedgerError) || !MUTE_CODES.has(error.code)) throw error;
    // A key that cannot prove what it signed must not sign again: it would be able to vote twice (docs/operations.md).
    log.error("this node will not vote", { code: error.code, ...error.data });
    return undefined;
  }
}
