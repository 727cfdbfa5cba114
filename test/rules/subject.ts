// The rule language as the differential tests see it: the product's own parser, checker and compiler over drawn names.
// It also holds what no oracle knows: types, ranges, fallibility, worst cases and gas of every result.

import { checkExpression } from "../../src/contracts/check-expression.ts";
import { compileExpression } from "../../src/contracts/compile-expression.ts";
import { parseExpression } from "../../src/contracts/expression.ts";
import { Findings } from "../../src/contracts/finding.ts";
import type { Evaluate, Frame } from "../../src/contracts/frame.ts";
import { SyntaxFault } from "../../src/contracts/lexer.ts";
import { ExpressionError, type Outcome, OutOfGas } from "../../src/contracts/outcome.ts";
import { type Binding, Scope, SlotCounter } from "../../src/contracts/scope.ts";
import type { Typed } from "../../src/contracts/typed.ts";
import { parseType, type Type } from "../../src/contracts/types.ts";
import type { Value } from "../../src/ledger/codec.ts";
import { utf8Length } from "../../src/ledger/codec.ts";
import type { RowVariable, Variable } from "./generator.ts";
import type { Observed } from "./oracle.ts";

export interface Answer {
  readonly observed: Observed;
  /** codes of what the check refused, or the code of an error value; empty for a value */
  readonly codes: readonly string[];
  readonly gas: number;
  /** what is wrong with the result whatever an oracle says */
  readonly faults: readonly string[];
}

const GAS_MAX = 1_000_000_000;
const types = new Map<string, Type>();

function typeOf(text: string): Type {
  const known = types.get(text);
  if (known !== undefined) return known;
  const reading = parseType(text, () => undefined);
  if (!reading.ok) throw new Error(`${text}: ${reading.message}`);
  types.set(text, reading.type);
  return reading.type;
}

function rowBinding(variable: RowVariable, row: number): Binding {
  const columns = variable.columns.map(({ name, typeText }) => ({
    name,
    type: typeOf(typeText),
    typeText,
    defaultValue: undefined,
  }));
  const table = { contract: "fuzz", name: variable.name, columns, keyLength: 1, indexes: [] };
  return { kind: "row", row, table, positions: undefined, isOptional: true, label: variable.name };
}

interface Over {
  readonly variables: readonly Variable[];
  readonly rows: readonly RowVariable[];
}

/** An exception is an answer too, and never the right one. */
export function askSubject(text: string, over: Over): Answer {
  try {
    return ask(text, over);
  } catch (thrown) {
    return { observed: `thrown: ${String(thrown)}`, codes: [], gas: 0, faults: [] };
  }
}

function ask(text: string, { variables, rows }: Over): Answer {
  const findings = new Findings(text);
  const slots = new SlotCounter();
  const scope = new Scope({ slots, used: new Set() }, [
    ...variables.map(({ name, typeText }): readonly [string, Binding] => [
      name,
      { kind: "value", slot: slots.take(), type: typeOf(typeText), label: name },
    ]),
    ...rows.map((row, index): readonly [string, Binding] => [row.name, rowBinding(row, index)]),
  ]);
  let typed: Typed;
  try {
    typed = checkExpression(parseExpression(text), { scope, findings, placeOf: (offset) => offset });
  } catch (fault) {
    if (!(fault instanceof SyntaxFault)) throw fault;
    return refused([fault.code]);
  }
  if (findings.hasErrors)
    return refused(findings.list().flatMap(({ code, severity }) => (severity === "error" ? [code] : [])));
  const values = variables.map(({ value }) => value);
  const frameWith = (gas: number): Frame => ({
    gas,
    slots: [...values, ...new Array<undefined>(slots.count - values.length)],
    rows: rows.map(({ isPresent, columns }) => (isPresent ? columns.map(({ value }) => value) : null)),
    settings: [],
  });
  return run(compileExpression(typed), typed, frameWith);
}

function refused(codes: readonly string[]): Answer {
  return { observed: `refused: ${codes.join(" ")}`, codes, gas: 0, faults: [] };
}

function run(evaluate: Evaluate, typed: Typed, frameWith: (gas: number) => Frame): Answer {
  const frame = frameWith(GAS_MAX);
  const outcome = evaluate(frame);
  const gas = GAS_MAX - frame.gas;
  const isError = outcome instanceof ExpressionError;
  const faults: string[] = [];
  if (gas > typed.worst) faults.push(`gas ${gas} exceeds the worst case ${typed.worst}`);
  if (isError && !typed.fallible) faults.push("an error, though the check holds it infallible");
  if (!isError) faults.push(...valueFaults(typed.type, outcome));
  if (!sameWith(evaluate, frameWith(gas), outcome)) faults.push(`with the ${gas} units it used the result is another`);
  if (!runsOut(evaluate, frameWith(gas - 1))) faults.push(`with ${gas - 1} units it does not run out of gas`);
  return { observed: isError ? "error" : observe(outcome), codes: isError ? [outcome.code] : [], gas, faults };
}

function sameWith(evaluate: Evaluate, frame: Frame, expected: Outcome): boolean {
  const again = evaluate(frame);
  if (frame.gas !== 0) return false;
  if (again instanceof ExpressionError || expected instanceof ExpressionError) return again === expected;
  return observe(again) === observe(expected);
}

function runsOut(evaluate: Evaluate, frame: Frame): boolean {
  try {
    evaluate(frame);
    return false;
  } catch (thrown) {
    if (thrown instanceof OutOfGas) return true;
    throw thrown;
  }
}

/** Where a value is not of its computed type, range or form: the check's promises, read anew. */
function valueFaults(type: Type, value: Value): readonly string[] {
  switch (type.kind) {
    case "bool":
      return typeof value === "boolean" ? [] : ["no bool"];
    case "int":
      return integerFaults(type.min, type.max, value);
    case "text":
      if (typeof value !== "string" || !value.isWellFormed()) return ["no well-formed text"];
      if (utf8Length(value) > type.bytesMax) return [`${utf8Length(value)} bytes in text(${type.bytesMax})`];
      return type.values === undefined || type.values.includes(value) ? [] : [`${value} is none of ${type.values}`];
    case "bytes":
      return value instanceof Uint8Array && value.length <= type.bytesMax ? [] : [`no bytes(${type.bytesMax})`];
    case "list":
      if (!Array.isArray(value) || value.length > type.lengthMax) return [`no list of at most ${type.lengthMax}`];
      return value.flatMap((item: Value) => valueFaults(type.item, item));
    case "unknown":
      return [];
    default:
      return [`a value of type ${type.kind}`];
  }
}

function integerFaults(min: bigint, max: bigint, value: Value): readonly string[] {
  if (typeof value !== "number" && typeof value !== "bigint") return ["no integer"];
  if (Object.is(value, -0) || Number.isSafeInteger(value) !== Number.isSafeInteger(Number(value)))
    return ["not in the one form of integers"];
  if (typeof value === "number" && !Number.isSafeInteger(value)) return ["a number that is no safe integer"];
  return BigInt(value) < min || BigInt(value) > max ? [`${value} is outside ${min}..${max}`] : [];
}

function observe(value: Value): Observed {
  if (typeof value === "number" || typeof value === "bigint") return `int ${value}`;
  if (typeof value === "string") return `text ${JSON.stringify(value)}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return `[${value.map(observe).join(", ")}]`;
  return `bool ${String(value)}`;
}
