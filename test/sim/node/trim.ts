// A plan made smaller: without some of its faults, with fewer nodes, over sooner. Said in words that fit on a command line.
// A smaller plan is a run of its own: what is left out also changes what chance does elsewhere.

import { faultBound } from "../../../src/ledger/certificate.ts";
import type { Plan } from "./plan.ts";

export interface Trim {
  /** names of what is left out, or of one entry of it: "crashes", "crashes:2" */
  readonly without: readonly string[];
  /** validators */
  readonly nodes: number | undefined;
  /** calm begins then */
  readonly untilMs: number | undefined;
}

export const NO_TRIM: Trim = { without: [], nodes: undefined, untilMs: undefined };

/** What a plan is without it. */
const QUIET = {
  spikes: { spikePermille: 0 },
  loss: { lossPermille: 0 },
  commitLoss: { commitLossPermille: 0 },
  repeats: { repeatPermille: 0 },
  delay: { delayMsMax: 2 },
  slowDisks: { diskMsMax: 1, syncMsMax: 1 },
  lag: { lagMsMax: 0 },
  clocks: { skewMs: [], driftPpm: [], clockJumps: [] },
  snapshots: { snapshots: undefined, rottenSnapshots: [] },
  makers: { makers: undefined },
  near: { areLiarsNear: false },
  focus: { focus: undefined },
  spare: { hasSpare: false },
  upgrade: { upgrade: undefined },
  doors: { doors: [] },
  ed25519: { hasRealSignatures: false },
} as const satisfies Record<string, Partial<Plan>>;

/** Lists whose entries can be left out one by one, too. */
const LISTS = {
  crashes: "crashes",
  writesCut: "writesCut",
  partitions: "partitions",
  fullDisks: "fullDisks",
  bits: "flippedBits",
  backups: "backups",
  rotten: "rottenSnapshots",
  lostStores: "lostStores",
  newcomers: "newcomers",
  lostRecords: "lostRecords",
  decisions: "decisions",
  offers: "offers",
} as const satisfies Record<string, keyof Plan>;

type QuietName = keyof typeof QUIET;
type ListName = keyof typeof LISTS;

const QUIET_NAMES = Object.keys(QUIET) as QuietName[];
const LIST_NAMES = Object.keys(LISTS) as ListName[];
export const TRIM_NAMES: readonly string[] = [...LIST_NAMES, "lies", ...QUIET_NAMES];

/** What is in this plan and can be left out of it, the larger parts first. */
export function partsOf(plan: Plan): readonly string[] {
  const lists = LIST_NAMES.filter((name) => plan[LISTS[name]].length > 0);
  const quiet = QUIET_NAMES.filter((name) => JSON.stringify({ ...plan, ...QUIET[name] }) !== JSON.stringify(plan));
  return [...lists, ...(plan.lies.size > 0 ? ["lies"] : []), ...quiet];
}

/** Single entries, by their places in the plan as it was drawn. */
export function entriesOf(plan: Plan, { without }: Trim): readonly string[] {
  const lists = LIST_NAMES.filter((name) => !without.includes(name));
  const entries = lists.flatMap((name) => [...plan[LISTS[name]].keys()].map((place) => `${name}:${place}`));
  const lies = without.includes("lies") ? [] : [...plan.lies.keys()].map((node) => `lies:${node}`);
  return [...lies, ...entries].filter((name) => !without.includes(name));
}

/** undefined: these words do not fit this plan */
export function trimmed(plan: Plan, trim: Trim): Plan | undefined {
  const { without } = trim;
  if (!without.every((name) => TRIM_NAMES.includes(name.split(":")[0] ?? ""))) return undefined;
  const nodes = trim.nodes ?? plan.validatorCount;
  const untilMs = trim.untilMs ?? plan.calmFromMs;
  if (nodes > plan.validatorCount || nodes < 4 || untilMs > plan.calmFromMs) return undefined;
  let smaller: Plan = { ...plan };
  for (const name of QUIET_NAMES) if (without.includes(name)) smaller = { ...smaller, ...QUIET[name] };
  // What comes into force at a height needs its time.
  if (smaller.upgrade !== undefined && untilMs < plan.calmFromMs) return undefined;
  const isSpareLeft = smaller.hasSpare && nodes === plan.validatorCount;
  const nodeCount = nodes + (isSpareLeft ? 1 : 0);
  const isLeft = (name: ListName, entry: object, place: number): boolean =>
    !without.includes(name) &&
    !without.includes(`${name}:${place}`) &&
    !("node" in entry && Number(entry.node) >= nodeCount) &&
    !("decision" in entry && entry.decision === "addSeat" && !isSpareLeft) &&
    Number("atMs" in entry ? entry.atMs : "fromMs" in entry ? entry.fromMs : 0) < untilMs;
  const left = <T extends object>(name: ListName, entries: readonly T[]): readonly T[] =>
    entries.filter((entry, place) => isLeft(name, entry, place));
  const lies = [...plan.lies].filter(
    ([node]) => node < nodes && !without.includes("lies") && !without.includes(`lies:${node}`),
  );
  // As many may be faulty as fewer nodes can bear: liars, broken disks, and what is lost beside them.
  const fewerFaults = faultBound(plan.validatorCount) - faultBound(nodes) - (plan.lies.size - lies.length);
  if (plan.lostAtOnceMax < fewerFaults) return undefined;
  return {
    ...smaller,
    validatorCount: nodes,
    hasSpare: isSpareLeft,
    doors: smaller.doors.map((door) => (door !== undefined && door < nodes ? door : undefined)),
    lies: new Map(lies),
    crashes: left("crashes", plan.crashes),
    writesCut: left("writesCut", plan.writesCut),
    partitions: left("partitions", plan.partitions),
    makers: smaller.makers && new Set([...smaller.makers].filter((node) => node < nodeCount)),
    fullDisks: left("fullDisks", plan.fullDisks),
    flippedBits: left("bits", plan.flippedBits),
    backups: left("backups", plan.backups).filter(({ restoredAtMs }) => restoredAtMs < untilMs),
    rottenSnapshots: smaller.snapshots === undefined ? [] : left("rotten", plan.rottenSnapshots),
    lostStores: left("lostStores", plan.lostStores),
    newcomers: left("newcomers", plan.newcomers),
    lostRecords: left("lostRecords", plan.lostRecords),
    lostAtOnceMax: plan.lostAtOnceMax - fewerFaults,
    decisions: left("decisions", plan.decisions),
    offers: left("offers", plan.offers),
    calmFromMs: untilMs,
  };
}

/** As they are given on the command line. */
export function trimWords({ without, nodes, untilMs }: Trim): string {
  return [
    without.length > 0 ? ` --without ${without.join(",")}` : "",
    nodes === undefined ? "" : ` --nodes ${nodes}`,
    untilMs === undefined ? "" : ` --until ${untilMs}`,
  ].join("");
}
