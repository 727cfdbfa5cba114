// One synthetic year, or some of its days: the network, the people, their days, and the comparison of the ledger with the books.
// Prints nothing: it says what came of it.

import { Cast } from "./cast.ts";
import { Checks } from "./checks.ts";
import { at, DAY_MS, HOUR_MS, MINUTE_MS, START_MS } from "./days.ts";
import { Ledger } from "./ledger.ts";
import { YearNetwork } from "./network.ts";
import { MoneyBook, type Part, type Year } from "./part.ts";
import { DeviceCare } from "./parts/care.ts";
import { Devices } from "./parts/devices.ts";
import { Disputes } from "./parts/disputes.ts";
import { Election } from "./parts/election.ts";
import { Fees } from "./parts/fees.ts";
import { Finance } from "./parts/finance.ts";
import { MaintenanceFund } from "./parts/fund.ts";
import { Opinions } from "./parts/opinions.ts";
import { Oversight } from "./parts/oversight.ts";
import { Owners } from "./parts/owners.ts";
import { Ratings } from "./parts/ratings.ts";
import { Repairs } from "./parts/repairs.ts";
import { Services } from "./parts/services.ts";
import { Votes } from "./parts/votes.ts";
import { register } from "./registration.ts";
import { Sender } from "./sender.ts";
import { World } from "./world.ts";

const BUILDINGS = 12;
/** Nothing is due at half past: what stands at the end does not hang on a block more or less. */
const END_BEFORE_MIDNIGHT_MS = 30 * MINUTE_MS;

export interface YearOptions {
  readonly days: number;
  readonly seed: number;
  /** 1 to 12 */
  readonly buildings: number;
}

export interface YearOutcome {
  readonly transactions: number;
  readonly refusedAsExpected: number;
  readonly checks: number;
  readonly provedRows: number;
  readonly checksByArea: ReadonlyMap<string, number>;
  readonly differences: readonly string[];
  /** from the first transaction to the last receipt */
  readonly playSeconds: number;
  readonly checkSeconds: number;
  readonly seconds: number;
  readonly blocks: number;
  readonly stateRoot: string;
  /** on the disk of each node, after it was stopped */
  readonly diskBytes: readonly number[];
  readonly parts: readonly { readonly title: Part["title"]; readonly figures: readonly string[] }[];
}

export interface YearReport {
  /** each month, and what is done beside the days */
  readonly progress: (zh: string, en: string) => void;
  /** the last lines of every node's log */
  readonly onFailure: (logs: readonly string[]) => void;
  /** the network that runs, to be ended when the process is */
  readonly onNetwork: (network: YearNetwork) => void;
}

/** @throws LedgerError YEAR_REFUSED, YEAR_NOT_REFUSED with action, arguments and sentence; what ends a node or a call */
export async function runYear(options: YearOptions, report: YearReport): Promise<YearOutcome> {
  const startedMs = performance.now();
  const cast = new Cast(options);
  const network = await YearNetwork.create(cast, START_MS - DAY_MS / 2);
  report.onNetwork(network);
  try {
    await network.start();
    const sender = new Sender({ chainId: network.layout.genesis.chainId, keys: cast.keys, clients: network.clients });
    const world = new World({ clock: network.clock, sender });
    const endMs = at(options.days, 0) - END_BEFORE_MIDNIGHT_MS;
    const { code } = cast.community;
    const share = options.buildings / BUILDINGS;
    const year: Year = { cast, draw: cast.draw, world, code, days: options.days, endMs, share };
    report.progress("登记小区、人员与设备", "Registering the community, its people and devices");
    const playedMs = performance.now();
    const ledger = new Ledger(network.clients);
    await register(year, ledger);
    const parts = partsOf(year);
    for (const part of parts) part.play();
    await playDays(world, endMs, sender, report);
    const playSeconds = (performance.now() - playedMs) / 1000;
    const settled = await network.settled();
    report.progress("与独立账簿核对", "Comparing with the books");
    const checkedMs = performance.now();
    const checks = new Checks();
    await compare(parts, checks, ledger);
    checks.begin("network");
    checks.equal("transactions", sender.sent, settled.transactions);
    const checkSeconds = (performance.now() - checkedMs) / 1000;
    await network.stop();
    const diskBytes = await network.diskBytes();
    return {
      transactions: sender.sent,
      refusedAsExpected: world.refused,
      checks: checks.made,
      provedRows: ledger.proved,
      checksByArea: checks.byArea,
      differences: checks.differences,
      playSeconds,
      checkSeconds,
      seconds: (performance.now() - startedMs) / 1000,
      blocks: settled.height,
      stateRoot: settled.stateRoot,
      diskBytes,
      parts: parts.map((part) => ({ title: part.title, figures: part.figures() })),
    };
  } catch (error) {
    report.onFailure(await network.logTails());
    throw error;
  } finally {
    await network.stop();
    network.destroy();
  }
}

function partsOf(year: Year): readonly Part[] {
  const owners = new Owners(year);
  const ratings = new Ratings(year, owners);
  const votes = new Votes(year, owners);
  const fees = new Fees(year, owners, votes);
  convene(year, votes);
  const care = new DeviceCare(year);
  const fund = new MaintenanceFund(year, votes);
  return [
    owners,
    votes,
    new Election(year, owners, votes),
    new Opinions(year, owners),
    fees,
    new Finance(year, fund),
    fund,
    care,
    new Devices(year, ratings, care),
    new Repairs(year, owners, ratings),
    new Services(year, owners, ratings),
    ratings,
    new Oversight(year),
    new Disputes(year, owners),
  ];
}

/** Two assemblies and four votes of single buildings (docs/domain.md, section 5). */
function convene({ draw, cast }: Year, votes: Votes): void {
  const matter = (id: string, day: number) => ({ id, day, text: draw.digest(`text:${id}`), building: "" });
  for (const [index, { id }] of cast.community.buildings.slice(0, 4).entries()) {
    const day = 3 + 60 * index;
    const decision = `entrance:${id}`;
    votes.convene({ ...matter(`entrance-${id}`, day), building: id, kind: "other_major", decision });
  }
}

async function playDays(world: World, endMs: number, sender: Sender, report: YearReport): Promise<void> {
  let month = "";
  const startedMs = performance.now();
  await world.run(endMs, (timeMs) => {
    const now = new Date(timeMs + 8 * HOUR_MS).toISOString().slice(0, 7);
    if (now === month) return;
    month = now;
    const seconds = (performance.now() - startedMs) / 1000;
    const rate = seconds > 1 ? Math.round(sender.sent / seconds) : 0;
    report.progress(`${now}: 已 ${sender.sent} 笔`, `${sender.sent} transactions so far, ${rate} a second`);
  });
}

async function compare(parts: readonly Part[], checks: Checks, ledger: Ledger): Promise<void> {
  const money = new MoneyBook();
  for (const part of parts) {
    checks.begin(part.title.en);
    await part.check(checks, ledger, money);
  }
  checks.begin("Money");
  const rows = await ledger.list("ledger.money");
  let sum = 0;
  for (const [account, { fen }] of rows) {
    sum += Number(fen);
    if (!money.balances.has(account)) checks.equal(`balance of ${account}`, 0, fen);
  }
  checks.equal("sum of all accounts", 0, sum);
  await ledger.each(money.balances, async ([account, fen]) => {
    checks.equal(`balance of ${account}`, fen, Number((await ledger.row("ledger.money", account))?.fen ?? 0));
  });
}
