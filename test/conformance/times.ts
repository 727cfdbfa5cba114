// Timestamps and durations of CEL: text forms, ranges, parts in a time zone. Days come from the calendar of contracts.
// Zones by name are asked of the host: they exist in this profile only.

import { civilDate, dayOfCivil } from "../../src/contracts/calendar.ts";
import { ARGUMENT, CONVERSION, type Outcome, OVERFLOW } from "../../src/contracts/outcome.ts";
import { INT64_MAX, INT64_MIN } from "../../src/contracts/types.ts";
import { asValue, Duration, Timestamp } from "./foreign-values.ts";

const SECOND = 1_000_000_000n;
const DAY_SECONDS = 86_400n;
const TIMESTAMP_MIN = BigInt(dayOfCivil({ year: 1, month: 1, day: 1 })) * DAY_SECONDS * SECOND;
const TIMESTAMP_MAX = BigInt(dayOfCivil({ year: 10_000, month: 1, day: 1 })) * DAY_SECONDS * SECOND - 1n;
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["h", 3600n * SECOND],
  ["m", 60n * SECOND],
  ["s", SECOND],
  ["ms", 1_000_000n],
  ["us", 1000n],
  ["µs", 1000n],
  ["ns", 1n],
]);

export function timestampOf(nanoseconds: bigint): Outcome {
  return nanoseconds < TIMESTAMP_MIN || nanoseconds > TIMESTAMP_MAX ? OVERFLOW : asValue(new Timestamp(nanoseconds));
}

/** Durations are bounded by 64 bits of nanoseconds. */
export function durationOf(nanoseconds: bigint): Outcome {
  return nanoseconds < INT64_MIN || nanoseconds > INT64_MAX ? OVERFLOW : asValue(new Duration(nanoseconds));
}

/** RFC 3339 */
export function parseTimestamp(text: string): Outcome {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return CONVERSION;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1, 7).map(Number);
  if (year === 0 || month < 1 || month > 12 || day < 1 || hours > 23 || minutes > 59 || seconds > 59) return CONVERSION;
  const number = dayOfCivil({ year, month, day });
  if (civilDate(number).day !== day) return CONVERSION;
  const offset = match[8] === "Z" ? 0 : offsetSeconds(match[8] ?? "");
  if (offset === undefined) return CONVERSION;
  const total = BigInt(number) * DAY_SECONDS + BigInt(hours * 3600 + minutes * 60 + seconds - offset);
  return timestampOf(total * SECOND + BigInt((match[7] ?? "").padEnd(9, "0")));
}

/** Decimal numbers with units, e.g. `1h30m`, `-1.5s`. */
export function parseDuration(text: string): Outcome {
  const match = /^([+-]?)((?:\d+(?:\.\d+)?(?:h|ms|m|us|µs|ns|s))+)$/.exec(text);
  if (match === null) return CONVERSION;
  let total = 0n;
  for (const [, whole = "", decimals = "", unit = ""] of (match[2] ?? "").matchAll(
    /(\d+)(?:\.(\d+))?(h|ms|m|us|µs|ns|s)/g,
  )) {
    const scale = UNITS.get(unit) ?? 0n;
    total += BigInt(whole) * scale + (BigInt(decimals || 0) * scale) / 10n ** BigInt(decimals.length);
  }
  return durationOf(match[1] === "-" ? -total : total);
}

function decimals(nanoseconds: bigint): string {
  const digits = String(nanoseconds).padStart(9, "0").replace(/0+$/, "");
  return digits === "" ? "" : `.${digits}`;
}

export function formatDuration({ nanoseconds }: Duration): string {
  const magnitude = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  return `${nanoseconds < 0n ? "-" : ""}${magnitude / SECOND}${decimals(magnitude % SECOND)}s`;
}

export function formatTimestamp(timestamp: Timestamp): string {
  const { civil, secondOfDay, nanosecond } = partsOf(timestamp, 0);
  const two = (part: number) => String(part).padStart(2, "0");
  const date = `${String(civil.year).padStart(4, "0")}-${two(civil.month)}-${two(civil.day)}`;
  const [hours, minutes] = [Math.trunc(secondOfDay / 3600), Math.trunc(secondOfDay / 60) % 60];
  return `${date}T${two(hours)}:${two(minutes)}:${two(secondOfDay % 60)}${decimals(BigInt(nanosecond))}Z`;
}

export function secondsOf({ nanoseconds }: Timestamp | Duration): bigint {
  return floorDivide(nanoseconds, SECOND);
}

function floorDivide(value: bigint, by: bigint): bigint {
  return value / by - (value % by < 0n ? 1n : 0n);
}

function partsOf(timestamp: Timestamp, offset: number) {
  const seconds = secondsOf(timestamp) + BigInt(offset);
  const day = Number(floorDivide(seconds, DAY_SECONDS));
  const secondOfDay = Number(seconds - BigInt(day) * DAY_SECONDS);
  return {
    day,
    civil: civilDate(day),
    secondOfDay,
    nanosecond: Number(timestamp.nanoseconds - secondsOf(timestamp) * SECOND),
  };
}

/** `+08:00`, `-02:30` or `02:00`; undefined when it is none. */
function offsetSeconds(zone: string): number | undefined {
  const match = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (match === null) return undefined;
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 3600 + Number(match[3]) * 60);
}

function zoneOffset(zone: string, timestamp: Timestamp): number | undefined {
  const fixed = offsetSeconds(zone);
  if (fixed !== undefined) return fixed;
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
    const part = format.formatToParts(Number(secondsOf(timestamp) * 1000n)).find(({ type }) => type === "timeZoneName");
    return part?.value === "GMT" ? 0 : offsetSeconds((part?.value ?? "").replace("GMT", ""));
  } catch {
    return undefined;
  }
}

type Part = "getFullYear" | "getMonth" | "getDate" | "getDayOfMonth" | "getDayOfWeek" | "getDayOfYear" | ClockPart;
type ClockPart = "getHours" | "getMinutes" | "getSeconds" | "getMilliseconds";
export const TIME_PARTS: ReadonlySet<string> = new Set<Part>([
  "getFullYear",
  "getMonth",
  "getDate",
  "getDayOfMonth",
  "getDayOfWeek",
  "getDayOfYear",
  "getHours",
  "getMinutes",
  "getSeconds",
  "getMilliseconds",
]);

/** A part of a timestamp in a zone (UTC by default). */
export function timestampPart(name: string, timestamp: Timestamp, zone = "UTC"): Outcome {
  const offset = zone === "UTC" ? 0 : zoneOffset(zone, timestamp);
  if (offset === undefined) return ARGUMENT;
  const { day, civil, secondOfDay, nanosecond } = partsOf(timestamp, offset);
  switch (name) {
    case "getFullYear":
      return civil.year;
    case "getMonth":
      return civil.month - 1;
    case "getDate":
      return civil.day;
    case "getDayOfMonth":
      return civil.day - 1;
    case "getDayOfWeek":
      return (((day + 4) % 7) + 7) % 7;
    case "getDayOfYear":
      return day - dayOfCivil({ year: civil.year, month: 1, day: 1 });
    case "getHours":
      return Math.trunc(secondOfDay / 3600);
    case "getMinutes":
      return Math.trunc(secondOfDay / 60) % 60;
    case "getSeconds":
      return secondOfDay % 60;
    default:
      return Math.trunc(nanosecond / 1_000_000);
  }
}

/** A whole duration in hours, minutes or seconds, or its milliseconds within the second. */
export function durationPart(name: string, { nanoseconds }: Duration): Outcome {
  switch (name) {
    case "getHours":
      return Number(nanoseconds / (3600n * SECOND));
    case "getMinutes":
      return Number(nanoseconds / (60n * SECOND));
    case "getSeconds":
      return Number(nanoseconds / SECOND);
    case "getMilliseconds":
      return Number((nanoseconds % SECOND) / 1_000_000n);
    default:
      return ARGUMENT;
  }
}
