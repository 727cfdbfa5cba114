// One day of a community, played by its organisations as clients of their own nodes: everything is a signed transaction.
// Never touches a node's disk or memory; started again, it does only what the ledger does not hold yet.

import type { SealedGenesis } from "../../ledger/genesis.ts";
import type { Clock } from "../../ports.ts";
import type { DevnetKeys } from "./cast.ts";
import type { Community } from "./community.ts";
import { deployContracts, registerCommunity } from "./day-registration.ts";
import { convene, holdVote, sealRoll } from "./day-vote.ts";
import { billAndCollect, repairDevices, reportTelemetry } from "./day-work.ts";
import { LedgerReader } from "./reader.ts";
import { type DayNode, percentile, Sender } from "./sender.ts";
import { type Progress, Steps } from "./steps.ts";

export interface DayContext {
  readonly genesis: SealedGenesis;
  /** one for each organisation that runs a node */
  readonly nodes: readonly DayNode[];
  readonly keys: DevnetKeys;
  readonly community: Community;
  /** the devnet's scaled clock: the same as the nodes' */
  readonly clock: Clock;
  readonly progress: Progress;
}

/** What was done in this run; the outcome of the day stands on the ledger. */
export interface DayReport {
  /** the motion that was voted on by all heads */
  readonly motion: string;
  /** transactions of this run with a proved receipt */
  readonly transactions: number;
  readonly txPerSecond: number;
  /** from sending to the proved receipt, wall ms */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A share of the replay window, so that clocks and queues have room. */
const VALIDITY_PERCENT = 50;

/**
 * Plays the day, or what is left of it.
 * @throws LedgerError `DAY_REFUSED` with the refusal's sentence; `DAY_STALLED` when the network commits nothing more
 */
export async function playDay(context: DayContext): Promise<DayReport> {
  const { genesis, nodes, keys, clock, progress } = context;
  const sender = new Sender({
    chainId: genesis.chainId,
    nodes,
    keys,
    clock,
    validityMs: Math.floor((genesis.parameters.replayWindowMs * VALIDITY_PERCENT) / 100),
    gasLimitMax: genesis.parameters.blockGasMax,
  });
  const steps = new Steps({ reader: new LedgerReader(nodes), sender, clock, progress });
  await registerCommunity(context, steps);
  await sealRoll(context, steps);
  await deployContracts(context, steps);
  // Notice takes fifteen days of the ledger's time: the rest of the work is done meanwhile.
  const [motion] = await Promise.all([vote(context, steps), work(context, steps)]);
  const { transactions, perSecond } = sender.throughput();
  return {
    motion,
    transactions,
    txPerSecond: perSecond,
    p50Ms: percentile(sender.latenciesMs, 50),
    p99Ms: percentile(sender.latenciesMs, 99),
  };
}

async function vote(context: DayContext, steps: Steps): Promise<string> {
  for (;;) {
    const convened = await convene(context, steps);
    const { motion } = convened;
    if (await holdVote(context, steps, convened)) return motion;
    context.progress({
      zh: `议题 ${motion} 的表决期已过而票未投完 (停机或机器太慢), 重新召集`,
      en: `The window of ${motion} passed before all had voted (stopped, or too slow): convened again`,
    });
  }
}

async function work(context: DayContext, steps: Steps): Promise<void> {
  await Promise.all([billAndCollect(context, steps), reportTelemetry(context, steps)]);
  await repairDevices(context, steps);
}
