// The calendar of block time at the fixed offset of UTC+8, in integer arithmetic (proleptic Gregorian).
// It never asks the host for a date: every machine gives the same day.

const OFFSET_MS = 28_800_000;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAYS = 719_468;
const ERA_DAYS = 146_097;

export interface CivilDate {
  readonly year: number;
  /** 1 to 12 */
  readonly month: number;
  /** 1 to 31 */
  readonly day: number;
}

/** Days since 1970-01-01, local. */
export function dayNumber(timeMs: number): number {
  return Math.floor((timeMs + OFFSET_MS) / DAY_MS);
}

export function startOfDay(day: number): number {
  return day * DAY_MS - OFFSET_MS;
}

// Years are counted from March, so that the leap day is the last of its year (Hinnant, chrono-compatible date algorithms).
export function civilDate(day: number): CivilDate {
  const shifted = day + EPOCH_DAYS;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const yearOfEra = Math.trunc(
    (dayOfEra - Math.trunc(dayOfEra / 1460) + Math.trunc(dayOfEra / 36_524) - Math.trunc(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.trunc(yearOfEra / 4) - Math.trunc(yearOfEra / 100));
  const monthFromMarch = Math.trunc((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - Math.trunc((153 * monthFromMarch + 2) / 5) + 1 };
}

export function dayOfCivil({ year, month, day }: CivilDate): number {
  const fromMarch = month <= 2 ? year - 1 : year;
  const era = Math.floor(fromMarch / 400);
  const yearOfEra = fromMarch - era * 400;
  const dayOfYear = Math.trunc((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return (
    era * ERA_DAYS + yearOfEra * 365 + Math.trunc(yearOfEra / 4) - Math.trunc(yearOfEra / 100) + dayOfYear - EPOCH_DAYS
  );
}

/** The same day and time of day `months` later; the last day of a month that is too short. */
export function addMonths(timeMs: number, months: number): number {
  const day = dayNumber(timeMs);
  const civil = civilDate(day);
  const index = civil.year * 12 + civil.month - 1 + months;
  const year = Math.floor(index / 12);
  const month = index - year * 12 + 1;
  const next = dayOfCivil({ year: month === 12 ? year + 1 : year, month: month === 12 ? 1 : month + 1, day: 1 });
  const length = next - dayOfCivil({ year, month, day: 1 });
  const target = dayOfCivil({ year, month, day: Math.min(civil.day, length) });
  return startOfDay(target) + (timeMs - startOfDay(day));
}

export function hourOfDay(timeMs: number): number {
  return Math.trunc((timeMs - startOfDay(dayNumber(timeMs))) / HOUR_MS);
}

/** 1 is Monday, 7 Sunday. */
export function weekday(timeMs: number): number {
  // 1970-01-01 was a Thursday.
  return ((((dayNumber(timeMs) + 3) % 7) + 7) % 7) + 1;
}

/** `2026-11-03 09:05:00` */
export function formatTime(timeMs: number): string {
  const day = dayNumber(timeMs);
  const { year, month, day: dayOfMonth } = civilDate(day);
  const seconds = Math.trunc((timeMs - startOfDay(day)) / 1000);
  const clock = [Math.trunc(seconds / 3600), Math.trunc(seconds / 60) % 60, seconds % 60];
  const two = (part: number) => String(part).padStart(2, "0");
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(dayOfMonth)} ${clock.map(two).join(":")}`;
}
