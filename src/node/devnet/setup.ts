// Makes a network's files on one machine: keys, genesis and a home per organisation, or finds those made before.
// Used by the devnet, the end-to-end tests and the benchmark; in earnest every organisation makes its own keys.

import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { genesisFromJson, genesisToJson, sealGenesis } from "../../client/genesis-json.ts";
import { CONFIG_FILE } from "../../config.ts";
import { LedgerError } from "../../errors.ts";
import type { GenesisAccount, GenesisContract, GenesisOrganisation, SealedGenesis } from "../../ledger/genesis.ts";
import { FORMAT_VERSION, type Parameters } from "../../ledger/types.ts";
import { peerIdOf } from "../../p2p/peer-id.ts";
import type { PeerId } from "../../ports.ts";
import { inLedgerTime } from "../genesis-plan.ts";
import { createKeyFile, createValidatorKey } from "../key-file.ts";
import { makeDirectory } from "../make-directory.ts";

/** Where the nodes of one machine listen: peers at base + i, clients at base + 100 + i. Below the ephemeral range. */
export const DEVNET_PORT_BASE = 26_000;
const RPC_PORT_OFFSET = 100;
const MANIFEST = "network.json";

export interface NodePlace {
  readonly organisation: string;
  readonly home: string;
  readonly p2pPort: number;
  readonly rpcPort: number;
}

export interface NetworkLayout {
  readonly directory: string;
  readonly genesisFile: string;
  readonly genesis: SealedGenesis;
  /** in the order of the organisations */
  readonly nodes: readonly NodePlace[];
}

export interface NetworkPlan {
  readonly directory: string;
  readonly name: string;
  /** the first `nodes` of them run a node each */
  readonly organisations: readonly GenesisOrganisation[];
  readonly nodes: number;
  readonly portBase: number;
  readonly timeScale: number;
  /** of the genesis, ms since 1970; default: now */
  readonly timeMs?: number;
  /** times in wall ms: the ledger's clock runs faster, and its bounds with it */
  readonly parameters: Parameters;
  readonly contracts: readonly GenesisContract[];
  readonly accounts: readonly GenesisAccount[];
  /** lines of node.yaml beyond the ports, e.g. limits for a benchmark */
  readonly extraConfig?: string;
}

/** A network that was made in this directory before; undefined if there is none. */
export async function findNetwork(directory: string): Promise<NetworkLayout | undefined> {
  const text = await readFile(join(directory, MANIFEST), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new LedgerError("DEVNET_UNREADABLE", { directory }, { cause: error });
  });
  if (text === undefined) return undefined;
  const { nodes } = JSON.parse(text) as { nodes: readonly Omit<NodePlace, "home">[] };
  const genesisFile = join(directory, "genesis.json");
  const genesis = genesisFromJson(await readFile(genesisFile, "utf8"));
  return {
    directory,
    genesisFile,
    genesis,
    nodes: nodes.map((node) => ({ ...node, home: join(directory, node.organisation) })),
  };
}

/** Makes keys, genesis and homes. The manifest is written last: a directory that has one is whole. */
export async function createNetwork(plan: NetworkPlan): Promise<NetworkLayout> {
  const { directory, portBase } = plan;
  const nodes = plan.organisations.slice(0, plan.nodes).map(({ id }, index) => ({
    organisation: id,
    home: join(directory, id),
    p2pPort: portBase + index,
    rpcPort: portBase + RPC_PORT_OFFSET + index,
  }));
  const members = await Promise.all(nodes.map(makeKeys));
  const genesis = sealGenesis({
    version: FORMAT_VERSION,
    name: plan.name,
    hashSuite: "sha256",
    timeMs: plan.timeMs ?? Date.now(),
    timeScale: plan.timeScale,
    production: false,
    organisations: plan.organisations,
    validators: members.map(({ organisation, suite, publicKey, peerId }) => ({
      organisation,
      suite,
      publicKey,
      peerId,
    })),
    endpoints: members.map(({ peerId, address }) => ({ peerId, addresses: [address] })),
    parameters: inLedgerTime(plan.parameters, plan.timeScale),
    contracts: plan.contracts,
    accounts: plan.accounts,
  });
  const genesisFile = join(directory, "genesis.json");
  await writeFile(genesisFile, genesisToJson(genesis));
  for (const node of nodes) await writeFile(join(node.home, CONFIG_FILE), configText(node, plan.extraConfig ?? ""));
  const manifest = JSON.stringify(
    { nodes: nodes.map(({ organisation, p2pPort, rpcPort }) => ({ organisation, p2pPort, rpcPort })) },
    null,
    2,
  );
  await writeFile(join(directory, `${MANIFEST}.draft`), `${manifest}\n`);
  await rename(join(directory, `${MANIFEST}.draft`), join(directory, MANIFEST));
  return { directory, genesisFile, genesis, nodes };
}

/** One more home beside those of a network, for a node without a seat. @returns its peer identity */
export async function createFollower(node: NodePlace): Promise<PeerId> {
  const { peerId } = await makeKeys(node);
  await writeFile(join(node.home, CONFIG_FILE), configText(node, ""));
  return peerId;
}

async function makeKeys(node: NodePlace) {
  await makeDirectory(node.home);
  const { signer } = await createValidatorKey({
    keyFile: join(node.home, "keys/validator.key"),
    votesDirectory: join(node.home, "data/votes"),
  });
  const { seed } = await createKeyFile(join(node.home, "keys/peer.key"), { kind: "peer" });
  return {
    organisation: node.organisation,
    suite: signer.suite,
    publicKey: signer.publicKey,
    peerId: await peerIdOf(seed),
    address: `/ip4/127.0.0.1/tcp/${node.p2pPort}`,
  };
}

function configText(node: NodePlace, extra: string): string {
  return `name: ${node.organisation}
genesis: ../genesis.json
p2p:
  listen: ["/ip4/127.0.0.1/tcp/${node.p2pPort}"]
rpc:
  host: 127.0.0.1
  port: ${node.rpcPort}
  corsOrigins: ["*"]
  # One machine is the client of every node here.
  requestsPerAddress: { perSecond: 100000, burst: 100000 }
  requestsPerConnection: { perSecond: 100000, burst: 100000 }
  connectionsPerAddressMax: 1000
  openCallsPerAddressMax: 20000
${extra}`;
}
