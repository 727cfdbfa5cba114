// The faults that happen to real nodes: drawn at random from a seed, done and undone. Never touches what it did not break.

import type { Flow } from "../../bench/relay.ts";
import type { Random } from "../sim/random.ts";
import { type Cluster, NODES } from "./cluster.ts";
import { pause } from "./load.ts";

export interface Fault {
  readonly what: string;
  readonly lastsMs: number;
  begin(): Promise<void>;
  /** @returns what else there is to tell */
  end(): Promise<string | undefined>;
}

type Maker = (cluster: Cluster, random: Random) => Fault;

const HEALTHY_MS_MAX = 60_000;

/** One fault; most leave a quorum, some do not: then nothing may commit, and nothing may break. */
export function drawFault(cluster: Cluster, random: Random): Fault {
  const makers = cluster.hasDisks ? [...MAKERS, fillDisk] : MAKERS;
  return random.pick(makers)(cluster, random);
}

const MAKERS: readonly Maker[] = [
  (cluster, random) => killNodes(cluster, random, [random.below(NODES)]),
  (cluster, random) => killNodes(cluster, random, random.shuffled(allNodes()).slice(0, 2)),
  (cluster, random) => killNodes(cluster, random, allNodes()),
  (cluster, random) => freezeNodes(cluster, random, [random.below(NODES)]),
  (cluster, random) => freezeNodes(cluster, random, random.shuffled(allNodes()).slice(0, 2)),
  (cluster, random) => isolate(cluster, random, { isHeld: true }, "holds back"),
  (cluster, random) => isolate(cluster, random, { isRefused: true }, "refuses"),
  (cluster, random) => oneWay(cluster, random),
  (cluster, random) => split(cluster, random),
  (cluster, random) => flapping(cluster, random),
  (cluster, random) => {
    const delayMs = random.between(20, 800);
    return onAllLinks(cluster, random, { delayMs }, `all links are ${delayMs} ms slow`);
  },
  (cluster, random) => {
    const bytesPerSecond = random.between(20_000, 200_000);
    return onAllLinks(cluster, random, { bytesPerSecond }, `all links carry ${bytesPerSecond} bytes a second`);
  },
];

function allNodes(): readonly number[] {
  return Array.from({ length: NODES }, (_, index) => index);
}

function killNodes({ network, down }: Cluster, random: Random, nodes: readonly number[]): Fault {
  return {
    what: `kill -9 of ${names(nodes)}, started again after it`,
    lastsMs: random.between(0, 5_000),
    async begin() {
      for (const node of nodes) down.add(node);
      await Promise.all(nodes.map((node) => network.nodeOf(node).kill()));
    },
    async end() {
      const killed = nodes.map((node) => network.nodeOf(node));
      for (const node of killed) node.start();
      await Promise.all(killed.map((node) => node.untilHealthy(HEALTHY_MS_MAX)));
      for (const node of nodes) down.delete(node);
      return undefined;
    },
  };
}

function freezeNodes({ network }: Cluster, random: Random, nodes: readonly number[]): Fault {
  return {
    what: `SIGSTOP of ${names(nodes)}`,
    lastsMs: random.between(500, 8_000),
    async begin() {
      for (const node of nodes) network.nodeOf(node).signal("SIGSTOP");
    },
    async end() {
      for (const node of nodes) network.nodeOf(node).signal("SIGCONT");
      return undefined;
    },
  };
}

function isolate(cluster: Cluster, random: Random, change: Partial<Flow>, verb: string): Fault {
  const node = random.below(NODES);
  const others = allNodes().filter((other) => other !== node);
  return onLinks(cluster, random, {
    what: `the network ${verb} everything from and to node ${node}`,
    links: others.flatMap((other) => [[node, other] as const, [other, node] as const]),
    change,
  });
}

function oneWay(cluster: Cluster, random: Random): Fault {
  const node = random.below(NODES);
  const others = random.shuffled(allNodes().filter((other) => other !== node)).slice(0, random.between(1, NODES - 1));
  const isDeaf = random.chance(500);
  return onLinks(cluster, random, {
    what: `node ${node} ${isDeaf ? "hears nothing of" : "is not heard by"} ${names(others)}`,
    links: others.map((other) => (isDeaf ? ([other, node] as const) : ([node, other] as const))),
    change: { isHeld: true },
  });
}

function split(cluster: Cluster, random: Random): Fault {
  const [a = 0, b = 0, c = 0, d = 0] = random.shuffled(allNodes());
  const pairs = [a, b].flatMap((one) => [c, d].flatMap((other) => [[one, other] as const, [other, one] as const]));
  const change: Partial<Flow> = random.chance(500) ? { isHeld: true } : { isRefused: true };
  return onLinks(cluster, random, { what: `two halves: ${names([a, b])} and ${names([c, d])}`, links: pairs, change });
}

function onAllLinks(cluster: Cluster, random: Random, change: Partial<Flow>, what: string): Fault {
  const links = allNodes().flatMap((from) => allNodes().flatMap((to) => (from === to ? [] : [[from, to] as const])));
  return onLinks(cluster, random, { what, links, change });
}

function onLinks(
  { relay }: Cluster,
  random: Random,
  parts: {
    readonly what: string;
    readonly links: readonly (readonly [from: number, to: number])[];
    readonly change: Partial<Flow>;
  },
): Fault {
  return {
    what: parts.what,
    lastsMs: random.between(1_000, 12_000),
    async begin() {
      for (const [from, to] of parts.links) relay.change(from, to, parts.change);
    },
    async end() {
      relay.heal();
      return undefined;
    },
  };
}

/** Connections that are cut again and again. */
function flapping({ relay }: Cluster, random: Random): Fault {
  const node = random.below(NODES);
  const times = random.between(3, 10);
  const pauseMs = random.between(100, 1_000);
  return {
    what: `all connections of node ${node} are cut ${times} times, every ${pauseMs} ms`,
    lastsMs: 0,
    async begin() {
      for (let time = 0; time < times; time += 1) {
        for (const other of allNodes()) if (other !== node) relay.cut(node, other);
        await pause(pauseMs);
      }
    },
    async end() {
      return undefined;
    },
  };
}

/** A full disk halts a node that needs to write; with room again it is started anew. */
function fillDisk(cluster: Cluster, random: Random): Fault {
  const node = random.below(NODES);
  const process = cluster.network.nodeOf(node);
  return {
    what: `the disk of node ${node} is full`,
    lastsMs: random.between(2_000, 8_000),
    async begin() {
      cluster.down.add(node);
      cluster.fillDisk(node);
    },
    async end() {
      const hasHalted = !process.isRunning;
      cluster.emptyDisk(node);
      if (hasHalted) process.start();
      await process.untilHealthy(HEALTHY_MS_MAX);
      cluster.down.delete(node);
      return hasHalted ? "it halted and was started again" : "it had nothing to write that did not fit";
    },
  };
}

function names(nodes: readonly number[]): string {
  return nodes.length === NODES ? "all nodes" : `node${nodes.length > 1 ? "s" : ""} ${[...nodes].sort().join(", ")}`;
}
