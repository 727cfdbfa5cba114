// How long the network stands still when its primary is killed or frozen: from the signal to the next commit that is not the
// old primary's alone, and to the proved receipt of a note that is sent at the same moment.

import { loadavg } from "node:os";
import { quantile } from "../../bench/statistics.ts";
import { toHex } from "../../src/ledger/hash.ts";
import { type Cluster, NODES } from "./cluster.ts";
import { Load, pause } from "./load.ts";
import { Watch } from "./watch.ts";

const WORKERS = 4;
const WORKER_PAUSE_MS = 20;
const NEXT_COMMIT_MS_MAX = 60_000;
/** Of calm between two rounds, so that each begins alike. */
const SETTLE_MS = 1_500;

const WAYS = ["kill -9", "SIGSTOP"] as const;
type Way = (typeof WAYS)[number];

interface Round {
  readonly commitMs: number;
  readonly receiptMs: number;
}

export async function measureFailover(cluster: Cluster, rounds: number, say: (line: string) => void): Promise<void> {
  const [watch, load] = [new Watch(cluster), new Load(cluster.network, WORKER_PAUSE_MS)];
  watch.start();
  load.start(WORKERS);
  await watch.untilProgress(NEXT_COMMIT_MS_MAX);
  for (const way of WAYS) {
    const found: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const result = await oneRound(cluster, way, `${way === "kill -9" ? "k" : "s"}${round}`);
      found.push(result);
      say(`${way} ${round + 1}: commit after ${result.commitMs} ms, receipt after ${result.receiptMs} ms`);
      await watch.untilProgress(NEXT_COMMIT_MS_MAX);
      if (watch.violations.length > 0) throw new Error(`${watch.violations.join("; ")}: see the nodes' logs`);
      await pause(SETTLE_MS);
    }
    const commits = found.map(({ commitMs }) => commitMs);
    const receipts = found.map(({ receiptMs }) => receiptMs);
    say(`${way} of the primary, ${rounds} times, load of the machine ${loadavg()[0]?.toFixed(1)}:`);
    say(`  next commit: median ${quantile(commits, 0.5)} ms, p99 ${quantile(commits, 0.99)} ms`);
    say(
      `  receipt of a note sent at that moment: median ${quantile(receipts, 0.5)} ms, p99 ${quantile(receipts, 0.99)} ms`,
    );
  }
  await load.stop();
  await watch.stop();
}

async function oneRound({ network, down }: Cluster, way: Way, name: string): Promise<Round> {
  const { layout } = network;
  const status = await network.clientOf(0).call("consensus_status");
  const primaryKey = status.text("primary");
  const organisation = layout.genesis.validators.find(({ publicKey }) => toHex(publicKey) === primaryKey)?.organisation;
  const primary = layout.nodes.findIndex((node) => node.organisation === organisation);
  const witness = (primary + 1) % NODES;
  const client = network.clientOf(witness);
  const { id, bytes } = network.note(`failover-${name}`);
  const committed = Promise.withResolvers<number>();
  let signalledMs = Number.POSITIVE_INFINITY;
  const feed = await client.followHeads(({ header }) => {
    const isOthers = toHex(header.proposer) !== primaryKey || header.view > 0;
    if (isOthers && performance.now() > signalledMs) committed.resolve(performance.now());
  });
  const process = network.nodeOf(primary);
  signalledMs = performance.now();
  if (way === "SIGSTOP") process.signal("SIGSTOP");
  else {
    down.add(primary);
    void process.kill();
  }
  const receipt = client.send(bytes).then(async () => {
    await client.waitForReceipt(id, { timeoutMs: NEXT_COMMIT_MS_MAX });
    return performance.now();
  });
  const tooLate = setTimeout(() => committed.reject(new Error("no commit in time")), NEXT_COMMIT_MS_MAX);
  const [commitAtMs, receiptAtMs] = await Promise.all([committed.promise, receipt]);
  clearTimeout(tooLate);
  await feed.stop();
  if (way === "SIGSTOP") process.signal("SIGCONT");
  else {
    await process.kill();
    process.start();
    await process.untilHealthy(NEXT_COMMIT_MS_MAX);
    down.delete(primary);
  }
  return { commitMs: Math.round(commitAtMs - signalledMs), receiptMs: Math.round(receiptAtMs - signalledMs) };
}
