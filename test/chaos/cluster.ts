// Four real nodes whose peers reach each other through the relay only, each with its data on a small disk of its own where
// the machine allows it. Starts, stops, fills and empties; decides nothing.

import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Relay } from "../../bench/relay.ts";
import { CONFIG_FILE } from "../../src/config.ts";
import type { NetworkLayout } from "../../src/node/devnet/setup.ts";
import { TestNetwork } from "../e2e/network.ts";

export const NODES = 4;
/** A node listens this far above the port that the genesis names, where the relay does. */
const OWN_PORT_OFFSET = 50;
const DISK_BYTES = 512 << 20;
const FILLER = "filler";
const FILL_PIECE = Buffer.alloc(1 << 16, 0x5a);

export class Cluster {
  readonly network: TestNetwork;
  readonly relay: Relay;
  /** whether each node's data stands on a disk of its own that can be filled */
  readonly hasDisks: boolean;
  /** nodes that are down because a fault made them so */
  readonly down = new Set<number>();

  private constructor(network: TestNetwork, relay: Relay, hasDisks: boolean) {
    this.network = network;
    this.relay = relay;
    this.hasDisks = hasDisks;
  }

  static async start(options: { readonly portBase: number; readonly disks: boolean }): Promise<Cluster> {
    const network = await TestNetwork.create({ nodes: NODES, portBase: options.portBase });
    const { layout, nodes } = network;
    const relay = new Relay(
      nodes.map((node) => ({
        publicPort: node.place.p2pPort,
        ownPort: node.place.p2pPort + OWN_PORT_OFFSET,
        pid: () => (node.isRunning ? node.pid : undefined),
      })),
    );
    // First: taken ports end the run before there is anything to clear away.
    await relay.start();
    const hasDisks = options.disks && layout.nodes.every(({ home }) => mountDisk(join(home, "data")));
    const cluster = new Cluster(network, relay, hasDisks);
    try {
      await listenBehindRelay(layout);
      await network.begin();
      return cluster;
    } catch (error) {
      await cluster.stop({ keep: true });
      throw error;
    }
  }

  /** Takes all room on a node's disk. */
  fillDisk(node: number): void {
    const file = join(this.dataOf(node), FILLER);
    try {
      for (;;) appendFileSync(file, FILL_PIECE);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    }
  }

  emptyDisk(node: number): void {
    rmSync(join(this.dataOf(node), FILLER), { force: true });
  }

  /** @param options.keep leaves logs and data where they are, for whoever looks into a failure */
  async stop(options: { readonly keep: boolean }): Promise<void> {
    await Promise.all(this.network.nodes.map((node) => node.kill()));
    await this.relay.stop();
    for (const { home } of this.network.layout.nodes) {
      const data = join(home, "data");
      if (!this.hasDisks) continue;
      if (options.keep) cpSync(data, join(home, "data-kept"), { recursive: true });
      spawnSync("umount", [data]);
    }
    if (!options.keep) await this.network.stop();
  }

  private dataOf(node: number): string {
    return join(this.network.nodeOf(node).place.home, "data");
  }
}

/** A small file system in memory over that folder, what is in it carried over. @returns false where this is not allowed */
function mountDisk(folder: string): boolean {
  const aside = `${folder}-before`;
  cpSync(folder, aside, { recursive: true });
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", folder]).status === 0;
  if (mounted) cpSync(aside, folder, { recursive: true });
  rmSync(aside, { recursive: true });
  return mounted;
}

/** The genesis names the relay's ports; only the nodes themselves know where they listen. */
async function listenBehindRelay(layout: NetworkLayout): Promise<void> {
  for (const { home, p2pPort } of layout.nodes) {
    const file = join(home, CONFIG_FILE);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(`/tcp/${p2pPort}"`, `/tcp/${p2pPort + OWN_PORT_OFFSET}"`));
  }
}
