// `npm run chaos -- --minutes M [--seed S]`: real node processes under faults; ends with `N faults, V violations`.
// `--failover N` measures instead how long the network stands still when its primary is killed or frozen.

import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { Random } from "../sim/random.ts";
import { Cluster } from "./cluster.ts";
import { measureFailover } from "./failover.ts";
import { drawFault } from "./faults.ts";
import { Load, pause } from "./load.ts";
import { Watch } from "./watch.ts";

const PORT_BASE = 28_000;
/** After a fault has ended every node proves a newer head within this long; the nodes' own restart is counted before. */
const PROGRESS_MS_MAX = 60_000;
const LOAD_WORKERS = 4;
const LOAD_PAUSE_MS = 60;
const MINUTE_MS = 60_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    failover: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

function positive(text: string, name: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`--${name} wants a number above 0, not "${text}"`);
  process.exit(2);
}

/** No node and no mounted disk outlives the run. */
function stopWhenInterrupted(cluster: Cluster): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      void cluster.stop({ keep: true }).finally(() => process.exit(1));
    });
}

async function runChaos(minutes: number, seed: number): Promise<void> {
  const random = new Random(seed);
  const cluster = await Cluster.start({ portBase: PORT_BASE, disks: true });
  stopWhenInterrupted(cluster);
  const [watch, load] = [new Watch(cluster), new Load(cluster.network, LOAD_PAUSE_MS)];
  const startedMs = performance.now();
  const say = (text: string) =>
    console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(7)} s  ${text}`);
  say(
    `seed ${seed}; four nodes in ${cluster.network.layout.directory}; load of the machine ${loadavg()[0]?.toFixed(1)}`,
  );
  if (!cluster.hasDisks) say("no full disks: this user may not mount a file system");
  watch.start();
  load.start(LOAD_WORKERS);
  await watch.untilProgress(PROGRESS_MS_MAX);
  let faults = 0;
  let slowestMs = 0;
  while (performance.now() - startedMs < minutes * MINUTE_MS && watch.violations.length === 0) {
    const fault = drawFault(cluster, random);
    const height = () => Math.max(...watch.heights);
    const [before, acknowledged] = [height(), load.acknowledged.length];
    await fault.begin();
    await pause(fault.lastsMs);
    const during = `${height() - before} blocks and ${load.acknowledged.length - acknowledged} receipts meanwhile`;
    const told = await fault.end();
    const tookMs = await watch.untilProgress(PROGRESS_MS_MAX);
    slowestMs = Math.max(slowestMs, tookMs);
    faults += 1;
    const end = told === undefined ? "" : `${told}; `;
    say(`${fault.what}, ${fault.lastsMs} ms: ${during}; ${end}all go on after ${Math.round(tookMs)} ms`);
    await pause(random.between(200, 2_000));
  }
  // After a violation the network may stand still for ever: what is not acknowledged by then is not waited for.
  if (watch.violations.length === 0) {
    await load.stop();
    await watch.untilEqual(PROGRESS_MS_MAX);
    await watch.checkAcknowledged(load.acknowledged);
  }
  await watch.stop();
  const { violations } = watch;
  say(
    `${load.acknowledged.length} receipts acknowledged, height ${Math.max(...watch.heights)}, slowest recovery ` +
      `${Math.round(slowestMs)} ms of ${PROGRESS_MS_MAX}; load of the machine ${loadavg()[0]?.toFixed(1)}`,
  );
  await cluster.stop({ keep: violations.length > 0 });
  if (violations.length > 0)
    say(
      `seed ${seed}; logs and data are kept in ${cluster.network.layout.directory}; --seed ${seed} draws these faults again`,
    );
  console.log(`${faults} faults, ${violations.length} violations`);
  process.exit(violations.length === 0 ? 0 : 1);
}

if (values.help) {
  console.log("npm run chaos -- [--minutes M] [--seed S] | --failover N");
} else if (values.failover === undefined) {
  await runChaos(positive(values.minutes, "minutes"), positive(values.seed, "seed"));
} else {
  const cluster = await Cluster.start({ portBase: PORT_BASE, disks: false });
  stopWhenInterrupted(cluster);
  try {
    await measureFailover(cluster, positive(values.failover, "failover"), (line) => console.log(line));
    await cluster.stop({ keep: false });
  } catch (error) {
    await cluster.stop({ keep: true });
    console.error(error instanceof Error ? error.message : error);
    // The load still waits for receipts that nobody will give.
    process.exit(1);
  }
}
