// Care of devices: services within their days, some of them missed, yearly inspections of lifts and fire hosts with warning,
// application and lapse, and what repairs have cost. Every device's state and the length of its history are reckoned here.

import type { Device } from "../../../src/node/devnet/community.ts";
import { GATEWAY, technicianOf } from "../cast.ts";
import { type Checks, checkCount } from "../checks.ts";
import { at, DAY_MS, HOUR_MS, SETTLED_MS } from "../days.ts";
import type { Ledger } from "../ledger.ts";
import type { Part, Year } from "../part.ts";
import { inBundles } from "../registration.ts";
import { call } from "../world.ts";

const LIFT_DAYS = 15;
const OTHER_DAYS = 30;
const MISSED_PER_MILLE = 20;
const WARN_DAYS = 30;
const INSPECTED = new Set(["lift", "fire_host"]);

type Inspection = "none" | "valid" | "near" | "applied" | "lapsed";

interface Care {
  readonly device: Device;
  readonly days: number;
  entries: number;
  overdues: number;
  isOverdue: boolean;
  inspection: Inspection;
  isStopped: boolean;
  cost: number;
}

export class DeviceCare implements Part {
  readonly title = { zh: "设备维保与年检", en: "Care and inspection of devices" };
  private readonly year: Year;
  private readonly cares = new Map<string, Care>();
  private services = 0;
  private noted = 0;

  constructor(year: Year) {
    this.year = year;
  }

  play(): void {
    this.year.world.play(() => this.begin());
  }

  /** A repair that is paid goes into the history of its device. */
  async note(order: string, device: Device, price: number): Promise<void> {
    const care = this.cares.get(device.id);
    if (care === undefined) return;
    await this.year.world.act("pm-clerk", "device-care.note_repair", { order });
    care.entries += 1;
    care.cost += price;
    this.noted += 1;
  }

  private async begin(): Promise<void> {
    const { world, draw, cast } = this.year;
    const { devices } = cast.community;
    await world.until(at(0, 6));
    const daysOf = (device: Device): number => (device.kind === "lift" ? LIFT_DAYS : OTHER_DAYS);
    await inBundles(world, "pm-manager", devices, (device) =>
      call("device-care.take_over", {
        device: device.id,
        maintainer: "provider",
        service_days: daysOf(device),
        proof: draw.digest(`care:${device.id}`),
      }),
    );
    const cares = devices.map((device): Care => {
      const isStopped = INSPECTED.has(device.kind);
      return {
        device,
        days: daysOf(device),
        entries: 1,
        overdues: 0,
        isOverdue: false,
        inspection: "none",
        isStopped,
        cost: 0,
      };
    });
    for (const [index, care] of cares.entries()) {
      this.cares.set(care.device.id, care);
      world.play(() => this.serve(care, index));
      if (INSPECTED.has(care.device.kind)) world.play(() => this.inspectAllYear(care, index));
    }
  }

  /** One service after another, most of them before they are due. */
  private async serve(care: Care, index: number): Promise<void> {
    const { world, draw } = this.year;
    const { device, days } = care;
    for (let number = 1; ; number += 1) {
      const label = `${device.id}:${number}`;
      const dueMs = world.nowMs + days * DAY_MS;
      if (draw.chance(MISSED_PER_MILLE, `missed:${label}`)) {
        await world.until(dueMs + SETTLED_MS);
        care.overdues += 1;
        care.isOverdue = true;
        care.entries += 1;
        await world.until(dueMs + (2 + draw.below(60, `late:${label}`)) * HOUR_MS);
      } else await world.until(dueMs - (1 + draw.below(40, `early:${label}`)) * HOUR_MS);
      const record = call("device-care.service", { device: device.id, proof: draw.digest(`service:${label}`) });
      await world.send({ account: technicianOf("provider", index), cosigners: [GATEWAY], calls: [record] });
      care.isOverdue = false;
      care.entries += 1;
      this.services += 1;
    }
  }

  private async inspectAllYear(care: Care, index: number): Promise<void> {
    const { world, draw } = this.year;
    const { id } = care.device;
    await world.until(at(0, 7));
    await this.inspect(care, 40 + draw.below(300, `inspection:${id}`));
    const proof = draw.digest(`allow:${id}`);
    await this.allow(care, proof);
    for (;;) {
      const dueMs = this.dueMs.get(id) ?? 0;
      await world.until(dueMs - WARN_DAYS * DAY_MS + SETTLED_MS);
      care.inspection = "near";
      if (index % 5 === 0) {
        // Nobody thought of it: the lift stops by itself, and runs again when it has passed.
        await world.until(dueMs + SETTLED_MS);
        care.inspection = "lapsed";
        care.isStopped = true;
        care.entries += 1;
        await world.until(dueMs + 3 * DAY_MS);
      } else {
        await world.until(dueMs - 25 * DAY_MS);
        await world.act("pm-manager", "device-care.apply", { device: id, proof: draw.digest(`apply:${id}`) });
        care.inspection = "applied";
        care.entries += 1;
        await world.until(dueMs - 5 * DAY_MS);
      }
      await this.inspect(care, 360);
      if (care.isStopped) await this.allow(care, draw.digest(`allow-again:${id}`));
    }
  }

  private readonly dueMs = new Map<string, number>();

  private async inspect(care: Care, days: number): Promise<void> {
    const { world, draw } = this.year;
    const { id } = care.device;
    const dueMs = world.nowMs + days * DAY_MS;
    this.dueMs.set(id, dueMs);
    const certificate = draw.digest(`certificate:${id}:${dueMs}`);
    await world.act("inspector", "device-care.inspect", { device: id, passed: true, inspect_due: dueMs, certificate });
    care.inspection = "valid";
    care.entries += 1;
  }

  private async allow(care: Care, proof: Uint8Array): Promise<void> {
    const { world } = this.year;
    // Nothing runs again while a service is overdue.
    while (care.isOverdue) await world.until(world.nowMs + DAY_MS);
    await world.act("inspector", "device-care.allow", { device: care.device.id, proof });
    care.isStopped = false;
    care.entries += 1;
  }

  async check(checks: Checks, ledger: Ledger): Promise<void> {
    await ledger.each(this.cares, async ([id, care]) => {
      const { entries, overdues, isOverdue, inspection, isStopped, cost } = care;
      const duty = isOverdue ? "overdue" : "current";
      const state = isStopped ? "stopped" : "in_use";
      const expected = { entries, overdues, duty, inspection, state, cost };
      checks.row(`care of ${id}`, expected, await ledger.row("device-care.care", id));
    });
    const entries = [...this.cares.values()].reduce((sum, care) => sum + care.entries, 0);
    checkCount(checks, "entries in histories", entries, await ledger.list("device-care.history"));
    checkCount(checks, "noted repairs", this.noted, await ledger.list("device-care.noted_repair"));
  }

  figures(): readonly string[] {
    const cares = [...this.cares.values()];
    const missed = cares.reduce((sum, { overdues }) => sum + overdues, 0);
    const stopped = cares.filter(({ isStopped }) => isStopped).length;
    return [
      `维保 services ${this.services}, 逾期 missed ${missed}; 设备 devices ${cares.length}, 停用 stopped ${stopped}`,
    ];
  }
}
