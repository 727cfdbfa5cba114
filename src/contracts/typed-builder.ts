// Builds typed nodes: adds up what they cost, how deep they are and whether they can fail, and reports findings at their places.
// What a node may consist of is decided by its callers.

import type { Expression } from "./expression.ts";
import { EXPRESSION_DEPTH_MAX, type Findings, type Offset } from "./finding.ts";
import { GAS } from "./gas.ts";
import type { Typed, TypedFacts } from "./typed.ts";
import { type Type, UNKNOWN } from "./types.ts";

/** A node before its facts are known. */
export type Draft<T> = T extends unknown ? Omit<T, keyof TypedFacts> : never;

export interface Shape {
  readonly type: Type;
  /** units of the node itself */
  readonly own?: number;
  /** parts that are always evaluated */
  readonly strict?: readonly Typed[];
  /** parts that are evaluated at most once, paid when entered */
  readonly lazy?: readonly Typed[];
  /** bound of units that depend on sizes or rounds */
  readonly extra?: number;
  readonly fallible?: boolean;
}

/** Where an offset into an expression's text stands in the document. */
export type PlaceOf = (offset: Offset) => Offset;

export class TypedBuilder {
  readonly findings: Findings;
  readonly placeOf: PlaceOf;

  constructor(findings: Findings, placeOf: PlaceOf) {
    this.findings = findings;
    this.placeOf = placeOf;
  }

  /** Reports a finding; the node stands for the broken part. */
  broken(expression: Expression, code: string, message: string, known?: readonly string[]): Typed {
    this.findings.error(this.placeOf(expression.at), code, message, known);
    return this.silent(expression);
  }

  /** Stands for a part that already has a finding; nothing more is reported about it. */
  silent(expression: Expression): Typed {
    return this.node(expression, { kind: "constant", value: null }, { type: UNKNOWN });
  }

  node(expression: Expression, draft: Draft<Typed>, shape: Shape): Typed {
    const { type, own = GAS.node, strict = [], lazy = [], extra = 0, fallible = false } = shape;
    let cost = own;
    let worst = own + extra;
    let depth = 0;
    let isFallible = fallible;
    for (const part of strict) cost += part.cost;
    for (const part of [...strict, ...lazy]) {
      worst += part.worst;
      depth = Math.max(depth, part.depth);
      isFallible ||= part.fallible;
    }
    const place = { at: this.placeOf(expression.at), end: this.placeOf(expression.end) };
    return {
      ...draft,
      ...place,
      type,
      cost,
      worst,
      depth: this.countedDepth(expression, depth + 1),
      fallible: isFallible,
    };
  }

  // A define may stand on another: their depths add up, whatever each one's own text looks like.
  countedDepth(expression: Expression, depth: number): number {
    if (depth === EXPRESSION_DEPTH_MAX + 1) {
      this.findings.error(
        this.placeOf(expression.at),
        "EXPRESSION_TOO_DEEP",
        `with what it refers to, the expression is more than ${EXPRESSION_DEPTH_MAX} levels deep`,
      );
    }
    return depth;
  }
}
