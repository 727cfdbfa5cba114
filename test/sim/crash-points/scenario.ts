// The scenario whose every write is a place to crash: blocks with transactions, a timer, a view change, snapshots, and a node
// that falls so far behind that it fetches one. Nothing in it is drawn by chance but what the nodes themselves draw.

import type { Person } from "../node/genesis.ts";
import type { Plan } from "../node/plan.ts";
import type { World } from "../node/world.ts";

/** Only the first key is primary until it is cut off. */
export const FIRST_PRIMARY = 0;
/** Primary of the next view, and of all heights after it. */
export const SECOND_PRIMARY = 1;
/** Falls behind, and fetches a snapshot. */
export const LATECOMER = 3;

export const CALM_FROM_MS = 9_000;

export const SCENARIO: Plan = {
  seed: 1,
  profile: "crash",
  validatorCount: 4,
  hasSpare: false,
  clientCount: 2,
  doors: [],
  parameters: {
    protocol: 1,
    replayWindowMs: 60_000,
    clockSkewMsMax: 2_000,
    rotationHeights: 1_000,
    blockBytesMax: 1 << 20,
    blockTransactionsMax: 1_000,
    batchBytesMax: 1 << 16,
    blockGasMax: 1_000_000_000,
    timerGasMax: 100_000_000,
  },
  hasRealSignatures: false,
  lies: new Map(),
  focus: undefined,
  areLiarsNear: false,
  makers: undefined,
  newcomers: [],
  delayMsMax: 3,
  spikePermille: 0,
  lossPermille: 0,
  commitLossPermille: 0,
  repeatPermille: 0,
  diskMsMax: 2,
  syncMsMax: 3,
  lagMsMax: 0,
  skewMs: [0, 0, 0, 0],
  driftPpm: [0, 0, 0, 0],
  clockJumps: [],
  crashes: [],
  writesCut: [],
  partitions: [
    { side: new Set([LATECOMER]), fromMs: 900, toMs: 4_300, isOneWay: false, noticedAfterMs: 0 },
    { side: new Set([FIRST_PRIMARY]), fromMs: 5_500, toMs: 7_200, isOneWay: false, noticedAfterMs: 0 },
  ],
  fullDisks: [],
  flippedBits: [],
  backups: [],
  snapshots: { everyHeights: 3, fetchWhenBehind: 3, keepBodiesMs: 0 },
  rottenSnapshots: [],
  lostStores: [],
  lostRecords: [],
  lostAtOnceMax: 0,
  upgrade: undefined,
  offers: [],
  decisions: [],
  calmFromMs: CALM_FROM_MS,
};

/** What the two clients do, in order; each step is a block or two. */
export function play({ timeline, clients, cast }: World): void {
  const [one, two] = cast.clients;
  if (one === undefined || two === undefined) throw new Error("the scenario has two clients");
  const order = (atMs: number, who: Person, action: string, args: Readonly<Record<string, string | number>>) =>
    timeline.after(atMs, () => clients.order(who, { contract: "purse", action, args }, { copies: 1, validMs: 50_000 }));
  order(400, one, "begin", { fen: 1_000 });
  order(410, two, "begin", { fen: 1_000 });
  order(1_200, one, "give", { id: "gift-1", to: two.account, fen: 7, delay: 1_500 });
  for (const [index, atMs] of [1_600, 2_000, 2_400, 2_800, 3_200, 3_600, 4_600, 5_000, 5_900, 6_400, 7_600].entries()) {
    const [from, to] = index % 2 === 0 ? [one, two] : [two, one];
    order(atMs, from, "transfer", { to: to.account, fen: 3 + index });
  }
}
