// One running node: opens what is on disk and wires the pure core to store, peers, contracts and RPC, and stops it again.
// Wiring only; what each part does stands in its own file.

import { readFile } from "node:fs/promises";
import { genesisFromJson } from "../client/genesis-json.ts";
import type { NodeConfig } from "../config.ts";
import { FRAME_BYTES_MAX } from "../consensus/limits.ts";
import { Engine } from "../contracts/engine.ts";
import type { Protocols } from "../contracts/protocols.ts";
import { LedgerError } from "../errors.ts";
import type { SealedGenesis } from "../ledger/genesis.ts";
import { createPeerNetwork } from "../p2p/libp2p-network.ts";
import { peerIdOf } from "../p2p/peer-id.ts";
import type { Clock, Logger } from "../ports.ts";
import { startRpcServer } from "../rpc/server.ts";
import { openLevelStore } from "../store/level-store.ts";
import { openSnapshots } from "../store/snapshots.ts";
import { openVoteRecordFile } from "../store/vote-record-file.ts";
import { Api, SOFTWARE } from "./api.ts";
import { systemClock } from "./clock.ts";
import { generateSeed, verifyNative } from "./ed25519-native.ts";
import { bindVoteRecord, loadKeyFile, voteRecordPath } from "./key-file.ts";
import { openParticipant } from "./open-participant.ts";
import { SYNC_BLOCK_BYTES_MAX } from "./sync.ts";
import { createVerifyPool } from "./verify-pool.ts";

const DAY_MS = 86_400_000;

export interface RunningNode {
  readonly rpcHost: string;
  readonly rpcPort: number;
  /** resolves when the node had to stop by itself, with the reason; whoever started it then calls `stop` */
  readonly halted: Promise<LedgerError>;
  stop(): Promise<void>;
}

/**
 * Starts a node and resolves when it listens for peers and clients.
 * @param protocols all that this program speaks
 * @param clockOf another clock than the machine's, for a network whose time is set by a test
 * @throws LedgerError GENESIS_*, KEY_FILE_*, STORE_*, VOTE_RECORD_FOREIGN, P2P_*, RPC_*: nothing is left running
 */
export async function startNode(
  config: NodeConfig,
  log: Logger,
  protocols: Protocols,
  clockOf: (genesis: SealedGenesis) => Clock = systemClock,
): Promise<RunningNode> {
  const closers: (() => Promise<void>)[] = [];
  try {
    return await open({ config, log, protocols, clockOf }, closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

async function open(
  {
    config,
    log,
    protocols,
    clockOf,
  }: {
    readonly config: NodeConfig;
    readonly log: Logger;
    readonly protocols: Protocols;
    readonly clockOf: (genesis: SealedGenesis) => Clock;
  },
  closers: (() => Promise<void>)[],
): Promise<RunningNode> {
  const genesis = await loadGenesis(config.genesisFile);
  const { chainId } = genesis;
  const { signer: key } = await loadKeyFile(config.keys.validatorFile, "validator");
  const { seed: peerSeed } = await loadKeyFile(config.keys.peerFile, "peer");
  const clock = clockOf(genesis);
  const store = await openLevelStore(config.data.ledger);
  closers.push(() => store.close());
  const votesPath = voteRecordPath(config.data.votes, key.publicKey);
  await bindVoteRecord({ path: votesPath, publicKey: key.publicKey, chainId });
  const records = await openVoteRecordFile(votesPath);
  closers.push(() => records.close());
  const network = createPeerNetwork({
    identitySeed: peerSeed,
    listen: config.p2p.listen,
    addresses: config.p2p.addresses,
    chainId,
    configHash: chainId,
    software: SOFTWARE,
    // What the core may send must find its way: one frame of the largest size, and room behind it; and the largest block.
    limits: {
      frameBytesMax: FRAME_BYTES_MAX,
      sendQueueBytesMax: 2 * FRAME_BYTES_MAX,
      answerBytesMax: SYNC_BLOCK_BYTES_MAX,
    },
    members: genesis.endpoints,
    clock,
    log,
  });
  const verifyPool = createVerifyPool("auto");
  closers.push(() => verifyPool.close());
  let reportHalt: (error: LedgerError) => void = () => undefined;
  const halted = new Promise<LedgerError>((resolve) => {
    reportHalt = resolve;
  });
  const stored = await openSnapshots(config.data.snapshots);
  const participant = await openParticipant({
    genesis,
    key,
    store,
    records,
    engine: new Engine(),
    protocols,
    network,
    verifyPool,
    verify: verifyNative,
    clock,
    log,
    snapshots: { ...config.snapshots, stored, keepBodiesMs: keepBodiesMs(config) },
    drawNonce: generateSeed,
    halt: (error) => reportHalt(error),
  });
  closers.push(() => participant.stop());
  await participant.start();
  const api = new Api({ participant, genesis, key, name: config.name, peerId: await peerIdOf(peerSeed) });
  const rpc = await startRpcServer({ settings: config.rpc, api, clock, log });
  closers.push(() => rpc.stop());
  log.info("node started", {
    name: config.name,
    rpc: `http://${rpc.host}:${rpc.port}`,
    votes: participant.recovery.maySign && participant.isSeated,
  });
  return { rpcHost: rpc.host, rpcPort: rpc.port, halted, stop: () => closeAll(closers) };
}

function keepBodiesMs({ pruning }: NodeConfig): number | undefined {
  return pruning.keepDays === 0 ? undefined : pruning.keepDays * DAY_MS;
}

/** @throws LedgerError GENESIS_FILE_MISSING and what is wrong in it */
export async function loadGenesis(file: string): Promise<SealedGenesis> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new LedgerError(
      "GENESIS_FILE_MISSING",
      { file },
      { cause, remedy: "copy the genesis file that all members share to this place" },
    );
  });
  return genesisFromJson(text);
}

async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
}
