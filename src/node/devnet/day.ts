// One day of a community, played by its organisations as clients of their own nodes: everything is a signed transaction.
// Never touches a node's disk or memory; started again, it does only what the ledger does not hold yet.

import type { SealedGenesis } from "../../ledger/genesis.ts";
import type { Hash } from "../../ledger/hash.ts";
import type { Clock } from "../../ports.ts";
import { type AttemptName, Attempts } from "./attempts.ts";
import type { DevnetKeys } from "./cast.ts";
import type { Community } from "./community.ts";
import { awaitOverdue, closeMonth, disclose, keepBooks, setDuties } from "./day-accounts.ts";
import { servePackages } from "./day-packages.ts";
import { deployContracts, registerCommunity } from "./day-registration.ts";
import { askDirectory, openDirectory } from "./day-services.ts";
import { decideInspection, inspect, scoreAlert } from "./day-supervision.ts";
import { awaitEffect, castVotes, convene, countVotes, sealRoll } from "./day-vote.ts";
import { billAndCollect, repairDevices, reportTelemetry } from "./day-work.ts";
import { AFTERNOON_CONTRACTS, MORNING_CONTRACTS } from "./library.ts";
import { LedgerReader } from "./reader.ts";
import { type DayNode, percentile, Sender } from "./sender.ts";
import { type Progress, Steps } from "./steps.ts";

export interface DayOptions {
  readonly genesis: SealedGenesis;
  /** one for each organisation that runs a node */
  readonly nodes: readonly DayNode[];
  readonly keys: DevnetKeys;
  readonly community: Community;
  /** the devnet's scaled clock: the same as the nodes' */
  readonly clock: Clock;
  readonly progress: Progress;
  /** where the ids of refused transactions are kept from one start to the next */
  readonly attemptsFile: string;
}

export interface DayContext extends Omit<DayOptions, "attemptsFile"> {
  readonly attempts: Attempts;
}

/** What was done in this run; the outcome of the day stands on the ledger. */
export interface DayReport {
  /** the motion that was voted on by all heads */
  readonly motion: string;
  /** what was tried and has to be refused, by name: the transactions, of this run or an earlier one */
  readonly attempts: ReadonlyMap<AttemptName, Hash>;
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
export async function playDay(options: DayOptions): Promise<DayReport> {
  const { genesis, nodes, keys, clock, progress } = options;
  const sender = new Sender({
    chainId: genesis.chainId,
    nodes,
    keys,
    clock,
    validityMs: Math.floor((genesis.parameters.replayWindowMs * VALIDITY_PERCENT) / 100),
    gasLimitMax: genesis.parameters.blockGasMax,
  });
  const attempts = await Attempts.open({ file: options.attemptsFile, sender, progress });
  const context: DayContext = { ...options, attempts };
  const steps = new Steps({ reader: new LedgerReader(nodes), sender, clock, progress });
  await registerCommunity(context, steps);
  await sealRoll(context, steps);
  await deployContracts(context, steps, MORNING_CONTRACTS);
  await setDuties(context, steps);
  // Notice takes fifteen days of the ledger's time, and so does the display of the result: the rest is done meanwhile.
  // While ballots are cast and opened the network has nothing else to do: both have their time.
  const published = Promise.withResolvers<void>();
  const [motion] = await Promise.all([
    vote(context, steps, published.resolve),
    work(context, steps).then(() => afternoon(context, steps, published.promise)),
  ]);
  const { transactions, perSecond } = sender.throughput();
  return {
    motion,
    attempts: attempts.transactions,
    transactions,
    txPerSecond: perSecond,
    p50Ms: percentile(sender.latenciesMs, 50),
    p99Ms: percentile(sender.latenciesMs, 99),
  };
}

async function vote(context: DayContext, steps: Steps, published: () => void): Promise<string> {
  for (;;) {
    const convened = await convene(context, steps);
    const { motion } = convened;
    await castVotes(context, steps, convened);
    if (await countVotes(context, steps, motion)) {
      published();
      await awaitEffect(context, steps, motion);
      return motion;
    }
    context.progress({
      zh: `议题 ${motion} 的表决期已过而票未投完 (停机或机器太慢), 重新召集`,
      en: `The window of ${motion} passed before all had voted (stopped, or too slow): convened again`,
    });
  }
}

async function work(context: DayContext, steps: Steps): Promise<void> {
  await Promise.all([billAndCollect(context, steps), reportTelemetry(context, steps)]);
  await repairDevices(context, steps);
  await keepBooks(context, steps);
  await closeMonth(context, steps);
  await disclose(context, steps);
}

/** @param published when the result of the vote is: nothing of this has to be done before */
async function afternoon(context: DayContext, steps: Steps, published: Promise<void>): Promise<void> {
  await published;
  await deployContracts(context, steps, AFTERNOON_CONTRACTS);
  await Promise.all([inspection(context, steps), services(context, steps)]);
  await overdue(context, steps);
}

async function inspection(context: DayContext, steps: Steps): Promise<void> {
  await inspect(context, steps);
  await decideInspection(context, steps);
}

async function services(context: DayContext, steps: Steps): Promise<void> {
  await openDirectory(context, steps);
  await askDirectory(context, steps);
  await servePackages(context, steps);
}

async function overdue(context: DayContext, steps: Steps): Promise<void> {
  await awaitOverdue(context, steps);
  await scoreAlert(context, steps);
}
