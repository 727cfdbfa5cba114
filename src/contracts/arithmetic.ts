// Checked 64-bit integers: numbers while safe, bigints beyond, one form for each value, never -0.
// A result outside 64 bits is an error value; nothing here throws, and no fraction ever arises.

import { DIVISION_BY_ZERO, type Outcome, OVERFLOW } from "./outcome.ts";
import { INT64_MAX, INT64_MIN } from "./types.ts";

export type Integer = number | bigint;

/** The one form of a 64-bit integer, or overflow. */
export function canonicalInteger(value: bigint): Integer | typeof OVERFLOW {
  if (value >= -9007199254740991n && value <= 9007199254740991n) return Number(value);
  return value > INT64_MAX || value < INT64_MIN ? OVERFLOW : value;
}

// A double that is a safe integer is exact: sums and products of safe integers round to at least 2^53 when they exceed it.
export function addIntegers(left: Integer, right: Integer): Integer | typeof OVERFLOW {
  if (typeof left === "number" && typeof right === "number") {
    const sum = left + right;
    if (sum <= 9007199254740991 && sum >= -9007199254740991) return sum;
  }
  return canonicalInteger(BigInt(left) + BigInt(right));
}

export function subtractIntegers(left: Integer, right: Integer): Integer | typeof OVERFLOW {
  if (typeof left === "number" && typeof right === "number") {
    const difference = left - right;
    if (difference <= 9007199254740991 && difference >= -9007199254740991) return difference;
  }
  return canonicalInteger(BigInt(left) - BigInt(right));
}

export function multiplyIntegers(left: Integer, right: Integer): Integer | typeof OVERFLOW {
  if (typeof left === "number" && typeof right === "number") {
    const product = left * right;
    // + 0 turns -0 into 0.
    if (product <= 9007199254740991 && product >= -9007199254740991) return product + 0;
  }
  return canonicalInteger(BigInt(left) * BigInt(right));
}

/** Truncates towards zero. */
export function divideIntegers(left: Integer, right: Integer): Outcome {
  if (right === 0) return DIVISION_BY_ZERO;
  // The rounded quotient of safe integers truncates as the exact one: 1/right exceeds half a unit in the last place.
  if (typeof left === "number" && typeof right === "number") return Math.trunc(left / right) + 0;
  return canonicalInteger(BigInt(left) / BigInt(right));
}

/** Has the sign of `left`. */
export function remainderIntegers(left: Integer, right: Integer): Outcome {
  if (right === 0) return DIVISION_BY_ZERO;
  if (typeof left === "number" && typeof right === "number") return (left % right) + 0;
  // CEL refuses the smallest integer by -1 here as in the quotient.
  if (left === INT64_MIN && right === -1) return OVERFLOW;
  return canonicalInteger(BigInt(left) % BigInt(right));
}

export const ROUNDINGS = ["down", "up", "half_up", "half_even"] as const;
export type Rounding = (typeof ROUNDINGS)[number];

/** left * right / divisor with the product unbounded. Down and up are towards and away from zero, as are the halves. */
export function multiplyDivide(left: Integer, right: Integer, divisor: Integer, rounding: Rounding): Outcome {
  if (divisor === 0) return DIVISION_BY_ZERO;
  const product = BigInt(left) * BigInt(right);
  const by = BigInt(divisor);
  const quotient = product / by;
  const remainder = product % by;
  if (remainder === 0n) return canonicalInteger(quotient);
  const away = product < 0n === by < 0n ? 1n : -1n;
  const twice = (remainder < 0n ? -remainder : remainder) * 2n;
  const order = twice - (by < 0n ? -by : by);
  const isAway =
    rounding === "up" ||
    (rounding !== "down" && (order > 0n || (order === 0n && (rounding === "half_up" || quotient % 2n !== 0n))));
  return canonicalInteger(isAway ? quotient + away : quotient);
}

/**
 * Divides `total` in proportion to `weights` by the largest remainder; ties go to the earlier item. The parts add up to the total.
 * @returns undefined for a negative total or weight, or weights that add up to 0
 */
export function splitByLargestRemainder(total: Integer, weights: readonly Integer[]): readonly Integer[] | undefined {
  const whole = BigInt(total);
  const exact = weights.map((weight) => BigInt(weight));
  const sum = exact.reduce((left, right) => left + right, 0n);
  if (whole < 0n || sum <= 0n || exact.some((weight) => weight < 0n)) return undefined;
  const parts = exact.map((weight) => (whole * weight) / sum);
  const remainders = exact.map((weight, index) => ({ index, remainder: (whole * weight) % sum }));
  // A sort leaves equal ones as they stand: the earlier item first.
  remainders.sort((left, right) =>
    left.remainder === right.remainder ? 0 : left.remainder > right.remainder ? -1 : 1,
  );
  let rest = whole - parts.reduce((left, right) => left + right, 0n);
  for (const { index } of remainders) {
    if (rest === 0n) break;
    parts[index] = parts[index]! + 1n;
    rest -= 1n;
  }
  // Each part is at most the total, which is a 64-bit integer.
  return parts.map((part) => (part <= 9007199254740991n ? Number(part) : part));
}
