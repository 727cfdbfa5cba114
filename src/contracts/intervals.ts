// Which integers an expression can give, from the declared ranges of what it is made of.
// It decides whether arithmetic can overflow; it evaluates nothing.

import type { ArithmeticOperator } from "./typed.ts";
import { INT64_MAX, INT64_MIN, type IntegerName, integerType, type Type } from "./types.ts";

type IntegerType = Type & { readonly kind: "int" };

export interface ArithmeticFacts {
  readonly type: Type;
  /** may overflow or divide by zero */
  readonly fallible: boolean;
  /** no choice of operands gives a result */
  readonly isHopeless: boolean;
  /** the results before they are bounded to 64 bits */
  readonly min: bigint;
  readonly max: bigint;
}

/** The smallest of at least one. */
export function least([first = 0n, ...others]: readonly bigint[]): bigint {
  let smallest = first;
  for (const value of others) if (value < smallest) smallest = value;
  return smallest;
}

/** The greatest of at least one. */
export function greatest([first = 0n, ...others]: readonly bigint[]): bigint {
  let largest = first;
  for (const value of others) if (value > largest) largest = value;
  return largest;
}

const magnitude = (value: bigint) => (value < 0n ? -value : value);

export function arithmeticFacts(operator: ArithmeticOperator, left: IntegerType, right: IntegerType): ArithmeticFacts {
  const name = unitOf(operator, left.name, right.name);
  switch (operator) {
    case "+":
      return bounded(left.min + right.min, left.max + right.max, name);
    case "-":
      return bounded(left.min - right.max, left.max - right.min, name);
    case "*": {
      const corners = [left.min * right.min, left.min * right.max, left.max * right.min, left.max * right.max];
      return bounded(least(corners), greatest(corners), name);
    }
    case "/": {
      const divisors = divisorsOf(right);
      if (divisors.length === 0) return HOPELESS;
      const corners = divisors.flatMap((divisor) => [left.min / divisor, left.max / divisor]);
      const spans = left.min <= 0n && left.max >= 0n ? [...corners, 0n] : corners;
      return orZero(bounded(least(spans), greatest(spans), name), right);
    }
    case "%": {
      if (right.min === 0n && right.max === 0n) return HOPELESS;
      const limit = greatest([magnitude(right.min), magnitude(right.max)]) - 1n;
      const low = left.min < 0n ? greatest([left.min, -limit]) : 0n;
      const high = left.max > 0n ? least([left.max, limit]) : 0n;
      const overflows = left.min === INT64_MIN && right.min <= -1n && right.max >= -1n;
      const facts = orZero(bounded(low, high, name), right);
      return overflows ? { ...facts, fallible: true } : facts;
    }
  }
}

const HOPELESS: ArithmeticFacts = {
  type: integerType(INT64_MIN, INT64_MAX),
  fallible: true,
  isHopeless: true,
  min: INT64_MIN,
  max: INT64_MAX,
};

export function negationFacts(operand: IntegerType): ArithmeticFacts {
  return bounded(-operand.max, -operand.min, operand.name);
}

// The divisors at which a quotient is extreme: the ends of the range and what stands next to zero.
function divisorsOf(right: IntegerType): readonly bigint[] {
  return [right.min, right.max, -1n, 1n].filter(
    (divisor) => divisor !== 0n && divisor >= right.min && divisor <= right.max,
  );
}

function orZero(facts: ArithmeticFacts, divisor: IntegerType): ArithmeticFacts {
  return divisor.min <= 0n && divisor.max >= 0n ? { ...facts, fallible: true } : facts;
}

function bounded(min: bigint, max: bigint, name: IntegerName): ArithmeticFacts {
  const isHopeless = min > INT64_MAX || max < INT64_MIN;
  const low = greatest([min, INT64_MIN]);
  const high = least([max, INT64_MAX]);
  return {
    type: isHopeless ? integerType(INT64_MIN, INT64_MAX) : integerType(low, high, name),
    fallible: min < INT64_MIN || max > INT64_MAX,
    isHopeless,
    min,
    max,
  };
}

/** What a value is called that is one or the other: money where either is, since money is not to be divided. */
export function commonUnit(left: IntegerName, right: IntegerName): IntegerName {
  if (left === "money" || right === "money") return "money";
  return left === "int" ? right : left;
}

// What money went into is money. Else a name is only how a result is shown: a time plus milliseconds is a time, the
// difference of two times is a number.
function unitOf(operator: ArithmeticOperator, left: IntegerName, right: IntegerName): IntegerName {
  if (left === "money" || right === "money") return "money";
  if (operator === "+") return commonUnit(left, right);
  if (operator === "-") return left === "time" && right === "time" ? "int" : left;
  return "int";
}
