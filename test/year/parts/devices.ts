// Devices: a batch of readings every ten minutes, handed in every three hours, faults by code and by readings, repairs up to the
// payment, people trapped in lifts, work that is not done in time. What each order must cost and how it ends is reckoned here.

import type { Device } from "../../../src/node/devnet/community.ts";
import { endOfDayMs } from "../../../src/node/devnet/community.ts";
import { GATEWAY, technicianOf } from "../cast.ts";
import { type Checks, checkCount } from "../checks.ts";
import { at, HOUR_MS, MINUTE_MS, SETTLED_MS } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import type { MoneyBook, Part, Year } from "../part.ts";
import { call } from "../world.ts";
import type { DeviceCare } from "./care.ts";
import type { Ratings } from "./ratings.ts";

/** Batches of ten minutes are handed in together so often. */
const HAND_IN_HOURS = 3;
const BATCH_MINUTES = 10;
const FAULTS_A_MONTH = 60;
/** The firm earns first: until then only what is under warranty is repaired. */
const FIRST_FAULT_DAY = 1;
const PAID_FAULT_DAY = 12;
const TRAPPED_CODE = 110;
const BREACHES = 3;
const SKEW_MS = 2 * MINUTE_MS;
const SILENT_ACCEPTANCE_MS = 72 * HOUR_MS;
const WATCHED = new Set(["lift", "fire_host"]);
const REPAIR_HOURS = 72;

interface Order {
  readonly id: string;
  readonly device: Device;
  readonly code: number;
  readonly isUnderWarranty: boolean;
  readonly price: number;
  attempts: number;
  repeats: number;
  escalation: "none" | "escalated" | "breached";
  state: "reported" | "assigned" | "arrived" | "fixed" | "tested" | "paid" | "refunded";
}

export class Devices implements Part {
  readonly title = { zh: "设备与自动报修", en: "Devices and their repair" };
  readonly orders: Order[] = [];
  private readonly year: Year;
  private readonly ratings: Ratings;
  private readonly counters = new Map<string, number>();
  private readonly faults = new Map<string, number>();
  private readonly busy = new Set<string>();
  private batches = 0;
  private late = 0;

  private readonly care: DeviceCare;

  constructor(year: Year, ratings: Ratings, care: DeviceCare) {
    this.year = year;
    this.ratings = ratings;
    this.care = care;
  }

  play(): void {
    const { world, days, draw, cast, share } = this.year;
    world.play(() => this.handInBatches());
    const faults = Math.round((FAULTS_A_MONTH * share * days) / 30);
    const places = Array.from({ length: faults }, (_, index) => index);
    for (const index of places) {
      const device = draw.pick(cast.community.devices, `fault:${index}`);
      const day = FIRST_FAULT_DAY + draw.below(Math.max(1, days - FIRST_FAULT_DAY), `fault-day:${index}`);
      const hour = draw.below(22, `fault-hour:${index}`);
      if (!this.isUnderWarranty(device, at(day, hour)) && day < PAID_FAULT_DAY) continue;
      world.play(() => this.fault(index, device, at(day, hour, 10)));
    }
  }

  // The readings themselves stay with the gateway; the digest of each ten minutes goes onto the ledger.
  private async handInBatches(): Promise<void> {
    const { world, cast, endMs } = this.year;
    const readings = cast.community.devices.length * BATCH_MINUTES;
    for (let hour = HAND_IN_HOURS; at(0, hour) < endMs; hour += HAND_IN_HOURS) {
      await world.until(at(0, hour));
      await Promise.all(
        Array.from({ length: (HAND_IN_HOURS * 60) / BATCH_MINUTES }, (_, index) =>
          this.handIn(at(0, hour - HAND_IN_HOURS, index * BATCH_MINUTES), readings),
        ),
      );
    }
    // The last words of the year: what is due by then is done in their block.
    await world.until(endMs);
    await this.handIn(endMs - 2 * BATCH_MINUTES * MINUTE_MS, readings);
  }

  private async handIn(from: number, readings: number): Promise<void> {
    const { world, draw } = this.year;
    this.batches += 1;
    const until = from + BATCH_MINUTES * MINUTE_MS;
    if (world.nowMs > until + SKEW_MS) this.late += 1;
    const digest = draw.digest(`readings:${this.batches}`);
    await world.act(GATEWAY, "device-repair.report_batch", { sequence: this.batches, from, until, readings, digest });
  }

  private isUnderWarranty({ warrantyUntil }: Device, timeMs: number): boolean {
    return timeMs <= endOfDayMs(warrantyUntil);
  }

  /** A device fails at that moment: by a code of its own, or by three readings in a row above the limit. */
  private async fault(index: number, device: Device, timeMs: number): Promise<void> {
    const { world, draw } = this.year;
    await world.until(timeMs);
    // One fault of a device at a time, so that what repeats is what was meant to.
    if (this.busy.has(device.id)) return;
    this.busy.add(device.id);
    const isTrapped = device.kind === "lift" && draw.chance(300, `trapped:${index}`);
    const byReadings = !isTrapped && draw.chance(300, `by-readings:${index}`);
    const code = isTrapped ? TRAPPED_CODE : byReadings ? 0 : 200 + draw.below(9, `code:${index}`);
    await this.report(device, byReadings ? BREACHES : 1, code);
    const number = (this.faults.get(device.id) ?? 0) + 1;
    this.faults.set(device.id, number);
    const isUnderWarranty = this.isUnderWarranty(device, timeMs);
    const order: Order = {
      id: `${device.id}/${number}`,
      device,
      code,
      isUnderWarranty,
      price: isUnderWarranty ? 0 : 20_000 + draw.below(1_000, `price:${index}`) * 100,
      attempts: 0,
      repeats: 0,
      escalation: "none",
      state: "reported",
    };
    this.orders.push(order);
    // A device goes on saying that it is broken: no second order comes of it.
    if (draw.chance(300, `repeats:${index}`)) {
      await this.report(device, 1, code === 0 ? 207 : code);
      order.repeats += 1;
    }
    await (isTrapped ? this.rescue(order, index, timeMs) : this.repair(order, index, timeMs + 50 * MINUTE_MS));
  }

  private async report(device: Device, readings: number, code: number): Promise<void> {
    const { world } = this.year;
    const calls = Array.from({ length: readings }, (_, index) => {
      const counter = (this.counters.get(device.id) ?? 0) + 1;
      this.counters.set(device.id, counter);
      const reading = code === 0 ? device.limit + 1 + index : device.limit - 1;
      return call("device-repair.report", { device: device.id, counter, at: world.nowMs, reading, code });
    });
    await world.send({ account: GATEWAY, calls });
  }

  /** Fifteen minutes without arrival are escalated, thirty are a breach. */
  private async rescue(order: Order, index: number, timeMs: number): Promise<void> {
    const { draw, world } = this.year;
    const minutes = draw.pick([10, 10, 10, 25, 40], `rescue:${index}`);
    await this.assign(order, timeMs);
    if (minutes > 15) {
      // The ledger looks at its timers when a block is made: the gateway has something to say at that moment.
      await world.until(timeMs + 16 * MINUTE_MS);
      await this.beat(order.device);
      order.escalation = "escalated";
    }
    if (minutes > 30) {
      await world.until(timeMs + 31 * MINUTE_MS);
      await this.beat(order.device);
      order.escalation = "breached";
    }
    await world.until(timeMs + minutes * MINUTE_MS);
    await this.work(order, index, timeMs + HOUR_MS);
  }

  /** A reading without a fault. While an order is open it changes nothing but the counter. */
  private async beat(device: Device): Promise<void> {
    const { world } = this.year;
    const counter = (this.counters.get(device.id) ?? 0) + 1;
    this.counters.set(device.id, counter);
    const reading = device.limit - 1;
    await world.act(GATEWAY, "device-repair.report", { device: device.id, counter, at: world.nowMs, reading, code: 0 });
  }

  private async repair(order: Order, index: number, fromMs: number): Promise<void> {
    const { draw, world } = this.year;
    await this.assign(order, fromMs);
    // Some firms do not come: the ledger gives the money back when the time is over, and it is assigned again.
    if (draw.chance(60, `no-show:${index}`)) {
      await world.until(fromMs + REPAIR_HOURS * HOUR_MS + SETTLED_MS);
      order.state = "refunded";
      this.ratings.ended("device-repair", {
        order: `${order.id}#${order.attempts}`,
        organisation: "provider",
        resident: "",
        outcome: "absent",
        isOnTime: false,
        price: order.price,
        refunded: order.price,
      });
      await this.assign(order, fromMs + (REPAIR_HOURS + 3) * HOUR_MS);
    }
    await world.until(this.year.world.nowMs + (2 + draw.below(6, `arrival:${index}`)) * HOUR_MS);
    await this.work(order, index, this.year.world.nowMs + HOUR_MS);
  }

  private async assign(order: Order, timeMs: number): Promise<void> {
    const { world } = this.year;
    await world.until(timeMs);
    const args = { order: order.id, provider: "repairer", price: order.price, hours: REPAIR_HOURS };
    await world.act("pm-manager", "device-repair.assign", args);
    order.attempts += 1;
    order.state = "assigned";
  }

  /** Arrival with the gateway's signature, the work, the test, acceptance by a person or by silence. */
  private async work(order: Order, index: number, doneMs: number): Promise<void> {
    const { world, draw } = this.year;
    const worker = technicianOf("provider", index);
    const arrival = [call("device-repair.arrive", { order: order.id, witness: "" })];
    await world.send({ account: worker, cosigners: [GATEWAY], calls: arrival });
    order.state = "arrived";
    await world.until(doneMs);
    await world.act(worker, "device-repair.fix", { order: order.id, proof: draw.digest(`fix:${order.id}`) });
    order.state = "fixed";
    const fixedMs = world.nowMs;
    const isTested = WATCHED.has(order.device.kind) || draw.chance(600, `test:${order.id}`);
    if (isTested) {
      await world.until(fixedMs + 3 * HOUR_MS);
      await world.send({
        account: "inspector",
        calls: [
          call("device-repair.test", { order: order.id, result: draw.digest(`test:${order.id}`) }),
          call("device-repair.accept", { order: order.id }),
        ],
      });
    } else await world.until(fixedMs + SILENT_ACCEPTANCE_MS + SETTLED_MS);
    order.state = "paid";
    this.busy.delete(order.device.id);
    this.ratings.ended("device-repair", {
      order: `${order.id}#${order.attempts}`,
      organisation: "provider",
      resident: isTested ? "inspector" : "",
      outcome: "done",
      isOnTime: true,
      price: order.price,
      refunded: 0,
    });
    await world.until(world.nowMs + HOUR_MS);
    await this.care.note(order.id, order.device, order.price);
    if (!draw.chance(80, `accept-again:${order.id}`)) return;
    // Who brought it about does not accept it again.
    await world.expectRefusal({ account: "inspector", calls: [call("device-repair.accept", { order: order.id })] });
  }

  async check(checks: Checks, ledger: Ledger, money: MoneyBook): Promise<void> {
    const { code } = this.year;
    await ledger.each(this.orders, async (order) => {
      const { device, isUnderWarranty, attempts, repeats, escalation, state } = order;
      const price = attempts === 0 ? 0 : order.price;
      const expected = {
        device: device.id,
        code: order.code,
        warranty: isUnderWarranty,
        price,
        attempts,
        repeats,
        escalation,
        state,
      };
      checks.row(`repair ${order.id}`, expected, await ledger.row("device-repair.order", order.id));
      const isHeld = state === "assigned" || state === "arrived" || state === "fixed" || state === "tested";
      if (isHeld) money.move(`operating:${code}`, `escrow:${order.id}`, price);
      if (state === "paid") money.move(`operating:${code}`, `party:${code}/provider`, price);
    });
    await ledger.each(this.counters, async ([device, counter]) => {
      checks.row(
        `device ${device}`,
        { counter, faults: this.faults.get(device) ?? 0 },
        await ledger.row("device-repair.condition", device),
      );
    });
    const gateway = { sequence: this.batches, state: "heard", silences: 0 };
    checks.row("gateway", gateway, await ledger.row("device-repair.gateway", GATEWAY));
    const envelopes = await ledger.list("device-repair.envelope");
    checkCount(checks, "batches", this.batches, envelopes);
    checks.equal("late batches", this.late, [...envelopes.values()].filter(({ late }) => late === true).length);
    checkCount(checks, "repairs of devices", this.orders.length, await ledger.list("device-repair.order"));
  }

  figures(): readonly string[] {
    const paid = this.orders.filter(({ state }) => state === "paid");
    const trapped = this.orders.filter(({ code }) => code === TRAPPED_CODE).length;
    return [
      `遥测批次 batches ${this.batches}; 故障 faults ${this.orders.length}, 已验收 accepted ${paid.length}, 保修 under warranty ${this.orders.filter(({ isUnderWarranty }) => isUnderWarranty).length}, 困人 people trapped ${trapped}`,
    ];
  }
}
