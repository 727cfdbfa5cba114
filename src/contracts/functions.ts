// The closed list of functions: argument types, result types, prices, and what they do.
// Nothing here reaches outside; no function is slower than its price says.

import { sha256 } from "#sha256";
import { encode, utf8Length, type Value } from "../ledger/codec.ts";
import { bytesEqual } from "../ledger/hash.ts";
import {
  addIntegers,
  canonicalInteger,
  type Integer,
  multiplyDivide,
  ROUNDINGS,
  splitByLargestRemainder,
} from "./arithmetic.ts";
import { addMonths, civilDate, dayNumber, dayOfCivil, hourOfDay, startOfDay, weekday } from "./calendar.ts";
import { charge, type Frame } from "./frame.ts";
import { byteUnits, GAS } from "./gas.ts";
import { ARGUMENT, CONVERSION, ExpressionError, type Outcome } from "./outcome.ts";
import { codePointLength, containsText } from "./text.ts";
import {
  BOOL,
  INT64_MAX,
  INT64_MIN,
  integerType,
  LIST_LENGTH_MAX,
  sizeMax,
  TEXT_BYTES_MAX,
  TIME,
  type Type,
  textType,
  typeName,
} from "./types.ts";

export type ArgumentKind = "bool" | "int" | "text" | "bytes" | "list" | "integers" | "rounding";

/** How CEL writes it: sha256(x), x.contains(y), or both ways, as size alone. */
type CallForm = "function" | "method" | "either";

export interface BuiltIn {
  readonly name: string;
  readonly form: CallForm;
  readonly args: readonly ArgumentKind[];
  readonly result: (args: readonly Type[]) => Type;
  /** fixed units beside the node itself */
  readonly units: number;
  /** bound of the units that `run` charges by the size of what it is given */
  readonly unitsMax: (args: readonly Type[]) => number;
  readonly fallible: boolean;
  /** values are of the kinds in `args` */
  readonly run: (values: readonly Value[], frame: Frame) => Outcome;
}

const INT = integerType(INT64_MIN, INT64_MAX);
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
/** Block times the calendar handles: years 1970 to 9999. */
const CALENDAR_MS_MAX = 253_402_271_999_999;
const MONTHS_MAX = 12_000;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

const isMoney = (type: Type | undefined) => type?.kind === "int" && type.name === "money";
const free = () => 0;
const sizeUnits = (args: readonly Type[]) => args.reduce((units, type) => units + byteUnits(sizeMax(type)), 0);

// The kinds of the arguments are checked before anything is compiled; these give the checked type back to TypeScript.
const asText = (value: Value | undefined) => value as string;
const asBytes = (value: Value | undefined) => value as Uint8Array;
const asInteger = (value: Value | undefined) => value as Integer;
const asList = (value: Value | undefined) => value as readonly Value[];

/** @param passes over the texts, as slow as copying one */
function textFunction(name: string, passes: number, test: (text: string, part: string) => boolean): BuiltIn {
  return {
    name,
    form: "method",
    args: ["text", "text"],
    result: () => BOOL,
    units: 0,
    unitsMax: (types) => passes * sizeUnits(types),
    fallible: false,
    run: ([text, part], frame) => {
      charge(frame, passes * byteUnits(asText(text).length + asText(part).length));
      return test(asText(text), asText(part));
    },
  };
}

/** A function of a block time; error outside the years 1970 to 9999. */
function timeFunction(name: string, result: Type, compute: (timeMs: number) => number): BuiltIn {
  return {
    name,
    form: "function",
    args: ["int"],
    result: () => result,
    units: GAS.calendar,
    unitsMax: free,
    fallible: true,
    run: ([time]) => (isCalendarTime(asInteger(time)) ? compute(Number(time)) : ARGUMENT),
  };
}

function isCalendarTime(time: Integer): boolean {
  return time >= 0 && time <= CALENDAR_MS_MAX;
}

/** What `sha256` and the salted values of sealed ballots hash. */
function hashInput(value: Value | undefined): Uint8Array {
  return typeof value === "string" ? ENCODER.encode(value) : asBytes(value);
}

function encodedLength(value: Value | undefined): number {
  if (typeof value === "string") return utf8Length(value);
  return value instanceof Uint8Array ? value.length : 9;
}

function parseInteger(text: string): Outcome {
  const start = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
  if (text.length === start || text.length - start > 40) return CONVERSION;
  for (let index = start; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 48 || code > 57) return CONVERSION;
  }
  const magnitude = BigInt(text.slice(start));
  const value = canonicalInteger(text.startsWith("-") ? -magnitude : magnitude);
  return typeof value === "object" ? CONVERSION : value;
}

function bytesToText(bytes: Uint8Array): Outcome {
  try {
    return UTF8.decode(bytes);
  } catch {
    return CONVERSION;
  }
}

function sizeFunction(kind: "text" | "bytes" | "list", measure: (value: Value | undefined) => number): BuiltIn {
  return {
    name: "size",
    form: "either",
    args: [kind],
    result: ([type]) => integerType(0n, BigInt(type?.kind === "list" ? type.lengthMax : TEXT_BYTES_MAX)),
    units: 0,
    unitsMax: kind === "text" ? sizeUnits : free,
    fallible: false,
    run: ([value], frame) => {
      if (kind === "text") charge(frame, byteUnits(asText(value).length));
      return measure(value);
    },
  };
}

function conversion(
  name: string,
  from: ArgumentKind,
  result: (type: Type) => Type,
  fallible: boolean,
  convert: (value: Value) => Outcome,
): BuiltIn {
  return {
    name,
    form: "function",
    args: [from],
    result: ([type]) => result(type ?? INT),
    units: GAS.conversion,
    unitsMax: from === "text" || from === "bytes" ? sizeUnits : free,
    fallible,
    run: ([value = null], frame) => {
      if (typeof value === "string" || value instanceof Uint8Array) charge(frame, byteUnits(value.length));
      return convert(value);
    },
  };
}

function hashFunction(kind: "text" | "bytes"): BuiltIn {
  // A text is encoded first.
  const passes = kind === "text" ? 2 : 1;
  return {
    name: "sha256",
    form: "function",
    args: [kind],
    result: () => ({ kind: "bytes", bytesMax: 32 }),
    units: GAS.hash,
    unitsMax: (types) => passes * sizeUnits(types),
    fallible: false,
    run: ([value], frame) => {
      charge(frame, passes * byteUnits(encodedLength(value)));
      return sha256(hashInput(value));
    },
  };
}

/** Sealed values: the commitment is the SHA-256 of the canonical CBOR of [value, salt]. */
function opensFunction(kind: "text" | "int" | "bool" | "bytes"): BuiltIn {
  return {
    name: "opens",
    form: "function",
    args: ["bytes", kind, "bytes"],
    result: () => BOOL,
    units: GAS.hash,
    unitsMax: (types) => 2 * sizeUnits(types),
    fallible: false,
    run: ([commitment, value = null, salt = null], frame) => {
      // Encoded, then hashed.
      charge(frame, 2 * byteUnits(encodedLength(value) + asBytes(salt).length));
      return bytesEqual(asBytes(commitment), sha256(encode([value, salt])));
    },
  };
}

const TEXT_TO_BYTES: BuiltIn = {
  name: "bytes",
  form: "function",
  args: ["text"],
  result: ([type]) => ({ kind: "bytes", bytesMax: type?.kind === "text" ? type.bytesMax : TEXT_BYTES_MAX }),
  units: GAS.encode,
  unitsMax: (types) => 2 * sizeUnits(types),
  fallible: false,
  run: ([text], frame) => {
    // Measured, then encoded.
    charge(frame, 2 * byteUnits(encodedLength(text)));
    return hashInput(text);
  },
};

const MUL_DIV: BuiltIn = {
  name: "mulDiv",
  form: "function",
  args: ["int", "int", "int", "rounding"],
  // A part of money is money; what two amounts are to each other is a number.
  result: ([left, right, divisor]) =>
    (isMoney(left) || isMoney(right)) && !isMoney(divisor) ? integerType(INT64_MIN, INT64_MAX, "money") : INT,
  units: GAS.wideArithmetic,
  unitsMax: free,
  fallible: true,
  run: ([left, right, divisor, rounding]) => {
    const mode = ROUNDINGS.find((known) => known === rounding);
    return mode === undefined ? ARGUMENT : multiplyDivide(asInteger(left), asInteger(right), asInteger(divisor), mode);
  },
};

const SPLIT: BuiltIn = {
  name: "split",
  form: "function",
  args: ["int", "integers"],
  result: ([total, weights]) => ({
    kind: "list",
    item: integerType(0n, total?.kind === "int" && total.max > 0n ? total.max : SAFE, isMoney(total) ? "money" : "int"),
    lengthMax: weights?.kind === "list" ? weights.lengthMax : LIST_LENGTH_MAX,
  }),
  units: GAS.wideArithmetic,
  unitsMax: ([, weights]) => (weights?.kind === "list" ? weights.lengthMax * GAS.wideArithmetic : 0),
  fallible: true,
  run: ([total, weights], frame) => {
    charge(frame, asList(weights).length * GAS.wideArithmetic);
    return splitByLargestRemainder(asInteger(total), asList(weights).map(asInteger)) ?? ARGUMENT;
  },
};

const SUM: BuiltIn = {
  name: "sum",
  form: "function",
  args: ["integers"],
  result: ([list]) => {
    if (list?.kind !== "list" || list.item.kind !== "int") return integerType(0n, 0n);
    const { min, max, name } = list.item;
    const length = BigInt(list.lengthMax);
    // Of a list that may be empty the sum may be 0.
    const [low, high] = [min < 0n ? min * length : 0n, max > 0n ? max * length : 0n];
    return integerType(low < INT64_MIN ? INT64_MIN : low, high > INT64_MAX ? INT64_MAX : high, name);
  },
  units: 0,
  unitsMax: ([list]) => (list?.kind === "list" ? list.lengthMax * GAS.iteration : 0),
  fallible: true,
  run: ([list], frame) => {
    charge(frame, asList(list).length * GAS.iteration);
    let total: Integer = 0;
    for (const item of asList(list)) {
      const next = addIntegers(total, asInteger(item));
      if (next instanceof ExpressionError) return next;
      total = next;
    }
    return total;
  },
};

const ADD_MONTHS: BuiltIn = {
  name: "addMonths",
  form: "function",
  args: ["int", "int"],
  result: () => TIME,
  units: GAS.calendar,
  unitsMax: free,
  fallible: true,
  run: ([time, months]) => {
    if (!isCalendarTime(asInteger(time)) || asInteger(months) > MONTHS_MAX || asInteger(months) < -MONTHS_MAX)
      return ARGUMENT;
    const result = addMonths(Number(time), Number(months));
    return isCalendarTime(result) ? result : ARGUMENT;
  },
};

const textOf = (type: Type) =>
  textType(type.kind === "text" ? type.bytesMax : type.kind === "bytes" ? type.bytesMax : 20);

const ALL: readonly BuiltIn[] = [
  sizeFunction("text", (value) => codePointLength(asText(value))),
  sizeFunction("bytes", (value) => asBytes(value).length),
  sizeFunction("list", (value) => asList(value).length),
  conversion("string", "text", textOf, false, (value) => value),
  conversion(
    "string",
    "int",
    () => textType(20),
    false,
    (value) => String(value),
  ),
  conversion(
    "string",
    "bool",
    () => textType(5),
    false,
    (value) => String(value),
  ),
  conversion("string", "bytes", textOf, true, (value) => bytesToText(asBytes(value))),
  conversion(
    "int",
    "int",
    (type) => type,
    false,
    (value) => value,
  ),
  conversion(
    "int",
    "text",
    () => INT,
    true,
    (value) => parseInteger(asText(value)),
  ),
  TEXT_TO_BYTES,
  conversion(
    "bytes",
    "bytes",
    (type) => type,
    false,
    (value) => value,
  ),
  textFunction("contains", 4, containsText),
  textFunction("startsWith", 1, (text, part) => text.startsWith(part)),
  textFunction("endsWith", 1, (text, part) => text.endsWith(part)),
  hashFunction("text"),
  hashFunction("bytes"),
  opensFunction("text"),
  opensFunction("int"),
  opensFunction("bool"),
  opensFunction("bytes"),
  MUL_DIV,
  SPLIT,
  SUM,
  timeFunction("year", integerType(1970n, 9999n), (time) => civilDate(dayNumber(time)).year),
  timeFunction("month", integerType(1n, 12n), (time) => civilDate(dayNumber(time)).month),
  timeFunction("day", integerType(1n, 31n), (time) => civilDate(dayNumber(time)).day),
  timeFunction("hour", integerType(0n, 23n), hourOfDay),
  timeFunction("weekday", integerType(1n, 7n), weekday),
  timeFunction("dayNumber", integerType(0n, 2_932_897n), dayNumber),
  timeFunction("startOfDay", TIME, (time) => Math.max(0, startOfDay(dayNumber(time)))),
  timeFunction("startOfMonth", TIME, (time) =>
    Math.max(0, startOfDay(dayOfCivil({ ...civilDate(dayNumber(time)), day: 1 }))),
  ),
  ADD_MONTHS,
];

/** The overloads of every function, by name. */
export const FUNCTIONS: ReadonlyMap<string, readonly BuiltIn[]> = ALL.reduce(
  (byName, builtIn) => byName.set(builtIn.name, [...(byName.get(builtIn.name) ?? []), builtIn]),
  new Map<string, readonly BuiltIn[]>(),
);

export function fitsArgument(kind: ArgumentKind, type: Type): boolean {
  if (type.kind === "unknown") return true;
  if (kind === "integers") return type.kind === "list" && (type.item.kind === "int" || type.item.kind === "unknown");
  if (kind === "rounding")
    return (
      type.kind === "text" &&
      type.values !== undefined &&
      type.values.every((value) => ROUNDINGS.some((known) => known === value))
    );
  return type.kind === kind;
}

export function signatureOf({ name, form, args }: BuiltIn): string {
  const kinds = args.map((kind) => (kind === "rounding" ? ROUNDINGS.map((mode) => `"${mode}"`).join("|") : kind));
  const [target, ...others] = kinds;
  return form === "method" ? `${target}.${name}(${others.join(", ")})` : `${name}(${kinds.join(", ")})`;
}

/** As in CEL, a function is no method and a method no function. */
export function formFault(
  { name, isMethod }: { readonly name: string; readonly isMethod: boolean },
  overloads: readonly BuiltIn[],
): string | undefined {
  if (overloads.some(({ form }) => form === "either" || (form === "method") === isMethod)) return undefined;
  return isMethod ? `${name} stands before all its arguments` : `${name} stands after its first argument and a dot`;
}

export function callOf(name: string, types: readonly Type[]): string {
  return `${name}(${types.map(typeName).join(", ")})`;
}
