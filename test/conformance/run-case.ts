// Runs one case three ways: as a contract, as a contract with parameters for its literals, and in the test profile.
// All three are the lexer, parser, checker and closures of contracts; only the last has a dialect.

import { checkExpression } from "../../src/contracts/check-expression.ts";
import { compileExpression } from "../../src/contracts/compile-expression.ts";
import type { Dialect } from "../../src/contracts/dialect.ts";
import { type Expression, parseExpression } from "../../src/contracts/expression.ts";
import { Findings } from "../../src/contracts/finding.ts";
import { SyntaxFault } from "../../src/contracts/lexer.ts";
import { ExpressionError, type Outcome } from "../../src/contracts/outcome.ts";
import { type Binding, Scope, SlotCounter } from "../../src/contracts/scope.ts";
import type { Typed } from "../../src/contracts/typed.ts";
import { membership, type Type, typeName } from "../../src/contracts/types.ts";
import type { Case, Variable } from "./cases.ts";
import { celName } from "./foreign-types.ts";
import { isSameResult, typeNameOf } from "./foreign-values.ts";
import { literalsAsVariables } from "./literals.ts";
import { TestProfile } from "./profile.ts";

const GAS = 1_000_000;

/**
 * `contract`: the language of contracts accepts the expression as it stands. `parameters`: it does once the literals are parameters,
 * so that no value is known before it runs. `profile`: the expression has something that contracts do not have.
 */
export type Way = "contract" | "parameters" | "profile";

export interface CaseReport {
  readonly test: Case;
  readonly way: Way;
  /** the first finding of the language of contracts, when it refuses the expression as it stands */
  readonly refusal: string | undefined;
  /** what is wrong; undefined when the case passed each way that takes it, and always that of the profile */
  readonly failure: string | undefined;
  /** nodes typed by the rules of contracts and by the profile, in the run with the profile */
  readonly nodes: { readonly own: number; readonly foreign: number };
}

/** An expression with the values of its variables, by slot. */
interface Subject {
  readonly tree: Expression;
  readonly variables: readonly Variable[];
}

type Attempt =
  | { readonly kind: "refused"; readonly codes: readonly string[] }
  | {
      readonly kind: "ran";
      readonly type: string;
      readonly outcome: Outcome | undefined;
      /** what the checker promised of the run and the run broke */
      readonly broken: string | undefined;
    };

export function runCase(test: Case): CaseReport {
  const contract = asContract(test, (subject) => subject);
  const parameters = asContract(test, literalsAsVariables);
  const profile = new TestProfile(test);
  const attempts: readonly (readonly [Way, Attempt])[] = [
    ["contract", contract],
    ["parameters", parameters],
    ["profile", inProfile(test, profile)],
  ];
  const faults = attempts
    .filter(([way, { kind }]) => way === "profile" || kind === "ran")
    .map(([way, attempt]) => [way, judge(test, attempt)] as const);
  const failed = faults.find(([, fault]) => fault !== undefined);
  return {
    test,
    way: attempts.find(([, { kind }]) => kind === "ran")?.[0] ?? "profile",
    refusal: contract.kind === "refused" ? contract.codes[0] : undefined,
    failure: failed?.join(": "),
    nodes: profile.nodes,
  };
}

/** Whether the language of contracts takes the expression, as it stands or with parameters. */
export function isContractExpression(test: Case): boolean {
  return [asContract(test, (subject) => subject), asContract(test, literalsAsVariables)].some(
    ({ kind }) => kind === "ran",
  );
}

// ---- the two languages ----

function asContract(test: Case, change: (subject: Subject) => Subject): Attempt {
  // Containers and functions of a case are of the world of protobuf: contracts have neither.
  const isDeclarable = test.variables.every(({ name, type }) => isContractType(type) && name.split(".").length < 3);
  if (!isDeclarable || test.container !== "" || test.functions.size > 0) return refused("NOT_DECLARABLE");
  return attempt(test, undefined, change, contractBindings);
}

function inProfile(test: Case, profile: TestProfile): Attempt {
  return attempt(
    test,
    profile,
    (subject) => subject,
    (variables) => variables.map((variable, slot) => [variable.name, bindingOf(variable, slot)]),
  );
}

function isContractType(type: Type): boolean {
  if (type.kind === "list") return isContractType(type.item);
  return type.kind !== "foreign" && type.kind !== "null";
}

function bindingOf({ name, type }: Variable, slot: number): Binding {
  return { kind: "value", slot, type, label: name };
}

/** `x` is a parameter, `x.y` a member of a namespace. */
function contractBindings(variables: readonly Variable[]): readonly (readonly [string, Binding])[] {
  return variables.map((variable, slot) => {
    const binding = bindingOf(variable, slot);
    const [first = "", second] = variable.name.split(".");
    return [
      first,
      second === undefined ? binding : { kind: "namespace", label: first, members: new Map([[second, binding]]) },
    ];
  });
}

function refused(...codes: readonly string[]): Attempt {
  return { kind: "refused", codes };
}

function attempt(
  test: Case,
  dialect: Dialect | undefined,
  change: (subject: Subject) => Subject,
  bind: (variables: readonly Variable[]) => readonly (readonly [string, Binding])[],
): Attempt {
  const findings = new Findings(test.expression);
  try {
    const { tree, variables } = change({ tree: parseExpression(test.expression, dialect), variables: test.variables });
    const slots = new SlotCounter();
    for (const _ of variables) slots.take();
    const scope = new Scope({ slots, used: new Set() }, bind(variables));
    const context = { scope, findings, placeOf: (offset: number) => offset };
    const typed = checkExpression(tree, dialect === undefined ? context : { ...context, dialect });
    if (findings.hasErrors) return refused(...findings.list().map(({ code }) => code));
    const type = celName(typed.type);
    if (test.expected === undefined) return { kind: "ran", type, outcome: undefined, broken: undefined };
    return { kind: "ran", type, ...evaluate(typed, variables, slots.count) };
  } catch (fault) {
    if (fault instanceof SyntaxFault) return refused(fault.code);
    throw fault;
  }
}

function evaluate(typed: Typed, variables: readonly Variable[], slotCount: number) {
  const slots: (Outcome | undefined)[] = new Array(slotCount).fill(undefined);
  for (const [slot, { value }] of variables.entries()) slots[slot] = value;
  const frame = { gas: GAS, slots, rows: [], settings: [] };
  const outcome = compileExpression(typed)(frame);
  return { outcome, broken: brokenPromise(typed, outcome, GAS - frame.gas) };
}

/** An error of what cannot fail, a value outside its type, or more units than the worst case. */
function brokenPromise({ fallible, type, worst }: Typed, outcome: Outcome, units: number): string | undefined {
  if (outcome instanceof ExpressionError) return fallible ? undefined : "it fails, and was said not to";
  // Texts of contracts hold no NUL, which their columns refuse; a literal may.
  const isOutside = isContractType(type) && !show(outcome).includes("\\u0000") && !membership(type)(outcome);
  if (isOutside) return `${show(outcome)} is no ${typeName(type)}`;
  return isContractType(type) && units > worst ? `${units} units are more than the worst case of ${worst}` : undefined;
}

// ---- the verdict ----

function judge({ expected, deducedType }: Case, attempted: Attempt): string | undefined {
  if (attempted.kind === "refused") return `refused: ${attempted.codes.join(", ")}`;
  const { type, outcome, broken } = attempted;
  if (broken !== undefined) return broken;
  if (deducedType !== undefined && type !== deducedType) return `type ${type} instead of ${deducedType}`;
  if (expected === undefined) return undefined;
  if (expected === "error") return outcome instanceof ExpressionError ? undefined : `${show(outcome)} is no error`;
  if (outcome === undefined || outcome instanceof ExpressionError) return `${show(outcome)} is no value`;
  return isSameResult(outcome, expected.value) ? undefined : `${show(outcome)} instead of ${show(expected.value)}`;
}

function show(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "nothing";
  if (outcome instanceof ExpressionError) return `error ${outcome.code}`;
  const text = JSON.stringify(outcome, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
  return `${typeNameOf(outcome)} ${text}`;
}
