// Walks a typed expression with what is known of its names: what can overflow, divide by zero, or is decided before it runs.
// It reports and learns; it never changes what is compiled. Every part is visited once, a definition at most twice.

import type { Findings } from "./finding.ts";
import { arithmeticFacts, greatest, least, negationFacts } from "./intervals.ts";
import {
  bothFacts,
  eitherFacts,
  type Facts,
  join,
  type Known,
  knownOfType,
  meet,
  mirrored,
  NO_FACTS,
  NOTHING_KNOWN,
  narrowed,
  opposite,
  without,
} from "./known.ts";
import { type ArithmeticOperator, type ComparisonOperator, childrenOf, type Typed } from "./typed.ts";
import { INT64_MAX, INT64_MIN, integerType } from "./types.ts";

/** What an expression can give, and what its being true or false tells about names. */
export interface Judged {
  readonly known: Known;
  readonly whenTrue: Facts;
  readonly whenFalse: Facts;
}

/** What holds at a place: what is certain for the rest of the run, and the conditions around the place. */
interface Place {
  readonly facts: ReadonlyMap<string, Known>;
  readonly outer: Place | undefined;
}

const value = (known: Known): Judged => ({ known, whenTrue: NO_FACTS, whenFalse: NO_FACTS });

export class ExpressionAnalysis {
  private readonly findings: Findings;
  /** places that have a finding: one is enough */
  private readonly reported = new Set<string>();
  private readonly definitions = new Map<number, Judged>();
  private certain: Place = { facts: new Map(), outer: undefined };
  private isSilent = false;

  constructor(findings: Findings) {
    this.findings = findings;
  }

  /** Conditions that hold for the rest of the run. @returns whether they can */
  hold(facts: Facts): boolean {
    if (facts === undefined) return false;
    const all = bothFacts(this.certain.facts, facts);
    if (all === undefined) return false;
    this.certain = { facts: all, outer: undefined };
    return true;
  }

  /** What is known by now of a name. */
  knownOf(label: string): Known {
    return this.certain.facts.get(label) ?? NOTHING_KNOWN;
  }

  /** @param under conditions that hold only here; undefined: nothing here ever runs */
  judge(typed: Typed, under: Facts): Judged {
    return under === undefined ? value(NOTHING_KNOWN) : this.walk(typed, this.inside(this.certain, under));
  }

  private inside(outer: Place, facts: ReadonlyMap<string, Known>): Place {
    return facts.size === 0 ? outer : { facts, outer };
  }

  /** A part that runs only when `facts` hold. */
  private under(typed: Typed, facts: Facts, place: Place): Judged | undefined {
    return facts === undefined ? undefined : this.walk(typed, this.inside(place, facts));
  }

  private walk(typed: Typed, place: Place): Judged {
    switch (typed.kind) {
      case "constant":
        return constantKnown(typed);
      case "slot":
      case "setting":
      case "field":
        return this.named(typed, nameOf(typed), knownOfType(typed.type), place);
      case "define":
        return this.definition(typed, place);
      case "row":
      case "isAbsent":
        return value(NOTHING_KNOWN);
      case "not": {
        const { known, whenTrue, whenFalse } = this.walk(typed.operand, place);
        return { known: negated(known), whenTrue: whenFalse, whenFalse: whenTrue };
      }
      case "negate":
        return value(this.negation(typed, place));
      case "and":
        return this.both(typed.left, typed.right, place);
      case "or":
        return this.either(typed.left, typed.right, place);
      case "conditional":
        return this.conditional(typed, place);
      case "compare":
        return this.comparison(typed, place);
      case "in":
        return this.membership(typed, place);
      case "arithmetic":
        return value(this.arithmetic(typed, place));
      case "call":
        return value(this.call(typed, place));
      case "concat":
      case "index":
      case "list":
      case "macro":
      case "member":
        // Nothing is learned from the others: their type says what they give.
        for (const part of childrenOf(typed)) this.walk(part, place);
        return value(knownOfType(typed.type));
    }
  }

  // ---- names ----

  private lookup(label: string, from: Known, place: Place): Known {
    let known = from;
    for (let at: Place | undefined = place; at !== undefined; at = at.outer)
      known = meet(known, at.facts.get(label) ?? NOTHING_KNOWN) ?? known;
    return known;
  }

  private named(typed: Typed, label: string | undefined, from: Known, place: Place): Judged {
    if (label === undefined) return value(from);
    const known = this.lookup(label, from, place);
    if (typed.type.kind !== "bool") return value(known);
    const when = (truth: boolean): Facts => {
      const met = meet(known, { kind: "bool", value: truth });
      return met && new Map([[label, met]]);
    };
    return { known, whenTrue: when(true), whenFalse: when(false) };
  }

  // Evaluated where it is first needed: what it reports is judged there, what is remembered of it holds everywhere.
  private definition(typed: Typed & { kind: "define" }, place: Place): Judged {
    let judged = this.definitions.get(typed.slot);
    if (judged === undefined) {
      if (place !== this.certain) this.walk(typed.body, place);
      judged = this.silently(place !== this.certain, () => this.walk(typed.body, this.certain));
      this.definitions.set(typed.slot, judged);
    }
    const named = this.named(typed, typed.label, judged.known, place);
    return {
      known: named.known,
      whenTrue: bothFacts(judged.whenTrue, named.whenTrue),
      whenFalse: bothFacts(judged.whenFalse, named.whenFalse),
    };
  }

  private silently<T>(isSilent: boolean, work: () => T): T {
    const before = this.isSilent;
    this.isSilent ||= isSilent;
    const result = work();
    this.isSilent = before;
    return result;
  }

  // ---- logic ----

  private both(left: Typed, right: Typed, place: Place): Judged {
    const first = this.walk(left, place);
    const second = this.under(right, first.whenTrue, place);
    const whenTrue = second === undefined ? undefined : bothFacts(first.whenTrue, second.whenTrue);
    // error && false is false: of a left side that may fail, its being false tells nothing.
    if (left.fallible) return { known: NOTHING_KNOWN, whenTrue, whenFalse: NO_FACTS };
    const whenFalse = second === undefined ? first.whenFalse : eitherFacts(first.whenFalse, second.whenFalse);
    return { known: NOTHING_KNOWN, whenTrue, whenFalse };
  }

  private either(left: Typed, right: Typed, place: Place): Judged {
    const first = this.walk(left, place);
    // error || true is true: after a left side that may fail, the right side runs whatever is known.
    const second = left.fallible ? this.walk(right, place) : this.under(right, first.whenFalse, place);
    const whenTrue = second === undefined ? first.whenTrue : eitherFacts(first.whenTrue, second.whenTrue);
    const whenFalse = second === undefined ? undefined : bothFacts(first.whenFalse, second.whenFalse);
    return { known: NOTHING_KNOWN, whenTrue, whenFalse };
  }

  private conditional(typed: Typed & { kind: "conditional" }, place: Place): Judged {
    const { whenTrue, whenFalse } = this.walk(typed.condition, place);
    const first = this.under(typed.whenTrue, whenTrue, place);
    const second = this.under(typed.whenFalse, whenFalse, place);
    if (first === undefined || second === undefined) return first ?? second ?? value(NOTHING_KNOWN);
    const part = (side: "whenTrue" | "whenFalse") =>
      eitherFacts(bothFacts(whenTrue, first[side]), bothFacts(whenFalse, second[side]));
    return { known: join(first.known, second.known), whenTrue: part("whenTrue"), whenFalse: part("whenFalse") };
  }

  private comparison(typed: Typed & { kind: "compare" }, place: Place): Judged {
    const left = this.walk(typed.left, place).known;
    const right = this.walk(typed.right, place).known;
    const when = (operator: ComparisonOperator): Facts => {
      const [first, second] = [narrowed(left, operator, right), narrowed(right, mirrored(operator), left)];
      return first && second && bothFacts(factOf(typed.left, first), factOf(typed.right, second));
    };
    return this.decided(typed, [left, right], {
      whenTrue: when(typed.operator),
      whenFalse: when(opposite(typed.operator)),
    });
  }

  private membership(typed: Typed & { kind: "in" }, place: Place): Judged {
    const item = this.walk(typed.item, place).known;
    this.walk(typed.list, place);
    const all = literalsKnown(typed.list);
    if (all.kind === "nothing") return value(NOTHING_KNOWN);
    const met = meet(item, all);
    const rest = item.kind === "text" && all.kind === "text" ? without(item, all.values) : item;
    return this.decided(typed, [item, all], {
      whenTrue: met && factOf(typed.item, met),
      whenFalse: rest && factOf(typed.item, rest),
    });
  }

  private decided(typed: Typed, sides: readonly Known[], { whenTrue, whenFalse }: Omit<Judged, "known">): Judged {
    const why = `${sides.map(describe).join(" against ")}, from the declared ranges and what stands before`;
    if (whenTrue === undefined) this.warn(typed, "ALWAYS_FALSE", `this is never true: ${why}`);
    // An error is not true: a part that may fail decides something.
    else if (whenFalse === undefined && !typed.fallible) this.warn(typed, "ALWAYS_TRUE", `this is always true: ${why}`);
    return { known: NOTHING_KNOWN, whenTrue, whenFalse };
  }

  // ---- numbers ----

  private negation(typed: Typed & { kind: "negate" | "not" }, place: Place): Known {
    const operand = this.walk(typed.operand, place).known;
    if (operand.kind !== "int") return NOTHING_KNOWN;
    const { min, max } = negationFacts(integerType(operand.min, operand.max));
    return this.inRange(typed, "-", { min, max });
  }

  private arithmetic(typed: Typed & { kind: "arithmetic" }, place: Place): Known {
    const left = this.walk(typed.left, place).known;
    const right = this.walk(typed.right, place).known;
    if (left.kind !== "int" || right.kind !== "int") return NOTHING_KNOWN;
    const { operator } = typed;
    // What fails for all values of the declared types has its finding already.
    if (failsAlways(typed)) return NOTHING_KNOWN;
    if (operator === "/" || operator === "%") this.reportZero(typed, right);
    const facts = arithmeticFacts(operator, integerType(left.min, left.max), integerType(right.min, right.max));
    return facts.isHopeless && (operator === "/" || operator === "%")
      ? NOTHING_KNOWN
      : this.inRange(typed, operator, facts);
  }

  /** Reports results beyond 64 bits, of which nothing more is known: what stands on them is not reported again. */
  private inRange(
    typed: Typed,
    operator: ArithmeticOperator,
    { min, max }: { readonly min: bigint; readonly max: bigint },
  ): Known {
    if (min >= INT64_MIN && max <= INT64_MAX) return { kind: "int", min, max };
    this.warn(
      typed,
      "MAY_OVERFLOW",
      `the result of ${operator} can be ${min} to ${max}, beyond 64 bits: declare smaller ranges, as in int(0..1000000), or limit the parts in require`,
    );
    return NOTHING_KNOWN;
  }

  private reportZero(typed: Typed, divisor: Known): void {
    if (divisor.kind === "int" && divisor.min <= 0n && divisor.max >= 0n)
      this.warn(
        typed,
        "MAY_DIVIDE_BY_ZERO",
        `the divisor can be ${divisor.min} to ${divisor.max}, 0 among them: declare a range without 0, or exclude it in require`,
      );
  }

  private call(typed: Typed & { kind: "call" }, place: Place): Known {
    const known = typed.args.map((part) => this.walk(part, place).known);
    const [left, right, divisor] = known;
    if (typed.builtIn.name !== "mulDiv" || left?.kind !== "int" || right?.kind !== "int" || divisor?.kind !== "int")
      return knownOfType(typed.type);
    this.reportZero(typed, divisor);
    const products = [left.min * right.min, left.min * right.max, left.max * right.min, left.max * right.max];
    const divisors = [divisor.min, divisor.max, -1n, 1n].filter(
      (by) => by !== 0n && by >= divisor.min && by <= divisor.max,
    );
    const quotients = [0n, ...products.flatMap((product) => divisors.map((by) => product / by))];
    // Rounding moves a result by one at most.
    return this.inRange(typed, "/", { min: least(quotients) - 1n, max: greatest(quotients) + 1n });
  }

  private warn(typed: Typed, code: string, message: string): void {
    const place = `${code} ${typed.at}`;
    if (this.isSilent || this.reported.has(place)) return;
    this.reported.add(place);
    this.findings.warning(typed.at, code, message);
  }
}

function failsAlways({ operator, left, right }: Typed & { kind: "arithmetic" }): boolean {
  return (
    left.type.kind === "int" && right.type.kind === "int" && arithmeticFacts(operator, left.type, right.type).isHopeless
  );
}

function constantKnown(typed: Typed): Judged {
  if (typed.kind !== "constant") return value(NOTHING_KNOWN);
  const { value: constant } = typed;
  if (typeof constant === "boolean")
    return {
      known: { kind: "bool", value: constant },
      whenTrue: constant ? NO_FACTS : undefined,
      whenFalse: constant ? undefined : NO_FACTS,
    };
  return value(knownOfType(typed.type));
}

/** All that the literals of a list can be; nothing known of a list with other items, or none. */
function literalsKnown(list: Typed): Known {
  if (list.kind !== "list" || !list.items.every(({ kind }) => kind === "constant")) return NOTHING_KNOWN;
  const texts: string[] = [];
  const numbers: bigint[] = [];
  for (const { type } of list.items) {
    if (type.kind === "text") texts.push(...(type.values ?? []));
    else if (type.kind === "int") numbers.push(type.min);
  }
  if (numbers.length > 0) return { kind: "int", min: least(numbers), max: greatest(numbers) };
  return texts.length > 0 ? { kind: "text", values: [...new Set(texts)] } : NOTHING_KNOWN;
}

function describe(known: Known): string {
  switch (known.kind) {
    case "int":
      return known.min === known.max ? String(known.min) : `${known.min} to ${known.max}`;
    case "text":
      return known.values.map((text) => JSON.stringify(text)).join(" or ");
    case "bool":
      return String(known.value);
    case "nothing":
      return "any value";
  }
}

function negated(known: Known): Known {
  return known.kind === "bool" ? { kind: "bool", value: !known.value } : NOTHING_KNOWN;
}

/** What facts about a part are kept under: as people wrote it, or the variable of a macro, of which nothing leaves its body. */
function nameOf(typed: Typed): string | undefined {
  if (typed.kind === "slot") return typed.label ?? `#${typed.slot}`;
  return "label" in typed ? typed.label : undefined;
}

/** Learned about a part that has a name; a definition or a setting counts as one. */
function factOf(typed: Typed, known: Known): Facts {
  const label = nameOf(typed);
  return label === undefined || known.kind === "nothing" ? NO_FACTS : new Map([[label, known]]);
}
