// What happens on the devnet's day, decided by hashes of ids: who votes how, who pays, which device fails, what a repair costs.
// Never reads the ledger: the day carries the plan out, and the summary recomputes from it what must have come of it.

import { sha256 } from "#sha256";
import { compareBytes } from "../../ledger/hash.ts";
import type { Community, Device, Unit } from "./community.ts";

export type Choice = "for" | "against" | "abstain";

/** One tenth of a percent, of all heads. The matter needs more than half of those who take part. */
const FOR_PER_MILLE = 660;
const AGAINST_PER_MILLE = 270;
const PAYING_PERCENT = 85;
const BATCHES_PER_GATEWAY = 6;
const READINGS_PER_DEVICE = 10;
const FAULTS = 24;
/** of the faults, those that show by readings above the limit instead of a fault code */
const FAULTS_BY_READINGS = 8;
export const BREACHES_TO_FAULT = 3;
const MINUTE_MS = 60_000;

export interface PlannedReading {
  readonly device: string;
  /** the device's own counter, from 1 */
  readonly counter: number;
  readonly reading: number;
  /** 0: no fault code */
  readonly code: number;
}

/** Ten minutes of one gateway's devices: the digest goes onto the ledger, and of the readings only those that matter. */
export interface PlannedBatch {
  readonly gateway: string;
  readonly building: string;
  /** from 1, without gaps */
  readonly sequence: number;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly readings: number;
  readonly digest: Uint8Array;
  readonly reported: readonly PlannedReading[];
}

/** The choice of a head, always the same. */
export function choiceOf(head: string): Choice {
  const share = perMille(`choice:${head}`);
  if (share < FOR_PER_MILLE) return "for";
  return share < FOR_PER_MILLE + AGAINST_PER_MILLE ? "against" : "abstain";
}

/** The units that pay this month: 85% of all. */
export function payingUnits(community: Community): readonly Unit[] {
  const count = Math.floor((community.units.length * PAYING_PERCENT) / 100);
  const paying = new Set(
    shuffled(community.units, "pay")
      .slice(0, count)
      .map(({ id }) => id),
  );
  return community.units.filter(({ id }) => paying.has(id));
}

/** The reference under which the bank booked a unit's payment. */
export function bankReferenceOf(unit: string, period: number): string {
  return `B${period}-${unit}`;
}

/** Fen, by the rate in li per square metre and month, rounded half up. */
export function feeOf(unit: Unit, community: Community): number {
  const tariff = community.tariffs.find(({ use }) => use === unit.use);
  const product = BigInt(unit.areaCm2) * BigInt(tariff?.rateLi ?? 0);
  return Number((product + 50_000n) / 100_000n);
}

/** The devices that fail, in the order in which they do; a quarter of them are lifts. */
export function failingDevices(community: Community): readonly Device[] {
  const devices = shuffled(community.devices, "fault");
  const lifts = devices.filter(({ kind }) => kind === "lift").slice(0, FAULTS / 4);
  return [...devices.filter(({ kind }) => kind !== "lift").slice(0, FAULTS - lifts.length), ...lifts];
}

/** Quoted price in fen; 0 under warranty. */
export function priceOf(device: string, isUnderWarranty: boolean): number {
  return isUnderWarranty ? 0 : 20_000 + perMille(`price:${device}`) * 100;
}

/** Whether the inspector accepts the work at once; otherwise it counts as accepted when the time for objections is over. */
export function isInspectedAtOnce(order: string): boolean {
  return perMille(`inspect:${order}`) < 700;
}

/** The month of bills that the day issues: that of the genesis in UTC+8, as 202611. */
export function billingPeriod(genesisTimeMs: number): number {
  const local = new Date(genesisTimeMs + 8 * 60 * MINUTE_MS);
  return local.getUTCFullYear() * 100 + local.getUTCMonth() + 1;
}

/** Days of a month written as 202611. */
export function daysOf(period: number): number {
  return new Date(Date.UTC(Math.floor(period / 100), period % 100, 0)).getUTCDate();
}

/** An hour of telemetry after the genesis: batches of ten minutes of every gateway, sequence by sequence. */
export function telemetryRounds(
  community: Community,
  genesisTimeMs: number,
  gatewayOf: (building: string) => string,
): readonly (readonly PlannedBatch[])[] {
  const faults = new Map(failingDevices(community).map(({ id }, index) => [id, index]));
  return Array.from({ length: BATCHES_PER_GATEWAY }, (_, round) =>
    community.buildings.map((building): PlannedBatch => {
      const devices = community.devices.filter((device) => device.building === building.id);
      const fromMs = genesisTimeMs + round * READINGS_PER_DEVICE * MINUTE_MS;
      return {
        gateway: gatewayOf(building.id),
        building: building.id,
        sequence: round + 1,
        fromMs,
        untilMs: fromMs + READINGS_PER_DEVICE * MINUTE_MS,
        readings: devices.length * READINGS_PER_DEVICE,
        digest: digestOfReadings(devices, round),
        reported: devices.flatMap((device) => reportedIn(round, device, faults.get(device.id))),
      };
    }),
  );
}

// A fault of the first kind reports one code; one of the second reports the limit exceeded until it counts as a fault.
function reportedIn(round: number, device: Device, fault: number | undefined): readonly PlannedReading[] {
  if (fault === undefined || round !== fault % BATCHES_PER_GATEWAY) return [];
  if (fault >= FAULTS_BY_READINGS) {
    return [
      { device: device.id, counter: 1, reading: device.limit - 1, code: 100 + (perMille(`code:${device.id}`) % 9) },
    ];
  }
  return Array.from({ length: BREACHES_TO_FAULT }, (_, index) => ({
    device: device.id,
    counter: index + 1,
    reading: device.limit + 1 + index,
    code: 0,
  }));
}

// The readings themselves stay with the gateway (domain: raw telemetry does not belong on the ledger); these stand for them.
function digestOfReadings(devices: readonly Device[], round: number): Uint8Array {
  const lines = devices.flatMap((device) =>
    Array.from({ length: READINGS_PER_DEVICE }, (_, minute) => {
      const reading = (device.limit * (300 + (perMille(`reading:${device.id}:${round}:${minute}`) % 600))) / 1000;
      return `${device.id},${round},${minute},${Math.floor(reading)}\n`;
    }),
  );
  return sha256(new TextEncoder().encode(lines.join("")));
}

/** 0 to 999. */
export function perMille(label: string): number {
  const bytes = sha256(new TextEncoder().encode(`linli-plan:${label}`));
  return (((bytes[0]! << 8) | bytes[1]!) * 1000) >>> 16;
}

/** In an order that nobody chose and that is always the same. */
export function shuffled<T extends { readonly id: string }>(items: readonly T[], label: string): readonly T[] {
  return items
    .map((item) => ({ item, draw: sha256(new TextEncoder().encode(`linli-plan:${label}:${item.id}`)) }))
    .sort((left, right) => compareBytes(left.draw, right.draw))
    .map(({ item }) => item);
}
