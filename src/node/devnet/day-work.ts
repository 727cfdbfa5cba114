// The property company's day: bills, payments by the bank's word, telemetry, and repairs from fault to payment.
// Never pays anything itself: money moves only where a contract moves it.

import { LedgerError } from "../../errors.ts";
import { digestOf, viaOf } from "./acts.ts";
import { gatewayOf, STAFF, type StaffMember } from "./cast.ts";
import type { DayContext } from "./day.ts";
import {
  bankReferenceOf,
  billingPeriod,
  daysOf,
  feeOf,
  isInspectedAtOnce,
  payingUnits,
  priceOf,
  telemetryRounds,
} from "./plan.ts";
import type { RowFields } from "./reader.ts";
import type { StepItem, Steps } from "./steps.ts";
import { pause } from "./waiting.ts";

const POLL_MS = 200;
/** wall time for the repairs: a few rounds, and the 72 hours after which silence accepts */
const REPAIRS_MS_MAX = 90_000;
const REPAIR_HOURS = 720;
const BILLS_PER_TRANSACTION = 100;
/** above the worst case of `fees.bill` */
const GAS_PER_BILL = 25_000;
/** above the worst case of every action on a repair order: rows of four indexes move with it */
const GAS_PER_REPAIR_CALL = 50_000;

/** A month of bills, 100 in a transaction, and what 85% of the units pay through the bank. */
export async function billAndCollect(context: DayContext, steps: Steps): Promise<void> {
  const { community, genesis } = context;
  const period = billingPeriod(genesis.timeMs);
  const finance = { ...by(context, STAFF.finance), contract: "fees" };
  const run = { community: community.code, period };
  await steps.ensure({
    title: { zh: `开立 ${period} 账单批次`, en: `Bill run ${period} opened` },
    contract: "fees",
    table: "run",
    items: [{ ...item(finance, [community.code, period], "open_run", run) }],
  });
  await steps.ensure({
    title: { zh: `${community.units.length} 户开出账单`, en: `${community.units.length} bills issued` },
    contract: "fees",
    table: "bill",
    items: community.units.map((unit) => ({
      ...item(finance, [unit.id, period, 1], "bill", { unit: unit.id, period, first_day: 1, last_day: daysOf(period) }),
      isDone: (fields: RowFields) => fields.fen === feeOf(unit, community),
      gasLimit: GAS_PER_BILL * BILLS_PER_TRANSACTION,
    })),
    itemsPerTransaction: BILLS_PER_TRANSACTION,
  });
  await steps.ensure({
    title: { zh: "账单批次结束", en: "Bill run complete" },
    contract: "fees",
    table: "run",
    items: [
      {
        ...item(finance, [community.code, period], "close_run", run),
        isDone: (fields: RowFields) => fields.state === "complete",
      },
    ],
  });
  const paying = payingUnits(community);
  const bank = { ...by(context, STAFF.bank), contract: "fees" };
  await steps.ensure({
    title: { zh: `银行确认 ${paying.length} 笔缴费`, en: `The bank confirms ${paying.length} payments` },
    contract: "fees",
    table: "payment",
    items: paying.map((unit) => {
      const reference = bankReferenceOf(unit.id, period);
      const fen = feeOf(unit, community);
      return {
        ...item(bank, [reference], "confirm_payment", { bank_ref: reference, unit: unit.id, head: unit.head, fen }),
        isDone: (fields: RowFields) => fields.unit === unit.id && fields.fen === fen,
      };
    }),
  });
}

/** An hour of telemetry of all devices; some of it makes the contract open repair orders. */
export async function reportTelemetry(context: DayContext, steps: Steps): Promise<void> {
  const { community, genesis } = context;
  const rounds = telemetryRounds(community, genesis.timeMs, gatewayOf);
  for (const [index, round] of rounds.entries()) {
    const readings = round.reduce((sum, batch) => sum + batch.readings, 0);
    await steps.ensure({
      title: {
        zh: `遥测第 ${index + 1}/${rounds.length} 批: ${round.length} 个网关 ${readings} 个读数`,
        en: `Telemetry ${index + 1}/${rounds.length}: ${readings} readings of ${round.length} gateways`,
      },
      contract: "device-repair",
      table: "envelope",
      items: round.map(({ gateway, sequence, fromMs, untilMs, readings: count, digest, reported }) => ({
        key: [gateway, sequence],
        account: gateway,
        via: viaOf(context, "property"),
        gasLimit: GAS_PER_REPAIR_CALL * (1 + reported.length),
        calls: [
          {
            contract: "device-repair",
            action: "report_batch",
            args: { sequence, from: fromMs, until: untilMs, readings: count, digest },
          },
          ...reported.map(({ device, counter, reading, code }) => ({
            contract: "device-repair",
            action: "report",
            args: { device, counter, at: untilMs, reading, code },
          })),
        ],
      })),
    });
  }
}

/** Moves every repair order on until all are paid: whatever state an earlier start left them in. */
export async function repairDevices(context: DayContext, steps: Steps): Promise<void> {
  const startMs = context.clock.monotonicMs();
  for (;;) {
    const orders = await steps.reader.rows("device-repair", "order");
    const open = [...orders].filter(([, fields]) => fields.state !== "paid");
    if (open.length === 0) break;
    if (context.clock.monotonicMs() - startMs > REPAIRS_MS_MAX) {
      throw new LedgerError("DAY_STALLED", { openOrders: open.length }, { remedy: "look into the nodes' logs" });
    }
    for (const [state, { zh, en }] of Object.entries(REPAIR_STEPS)) {
      const items = open
        .filter(([, fields]) => fields.state === state)
        .flatMap(([id, fields]) => moveOn(context, id, fields));
      if (items.length === 0) continue;
      await steps.ensure({
        title: { zh: `${items.length} 张维修工单${zh}`, en: `${items.length} repair orders ${en}` },
        contract: "device-repair",
        table: "order",
        items,
      });
    }
    await pause(context.clock, POLL_MS);
  }
  context.progress({ zh: "全部维修工单已验收付款", en: "All repair orders are accepted and paid" });
}

const REPAIR_STEPS = {
  reported: { zh: "已派单, 款项托管", en: "assigned, the money in escrow" },
  refunded: { zh: "退款后另派", en: "assigned again after a refund" },
  assigned: { zh: "到场, 设备网关会签", en: "arrived, the gateways sign" },
  arrived: { zh: "报修复", en: "reported fixed" },
  fixed: { zh: "经验收人试验、验收并付款", en: "tested and accepted by the inspector, and paid" },
} as const;

function moveOn(context: DayContext, id: string, fields: RowFields): readonly StepItem[] {
  const moves = { isDone: (now: RowFields) => now.state !== fields.state, gasLimit: GAS_PER_REPAIR_CALL };
  const contract = "device-repair";
  switch (fields.state) {
    case "reported":
    case "refunded": {
      const price = priceOf(String(fields.device), fields.warranty === true);
      const args = { order: id, provider: STAFF.repairer.account, price, hours: REPAIR_HOURS };
      return [{ ...item({ ...by(context, STAFF.manager), contract }, [id], "assign", args), ...moves }];
    }
    case "assigned": {
      const device = context.community.devices.find((candidate) => candidate.id === fields.device);
      const cosigners = device === undefined ? [] : [gatewayOf(device.building)];
      const args = { order: id, witness: "" };
      return [{ ...item({ ...by(context, STAFF.repairer), contract }, [id], "arrive", args), cosigners, ...moves }];
    }
    case "arrived": {
      const args = { order: id, proof: digestOf(`proof:${id}`) };
      return [{ ...item({ ...by(context, STAFF.repairer), contract }, [id], "fix", args), ...moves }];
    }
    default: {
      // Lifts and fire hosts are never accepted by silence; of the others some wait for the timer.
      if (fields.watched !== true && !isInspectedAtOnce(id)) return [];
      const inspector = { ...by(context, STAFF.inspector), contract };
      const { calls: test } = item(inspector, [id], "test", { order: id, result: digestOf(`test:${id}`) });
      const accept = item(inspector, [id], "accept", { order: id });
      return [{ ...accept, calls: [...test, ...accept.calls], ...moves, gasLimit: 2 * GAS_PER_REPAIR_CALL }];
    }
  }
}

interface Actor {
  readonly account: string;
  readonly via: string;
  readonly contract: string;
}

function by(context: DayContext, member: StaffMember): { readonly account: string; readonly via: string } {
  return { account: member.account, via: viaOf(context, member.organisation) };
}

function item(
  actor: Actor,
  key: readonly (string | number)[],
  action: string,
  args: Readonly<Record<string, string | number | Uint8Array>>,
): StepItem {
  const { account, via, contract } = actor;
  return { key, account, via, calls: [{ contract, action, args }] };
}
