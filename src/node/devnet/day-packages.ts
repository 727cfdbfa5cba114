// Packages of services at home, from what a resident puts together to the bank's transfer: quote, escrow, visits, acceptance.
// Judges no visit: the contract does, by its clock and by codes that only the resident has.

import { sha256 } from "#sha256";
import type { CallRequest } from "../../client/transaction.ts";
import type { Value } from "../../ledger/codec.ts";
import { digestOf, itemOf, residentOf, staffOf } from "./acts.ts";
import { STAFF, workerOf } from "./cast.ts";
import type { DayContext } from "./day.ts";
import { rateServices } from "./day-ratings.ts";
import { providerOf, termsOf, VISIT_NUMBERS } from "./day-services.ts";
import { isAcceptedInPerson, type PlannedPackage, type PlannedVisit, plannedPackages } from "./plan-services.ts";
import type { RowFields } from "./reader.ts";
import type { ProgressLine, Step, StepItem, Steps } from "./steps.ts";
import { unlessLate, untilFound, untilLedgerTime } from "./waiting.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** from putting a package together to its first visit, for each round: quotes, agreement and escrow come before */
const LEAD_DAYS = 3;
/** A visit takes six hours of the ledger to be late, a quarter of a second here: who misses it is asked again. */
export const ROUNDS_MAX = 4;
/** of the minutes agreed, as the contract asks */
const SERVED_PERCENT = 90;
const SILENCE_MS = 72 * 60 * MINUTE_MS;
const OVER: ReadonlySet<string> = new Set(["settled", "refunded", "cancelled"]);

/** One visit of one round: its order on the ledger. */
export interface Visit {
  readonly order: string;
  readonly resident: string;
  readonly worker: string;
  readonly planned: PlannedVisit;
}

interface Round {
  readonly context: DayContext;
  readonly steps: Steps;
  readonly packages: readonly {
    readonly bundle: string;
    readonly plan: PlannedPackage;
    readonly visits: readonly Visit[];
  }[];
  readonly visits: readonly Visit[];
}

/** The packages of the day: who came in time is accepted and paid; a visit that was missed is refunded and asked for again. */
export async function servePackages(context: DayContext, steps: Steps): Promise<void> {
  for (let number = 1; number <= ROUNDS_MAX; number += 1) {
    const orders = await steps.reader.rows("home-service", "order");
    const round = roundOf(context, steps, { number, orders });
    if (round.visits.length === 0) break;
    await playRound(round, number);
    await rateServices(context, steps, round.visits);
  }
  await payOut(context, steps);
}

/** The id of a package's visit in a round. */
export function orderOf(number: number, plan: PlannedPackage, { offer }: PlannedVisit): string {
  return `${bundleOf(number, plan)}-${offer.kind}`;
}

/** The visits of the round: those that no earlier round served, also where this one was begun before. */
function roundOf(
  context: DayContext,
  steps: Steps,
  { number, orders }: { readonly number: number; readonly orders: ReadonlyMap<string, RowFields> },
): Round {
  const isServed = (plan: PlannedPackage, visit: PlannedVisit): boolean =>
    Array.from({ length: number - 1 }, (_, before) => orders.get(orderOf(before + 1, plan, visit))).some(
      (order) => order?.state === "settled",
    );
  const packages = plannedPackages(context.community).flatMap((plan) => {
    const left = plan.visits.filter((visit) => !isServed(plan, visit));
    if (left.length === 0) return [];
    const visits = left.map(
      (planned): Visit => ({
        order: orderOf(number, plan, planned),
        resident: plan.resident,
        worker: workerOf(planned.offer.organisation, plan.number),
        planned,
      }),
    );
    return [{ bundle: bundleOf(number, plan), plan, visits }];
  });
  return { context, steps, packages, visits: packages.flatMap(({ visits }) => visits) };
}

export function bundleOf(number: number, { resident }: PlannedPackage): string {
  return `p${number}-${resident}`;
}

async function playRound(round: Round, number: number): Promise<void> {
  const { context, visits } = round;
  await compose(round, context.clock.nowMs() + number * LEAD_DAYS * DAY_MS);
  const starts = await startsOf(round);
  const isReady = await unlessLate(context, Math.min(...starts.values()), async () => {
    await agree(round);
    await schedule(round);
  });
  if (isReady) {
    await pretendToBeThere(round);
    for (const day of new Set(visits.map(({ planned }) => planned.day)))
      await visit(
        round,
        visits.filter(({ planned }) => planned.day === day),
        starts,
      );
    await accept(round);
    await dispute(round);
  }
  await untilOver(round, Math.max(...starts.values()));
  if (isReady) await acceptAgain(round);
}

async function compose({ context, steps, packages }: Round, firstMs: number): Promise<void> {
  await steps.ensure({
    title: {
      zh: `${packages.length} 位居民各选配一份套餐: 保洁、照护、维修`,
      en: `${packages.length} residents put packages together: cleaning, care, repair`,
    },
    contract: "home-service",
    table: "bundle",
    items: packages.map(({ bundle, plan, visits }) =>
      itemOf(
        residentOf(context, plan.resident),
        [bundle],
        [
          call("compose", { bundle, unit: plan.unit }),
          ...visits.map(({ order, planned }) =>
            call("add_item", {
              bundle,
              order,
              offer: planned.offer.id,
              hour_fen: planned.offer.hourFen,
              terms: termsOf(planned.offer),
              starts: firstMs + planned.day * DAY_MS,
              minutes: planned.minutes,
              in_person: isAcceptedInPerson(planned),
              arrival: sha256(codeOf(context, order, "arrival")),
              departure: sha256(codeOf(context, order, "departure")),
            }),
          ),
        ],
      ),
    ),
  });
}

/** Quotes, agreement, and the bank's word that the money is there. */
async function agree({ context, steps, packages, visits }: Round): Promise<void> {
  await steps.ensure({
    ...ordersStep("两家服务商报价承接", "Two providers quote"),
    items: byProvider(visits).map(({ order, planned }) =>
      itemOf(providerOf(context, planned.offer.organisation), [order], [call("quote", { order })], {
        isDone: ({ state }) => state !== "requested",
      }),
    ),
    itemsPerTransaction: 18,
  });
  const priceOf = (of: readonly Visit[]) => of.reduce((sum, { planned }) => sum + planned.price, 0);
  const bundles = (title: ProgressLine, step: Pick<Step, "items" | "itemsPerTransaction">) =>
    steps.ensure({ title, contract: "home-service", table: "bundle", ...step });
  await bundles(
    { zh: "居民同意整份套餐的价款", en: "Each resident agrees to the whole package" },
    {
      items: packages.map(({ bundle, plan, visits: of }) =>
        itemOf(
          residentOf(context, plan.resident),
          [bundle],
          [call("agree", { bundle, items: of.length, price: priceOf(of) })],
          { isDone: ({ state }) => state !== "composing" },
        ),
      ),
    },
  );
  await bundles(
    { zh: "银行确认价款已入托管", en: "The bank confirms the escrow" },
    {
      items: packages.map(({ bundle, visits: of }) =>
        itemOf(
          staffOf(context, STAFF.bank),
          [bundle],
          [call("confirm_funding", { bundle, bank_ref: `E-${bundle}`, fen: priceOf(of) })],
          { isDone: ({ state }) => state !== "composing" && state !== "agreed" },
        ),
      ),
      itemsPerTransaction: 18,
    },
  );
}

/** Of the packages that are paid: the others the ledger cancels. */
async function schedule({ context, steps, packages }: Round): Promise<void> {
  const bundles = await steps.reader.rows("home-service", "bundle");
  const paid = packages.filter(({ bundle }) => bundles.get(bundle)?.state === "funded").flatMap(({ visits }) => visits);
  await steps.ensure({
    ...ordersStep(`为 ${paid.length} 次上门排班`, `${paid.length} visits scheduled`),
    items: byProvider(paid).map(({ order, worker, planned }) =>
      itemOf(providerOf(context, planned.offer.organisation), [order], [call("schedule", { order, worker })], {
        isDone: ({ state }) => state !== "requested" && state !== "quoted",
      }),
    ),
    itemsPerTransaction: 18,
  });
}

/** All visits of one day of the round: check-in in time with the resident's code, check-out when the minutes are served. */
async function visit(round: Round, visits: readonly Visit[], starts: ReadonlyMap<string, number>): Promise<void> {
  const { context, steps } = round;
  const startMs = Math.max(...visits.map(({ order }) => starts.get(order) ?? 0));
  const absentMs = startMs + VISIT_NUMBERS.absent_minutes * MINUTE_MS;
  await untilLedgerTime(context, startMs - VISIT_NUMBERS.early_minutes * MINUTE_MS);
  await unlessLate(context, absentMs, () =>
    steps.ensure({
      ...ordersStep(`${visits.length} 人当面凭码签到`, `${visits.length} workers check in with the resident's code`),
      items: visits.map((of) => {
        const args = { order: of.order, code: codeOf(context, of.order, "arrival") };
        return ofWorker(round, of, call("check_in", args), "scheduled");
      }),
      isOver: () => context.clock.nowMs() >= absentMs,
    }),
  );
  const orders = await steps.reader.rows("home-service", "order");
  const present = visits.filter(({ order }) => orders.get(order)?.state === "in_service");
  if (present.length === 0) return;
  const served = present.map(
    ({ order, planned }) =>
      Number(orders.get(order)?.checked_in) + (planned.minutes * MINUTE_MS * SERVED_PERCENT) / 100,
  );
  await untilLedgerTime(context, Math.max(...served) + 1);
  await unlessLate(context, absentMs, () =>
    steps.ensure({
      ...ordersStep(`${present.length} 人签退, 报完成`, `${present.length} workers check out`),
      items: present.map((of) => {
        const { order } = of;
        const args = { order, code: codeOf(context, order, "departure"), proof: digestOf(`visit:${order}`) };
        return ofWorker(round, of, call("check_out", args), "in_service");
      }),
    }),
  );
}

/** One after another, so that each provider sends a single transaction. */
function byProvider(visits: readonly Visit[]): readonly Visit[] {
  return [...Map.groupBy(visits, ({ planned }) => planned.offer.organisation).values()].flat();
}

function ofWorker({ context }: Round, { order, worker, planned }: Visit, act: CallRequest, before: string): StepItem {
  const { organisation } = planned.offer;
  const actor = staffOf(context, { account: worker, organisation, role: "tech" });
  return itemOf(actor, [order], [act], { isDone: ({ state }) => state !== before });
}

/** What residents accept is paid at once. */
async function accept(round: Round): Promise<void> {
  const orders = await round.steps.reader.rows("home-service", "order");
  const accepted = round.visits.filter(
    ({ order, planned }) => planned.end === "accepted" && orders.get(order)?.state === "delivered",
  );
  if (accepted.length === 0) return;
  await round.steps.ensure({
    ...ordersStep(
      `居民验收 ${accepted.length} 单, 验收即付款`,
      `Residents accept ${accepted.length} orders: that pays them`,
    ),
    items: accepted.map((of) => ofDelivered(round, of, call("accept", { order: of.order }))),
    itemsPerTransaction: 8,
  });
}

/** What is not as agreed is frozen, and nobody gets anything. */
async function dispute(round: Round): Promise<void> {
  const orders = await round.steps.reader.rows("home-service", "order");
  const disputed = round.visits.filter(
    ({ order, planned }) => planned.end === "disputed" && orders.get(order)?.state === "delivered",
  );
  if (disputed.length === 0) return;
  await round.steps.ensure({
    ...ordersStep("居民提出争议, 款项冻结", "A resident disputes an order: its money is frozen"),
    items: disputed.map((of) => {
      const args = { order: of.order, cause: digestOf(`cause:${of.order}`) };
      return ofDelivered(round, of, call("dispute", args));
    }),
  });
}

function ofDelivered({ context }: Round, { resident, order }: Visit, act: CallRequest): StepItem {
  return itemOf(residentOf(context, resident), [order], [act], { isDone: ({ state }) => state !== "delivered" });
}

/** A mediation that both sign divides the money; a visit whose end nobody reported is refunded whole. */
async function mediate({ context, steps }: Round, disputed: readonly Visit[]): Promise<void> {
  await steps.ensure({
    ...ordersStep("调解: 居民、报价人与街道三方签字", "Mediation: resident, provider and street office sign"),
    items: disputed.map(({ order, resident, planned }) => {
      const refund = planned.end === "disputed" ? planned.refund : planned.price;
      const args = { order, ground: "mediation", refund, document: digestOf(`agreement:${order}`), witness: "" };
      return itemOf(staffOf(context, STAFF.street), [order], [call("resolve", args)], {
        cosigners: [resident, providerOf(context, planned.offer.organisation).account],
        isDone: ({ state }) => state !== "disputed",
      });
    }),
  });
}

/** Silence accepts after 72 hours, and who did not come is refunded by the ledger: nobody has to ask for it. */
async function untilOver(round: Round, lastMs: number): Promise<void> {
  const { context, steps, visits } = round;
  await untilFound(context, { what: "visits", dueMs: lastMs + SILENCE_MS }, async () => {
    const orders = await steps.reader.rows("home-service", "order");
    const stateOf = ({ order }: Visit) => String(orders.get(order)?.state);
    const disputed = visits.filter((of) => stateOf(of) === "disputed");
    if (disputed.length > 0) await mediate(round, disputed);
    return visits.every((of) => OVER.has(stateOf(of))) ? true : undefined;
  });
  context.progress({
    zh: "套餐全部了结: 验收即付款, 沉默 72 小时由账本验收, 未到者由账本退款",
    en: "All packages are over: accepted and paid, by the ledger after 72 hours of silence, refunded where nobody came",
  });
}

/** Whoever is owed anything gets it: the bank says that it moved. */
async function payOut(context: DayContext, steps: Steps): Promise<void> {
  const { code } = context.community;
  const paid = await steps.reader.rows("home-service", "transfer");
  const items = [...(await steps.reader.rows("ledger", "money"))].flatMap(([account, { fen }]) => {
    const [, kind, payee] = new RegExp(`^service-(pay|refund):${code}/(.+)$`).exec(account) ?? [];
    if (kind === undefined || payee === undefined || Number(fen) <= 0) return [];
    const purpose = kind === "pay" ? "payout" : "refund";
    const reference = `S-${payee}-${paid.size}`;
    const args = { bank_ref: reference, community: code, purpose, payee, fen: Number(fen) };
    return [itemOf(staffOf(context, STAFF.bank), [reference], [call("confirm_payout", args)])];
  });
  if (items.length === 0) return;
  await steps.ensure({
    title: { zh: `银行划付 ${items.length} 笔`, en: `The bank transfers ${items.length} payments` },
    contract: "home-service",
    table: "transfer",
    items,
    itemsPerTransaction: 100,
  });
}

async function pretendToBeThere({ context, steps, visits }: Round): Promise<void> {
  const orders = await steps.reader.rows("home-service", "order");
  const first = visits.find(({ order }) => orders.get(order)?.state === "scheduled");
  if (first === undefined) return;
  const { organisation } = first.planned.offer;
  const worker = staffOf(context, { account: first.worker, organisation, role: "tech" });
  const code = digestOf("made up");
  await context.attempts.make("made-up-visit", worker, [call("check_in", { order: first.order, code })]);
}

async function acceptAgain({ context, steps, visits }: Round): Promise<void> {
  const orders = await steps.reader.rows("home-service", "order");
  const paid = visits.find(({ order }) => orders.get(order)?.state === "settled");
  if (paid === undefined) return;
  const resident = residentOf(context, paid.resident);
  await context.attempts.make("paid-twice", resident, [call("accept", { order: paid.order })]);
}

/** When each visit was agreed to begin: of orders that an earlier start made, what they say. */
async function startsOf({ steps, visits }: Round): Promise<ReadonlyMap<string, number>> {
  const orders = await steps.reader.rows("home-service", "order");
  return new Map(visits.map(({ order }) => [order, Number(orders.get(order)?.starts)]));
}

function ordersStep(zh: string, en: string): Pick<Step, "title" | "contract" | "table"> {
  return { title: { zh, en }, contract: "home-service", table: "order" };
}

function call(action: string, args: Readonly<Record<string, Value>>) {
  return { contract: "home-service", action, args };
}

/** What the resident shows at the door, never on the ledger before. */
function codeOf({ keys }: DayContext, order: string, phase: "arrival" | "departure"): Uint8Array {
  return keys.derive(`${phase}:${order}`);
}
