// @bufbuild/cel as the oracle of the rule language, with every known difference put right at the one operation it is in.
// It knows nothing of this project's own evaluator.

import { type CelInput, CelScalar, celEnv, celFunc, isCelError, isCelList, parse, plan } from "@bufbuild/cel";
import type { Value } from "../../src/ledger/codec.ts";

/** What both sides are brought to: a text that names type and value, or "error". */
export type Observed = string;

/** Why @bufbuild/cel is not asked, or corrected, where it stands apart. */
export const KNOWN_DIFFERENCES = {
  "remainder of the smallest integer by -1":
    "the CEL specification (and cel-go) call it an overflow; @bufbuild/cel gives 0",
  "order of texts with surrogates":
    "CEL orders texts by code point; @bufbuild/cel compares UTF-16 units, which differs above U+FFFF",
  "int() of what is no decimal number":
    "as in cel-go, only an optional sign and decimal digits; @bufbuild/cel accepts what BigInt accepts: '', blanks, 0x",
  "string() of bytes that begin with a byte order mark":
    "the mark is a character like any other; @bufbuild/cel drops it",
  "two minus signs":
    "each is a checked negation; @bufbuild/cel cancels them while parsing, and with them the overflow between",
} as const;
export type KnownDifference = keyof typeof KNOWN_DIFFERENCES;

/** How often each correction changed what @bufbuild/cel would have given. */
export const corrected = new Map<KnownDifference, number>();

export function correct(difference: KnownDifference): void {
  corrected.set(difference, (corrected.get(difference) ?? 0) + 1);
}

const { BOOL, INT, STRING, BYTES } = CelScalar;
const INT64_MIN = -(1n << 63n);
const INT64_MAX = (1n << 63n) - 1n;

function remainder(left: bigint, right: bigint): bigint {
  if (right === 0n) throw new Error("remainder by zero");
  if (left === INT64_MIN && right === -1n) {
    correct("remainder of the smallest integer by -1");
    throw new Error("overflow");
  }
  return left % right;
}

function codePointOrder(left: string, right: string): number {
  const [a, b] = [[...left], [...right]];
  for (let index = 0; index < a.length && index < b.length; index += 1) {
    const difference = (a[index]?.codePointAt(0) ?? 0) - (b[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function textOrder(name: string, holds: (order: number) => boolean) {
  return celFunc(name, [STRING, STRING], BOOL, (left, right) => {
    const isHeld = holds(codePointOrder(left, right));
    if (isHeld !== holds(left < right ? -1 : left > right ? 1 : 0)) correct("order of texts with surrogates");
    return isHeld;
  });
}

function integerOf(text: string): bigint {
  const [first = "", ...rest] = text;
  const digits = first === "-" || first === "+" ? rest : [first, ...rest];
  if (digits.length === 0 || digits.some((digit) => !(digit.length === 1 && digit >= "0" && digit <= "9"))) {
    correct("int() of what is no decimal number");
    throw new Error("no integer");
  }
  const value = BigInt(text);
  if (value < INT64_MIN || value > INT64_MAX) throw new Error("overflow");
  return value;
}

const KEEPS_MARK = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOfBytes(bytes: Uint8Array): string {
  const text = KEEPS_MARK.decode(bytes);
  if (text.startsWith("\ufeff")) correct("string() of bytes that begin with a byte order mark");
  return text;
}

const ENVIRONMENT = celEnv({
  funcs: [
    celFunc("_%_", [INT, INT], INT, remainder),
    textOrder("_<_", (order) => order < 0),
    textOrder("_<=_", (order) => order <= 0),
    textOrder("_>_", (order) => order > 0),
    textOrder("_>=_", (order) => order >= 0),
    celFunc("int", [STRING], INT, integerOf),
    celFunc("string", [BYTES], STRING, textOfBytes),
  ],
});

export type OracleInput = CelInput;

/** A value of the ledger as CEL has it: every integer is a bigint. */
export function oracleInput(value: Value): OracleInput {
  if (typeof value === "number") return BigInt(value);
  if (Array.isArray(value)) return value.map((item: Value) => oracleInput(item));
  return value as OracleInput;
}

export function askOracle(text: string, bindings: Readonly<Record<string, OracleInput>>): Observed {
  try {
    const result: unknown = plan(ENVIRONMENT, parse(text))(bindings);
    return isCelError(result) ? "error" : observe(result);
  } catch (thrown) {
    return `thrown: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

function observe(value: unknown): Observed {
  if (typeof value === "bigint") return `int ${value}`;
  if (typeof value === "string") return `text ${JSON.stringify(value)}`;
  if (typeof value === "boolean") return `bool ${value}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (isCelList(value)) return `[${[...value].map(observe).join(", ")}]`;
  return `unknown ${String(value)}`;
}
