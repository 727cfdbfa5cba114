// Runs the tests that contract authors write in YAML: given rows and money, when somebody acts, then rows, money and events.
// That no step makes or loses money is checked after each one without being asked for.

import type { Value } from "../ledger/codec.ts";
import type { Caller } from "./action-run.ts";
import { systemShape } from "./check-context.ts";
import { equalValues } from "./compile-expression.ts";
import type { CompiledContract, CompiledTable } from "./compiled.ts";
import type { Coverage } from "./coverage.ts";
import type { DryRun } from "./dry-run.ts";
import { compileSource, exportsOf } from "./engine.ts";
import { type Explanation, explain } from "./explain.ts";
import { Findings } from "./finding.ts";
import type { Refusal } from "./refusal.ts";
import { RowLayout } from "./row-layout.ts";
import { ANYONE_ROLE, CONTRACT_ROLE_PREFIX, LEDGER_CONTRACT } from "./system.ts";
import { MONEY, TIMERS } from "./system-layouts.ts";
import { type NewOverlay, type Step, TestLedger } from "./test-ledger.ts";
import { readTestValue, TestFault } from "./test-values.ts";
import { ID, INT64_MAX, INT64_MIN, integerType, TIME, type Type } from "./types.ts";
import { type MapEntry, readYaml, type SourceNode } from "./yaml-document.ts";

export interface AuthorTestOutcome {
  readonly name: string;
  /** 1-based line in the test file, of the test or of what failed */
  readonly line: number;
  /** undefined: passed */
  readonly problem: string | undefined;
  /** what its steps tried and were refused, in order */
  readonly refusals: readonly ExpectedRefusal[];
}

export interface ExpectedRefusal {
  /** `contract.action`, empty for a timer's */
  readonly action: string;
  /** as the test wrote it */
  readonly as: string;
  readonly ruleId: string;
  readonly sentence: Explanation;
}

export interface AuthorTestInput {
  /** the test file */
  readonly tests: string;
  /** documents; the first is the one under test, others only where they are imported or called */
  readonly sources: readonly string[];
  readonly newOverlay: NewOverlay;
  /** watches the document under test */
  readonly coverage?: Coverage;
}

const TEST_KEYS = ["test", "given", "when", "then"];
const STEP_KEYS = ["at", "as", "cosigners", "do", "with", "refused", "events"];
const INT: Type = integerType(INT64_MIN, INT64_MAX);

/** One outcome per test; a document that cannot be compiled is one failed outcome. */
export function runAuthorTests(input: AuthorTestInput): readonly AuthorTestOutcome[] {
  const findings = new Findings(input.tests);
  const tree = readYaml(input.tests, findings);
  const [finding] = findings.list();
  if (finding !== undefined || tree === undefined)
    return [failedFile("test file", finding?.line ?? 1, finding?.message ?? "is empty")];
  const contracts = compileAll(input.sources);
  if ("problem" in contracts) return [contracts];
  if (tree.kind !== "list") return [failedFile("test file", 1, "is a list of tests")];
  const [main] = contracts.byName;
  const watched =
    main && input.coverage ? new Map(contracts.byName).set(main[0], input.coverage.watch(main[1])) : contracts.byName;
  return tree.items.map((node) =>
    runTest(node, { contracts: watched, newOverlay: input.newOverlay, lineOf: (at) => findings.lineOf(at) }),
  );
}

function failedFile(name: string, line: number, problem: string): AuthorTestOutcome {
  return { name, line, problem, refusals: [] };
}

interface Call {
  readonly contract: string;
  readonly action: string;
  readonly caller: Caller;
  readonly args: readonly (readonly [string, Value])[];
}

/**
 * Tries one step of a test, `{at, as, do, with}`, over the rows of a `given`; both are texts in YAML or JSON.
 * @returns what would happen, or what is wrong with the texts
 */
export function tryStep(
  input: Omit<AuthorTestInput, "tests" | "coverage"> & { readonly given: string; readonly step: string },
): DryRun | { readonly problem: string } {
  const contracts = compileAll(input.sources);
  if ("problem" in contracts) return { problem: contracts.problem ?? "" };
  const findings = new Findings(input.given);
  const given = input.given.trim() === "" ? undefined : readYaml(input.given, findings);
  const step = readYaml(input.step, findings);
  const [finding] = findings.list();
  if (finding !== undefined || step === undefined) return { problem: finding?.message ?? "the step is empty" };
  const lines = new Findings(input.given);
  try {
    return new TestRun({ contracts: contracts.byName, newOverlay: input.newOverlay, lineOf: () => 0 }).trial(
      given,
      step,
    );
  } catch (fault) {
    if (!(fault instanceof TestFault)) throw fault;
    return { problem: `line ${lines.lineOf(fault.at)}: ${fault.message}` };
  }
}

interface Setting {
  readonly contracts: ReadonlyMap<string, CompiledContract>;
  readonly newOverlay: NewOverlay;
  readonly lineOf: (at: number) => number;
}

/** In an order in which each comes after what it imports; what is not given is believed. */
function compileAll(
  sources: readonly string[],
): { readonly byName: ReadonlyMap<string, CompiledContract> } | AuthorTestOutcome {
  const byName = new Map<string, CompiledContract>();
  for (const source of [...sources].reverse()) {
    const shapes = (name: string) => {
      const imported = byName.get(name);
      return imported && exportsOf(imported);
    };
    const { contract, findings } = compileSource(source, shapes);
    const finding = findings.find(({ severity }) => severity === "error");
    if (contract === undefined)
      return failedFile("document", finding?.line ?? 1, `${finding?.code}: ${finding?.message}`);
    byName.set(contract.name, contract);
  }
  return { byName: new Map([...byName].reverse()) };
}

function runTest(node: SourceNode, setting: Setting): AuthorTestOutcome {
  const name = node.kind === "map" ? textOf(node.entries.find(({ key }) => key === "test")?.value) : "";
  const run = new TestRun(setting);
  const { refusals } = run;
  try {
    run.test(node);
    return { name, line: setting.lineOf(node.at), problem: undefined, refusals };
  } catch (fault) {
    if (!(fault instanceof TestFault)) throw fault;
    return { name, line: setting.lineOf(fault.at), problem: fault.message, refusals };
  }
}

function textOf(node: SourceNode | undefined): string {
  return node?.kind === "scalar" ? node.text : "";
}

function show(value: Value): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

class TestRun {
  readonly refusals: ExpectedRefusal[] = [];
  private readonly ledger: TestLedger;
  private readonly main: CompiledContract;
  private readonly contracts: ReadonlyMap<string, CompiledContract>;
  private money = 0n;

  constructor({ contracts, newOverlay }: Setting) {
    const [main] = contracts.values();
    if (main === undefined) throw new TestFault(0, "there is no document under test");
    this.main = main;
    this.contracts = contracts;
    this.ledger = new TestLedger(contracts, newOverlay);
  }

  test(node: SourceNode): void {
    const parts = this.fields(node, TEST_KEYS);
    this.given(parts.get("given"));
    this.money = this.ledger.money();
    for (const [index, step] of this.items(parts.get("when")).entries()) this.numbered(step, index + 1);
    this.outcome(parts.get("then"));
  }

  /** One step after some rows, tried and not done. */
  trial(given: SourceNode | undefined, step: SourceNode): DryRun {
    this.given(given);
    const parts = this.fields(step, STEP_KEYS);
    const at = parts.get("at");
    if (at !== undefined) this.ledger.nowMs = this.time(at);
    const { contract, action, caller, args } = this.callOf(parts.get("do") ?? step, parts);
    return this.ledger.tryCall(contract, action, { caller, args });
  }

  // ---- shapes ----

  private fields(node: SourceNode, known: readonly string[]): ReadonlyMap<string, SourceNode> {
    if (node.kind !== "map") throw new TestFault(node.at, `{${known.join(", ")}} is expected`);
    const unknown = node.entries.find(({ key }) => !known.includes(key));
    if (unknown !== undefined)
      throw new TestFault(unknown.keyAt, `${unknown.key} is unknown here, known are ${known.join(", ")}`);
    return new Map(node.entries.map(({ key, value }) => [key, value] as const));
  }

  private entries(node: SourceNode | undefined): readonly MapEntry[] {
    if (node === undefined) return [];
    if (node.kind !== "map") throw new TestFault(node.at, "names with values are expected");
    return node.entries;
  }

  private items(node: SourceNode | undefined): readonly SourceNode[] {
    if (node === undefined) return [];
    if (node.kind !== "list") throw new TestFault(node.at, "a list is expected");
    return node.items;
  }

  /** `table` of the contract under test, or `contract.table`. */
  private layout(name: string, at: number): RowLayout {
    const [contract, table] = name.includes(".") ? name.split(".") : [this.main.name, name];
    const known: CompiledTable | undefined = this.contracts.get(contract ?? "")?.tables.get(table ?? "");
    const reads = [...this.main.actions.values()].flatMap((action) => action.reads.map((read) => read.layout));
    const shape = contract === LEDGER_CONTRACT ? systemShape(contract, table ?? "") : undefined;
    const layout = shape
      ? new RowLayout(shape)
      : (known?.layout ?? reads.find((read) => read.contract === contract && read.name === table));
    if (layout === undefined) throw new TestFault(at, `there is no table ${name}`);
    return layout;
  }

  // ---- given ----

  private given(node: SourceNode | undefined): void {
    for (const { key, keyAt, value } of this.entries(node)) {
      if (key === "money") for (const account of this.entries(value)) this.fund(account);
      else if (key === "settings") for (const setting of this.entries(value)) this.set(setting);
      else if (key === "now") this.ledger.nowMs = Number(readTestValue(value, TIME));
      else for (const row of this.items(value)) this.givenRow(this.layout(key, keyAt), row);
    }
  }

  private fund({ key, value }: MapEntry): void {
    this.ledger.put(MONEY, [key, readTestValue(value, INT)]);
  }

  private set({ key, keyAt, value }: MapEntry): void {
    const [contract = "", name = ""] = key.includes(".") ? key.split(".") : [this.main.name, key];
    if (this.contracts.get(contract)?.settings.some((setting) => setting.name === name) !== true)
      throw new TestFault(keyAt, `there is no setting ${key}`);
    this.ledger.settings.set(`${contract}.${name}`, readTestValue(value, INT));
  }

  /** Fields that a test leaves out are empty: 0, "", false, [], the first name of an enum. */
  private givenRow(layout: RowLayout, node: SourceNode): void {
    if (layout.contract === TIMERS.contract && layout.name === TIMERS.name)
      throw new TestFault(
        node.at,
        "timers are not given: a step that starts one does it, or as: timer/ledger acts as one",
      );
    const given = this.columnValues(layout, node);
    const row = layout.columns.map(
      ({ type, defaultValue }, index) => given.get(index) ?? defaultValue ?? emptyValue(type),
    );
    const wrong = this.ledger.put(layout, row);
    if (wrong !== undefined) throw new TestFault(node.at, `${layout.name}.${wrong} is not of its type`);
  }

  private columnValues(layout: RowLayout, node: SourceNode): ReadonlyMap<number, Value> {
    return new Map(
      this.entries(node).map(({ key, keyAt, value }) => {
        const index = layout.columns.findIndex(({ name }) => name === key);
        const column = layout.columns[index];
        if (column === undefined) throw new TestFault(keyAt, `table ${layout.name} has no field ${key}`);
        return [index, readTestValue(value, column.type.kind === "unknown" ? ID : column.type)] as const;
      }),
    );
  }

  // ---- when ----

  /** A step, whose number and action stand before whatever is wrong with it. */
  private numbered(node: SourceNode, number: number): void {
    try {
      this.step(node);
    } catch (fault) {
      if (!(fault instanceof TestFault)) throw fault;
      const action = node.kind === "map" ? textOf(node.entries.find(({ key }) => key === "do")?.value) : "";
      throw new TestFault(fault.at, `step ${number}${action === "" ? "" : ` (${action})`}: ${fault.message}`);
    }
  }

  private step(node: SourceNode): void {
    const parts = this.fields(node, STEP_KEYS);
    const at = parts.get("at");
    const timers = at === undefined ? [] : this.ledger.advance(this.time(at));
    const action = parts.get("do");
    const steps = action === undefined ? timers : [this.act(action, parts)];
    this.expectRefusal(node, steps, parts.get("refused"), { isAction: action !== undefined });
    this.expectEvents(steps, parts.get("events"));
    const money = this.ledger.money();
    if (money !== this.money)
      throw new TestFault(node.at, `the sum of all money went from ${this.money} to ${money} fen`);
  }

  private time(node: SourceNode): number {
    const time = Number(readTestValue(node, TIME));
    if (time < this.ledger.nowMs) throw new TestFault(node.at, `time goes forward: it is ${this.ledger.nowMs}`);
    return time;
  }

  private act(node: SourceNode, parts: ReadonlyMap<string, SourceNode>): Step {
    const { contract, action, caller, args } = this.callOf(node, parts);
    return this.ledger.call(contract, action, { caller, args });
  }

  private callOf(node: SourceNode, parts: ReadonlyMap<string, SourceNode>): Call {
    const path = textOf(node).split(".");
    const [contract = "", action = ""] = path.length === 2 ? path : [this.main.name, path[0] ?? ""];
    const compiled = this.contracts.get(contract)?.actions.get(action);
    if (compiled === undefined) throw new TestFault(node.at, `there is no action ${textOf(node)}`);
    const args = this.entries(parts.get("with")).map(({ key, keyAt, value }): readonly [string, Value] => {
      const column = compiled.columns.find(({ name }) => name === key);
      if (column === undefined) throw new TestFault(keyAt, `${action} has no parameter ${key}`);
      return [key, readTestValue(value, column.type)];
    });
    args.sort(([left], [right]) => (left < right ? -1 : 1));
    return { contract, action, caller: this.caller(parts, node.at), args };
  }

  /** `role/id` or `role+role/id`, with `@organisation` if it matters; cosigners likewise. */
  private caller(parts: ReadonlyMap<string, SourceNode>, at: number): Caller {
    const [names = "", rest] = textOf(parts.get("as")).split("/");
    if (rest === undefined || rest === "") throw new TestFault(parts.get("as")?.at ?? at, "as: role/id is expected");
    const [id = "", organisation = ""] = rest.split("@");
    const cosigners = this.items(parts.get("cosigners")).map((node) => textOf(node).split("/").at(-1) ?? "");
    const roles = names.split("+");
    // `contract:name/id`: as if that contract called on behalf of the account.
    const calling = roles.find((role) => role.startsWith(CONTRACT_ROLE_PREFIX));
    const contract = calling === undefined ? "" : calling.slice(CONTRACT_ROLE_PREFIX.length);
    return { id, organisation, roles: [...roles.filter((role) => role !== calling), ANYONE_ROLE], cosigners, contract };
  }

  private expectRefusal(
    node: SourceNode,
    steps: readonly Step[],
    wanted: SourceNode | undefined,
    { isAction }: { readonly isAction: boolean },
  ): void {
    const refused = steps.flatMap(({ refusal }) => (refusal === undefined ? [] : [refusal]));
    if (wanted === undefined) {
      const [refusal] = isAction ? refused : [];
      if (refusal !== undefined)
        throw new TestFault(
          node.at,
          `expected that it happens, got refused by ${refusal.ruleId}: ${refusal.values.map(([name, value]) => `${name} = ${show(value)}`).join(", ")}`,
        );
      return;
    }
    const rule = textOf(wanted);
    const refusal = refused.find(({ ruleId }) => ruleId === rule || ruleId === `${this.main.name}.${rule}`);
    if (refusal === undefined)
      throw new TestFault(
        wanted.at,
        `expected refused by ${rule}, got refused by ${refused.map(({ ruleId }) => ruleId).join(", ") || "nothing"}`,
      );
    this.noteRefusal(node, refusal);
  }

  private noteRefusal(node: SourceNode, refusal: Refusal): void {
    const partOf = (name: string) =>
      textOf(node.kind === "map" ? node.entries.find(({ key }) => key === name)?.value : undefined);
    const action = partOf("do");
    this.refusals.push({
      action: action === "" || action.includes(".") ? action : `${this.main.name}.${action}`,
      as: partOf("as"),
      ruleId: refusal.ruleId,
      sentence: explain({ ...refusal, events: [] }, (name) => this.contracts.get(name)),
    });
  }

  private expectEvents(steps: readonly Step[], wanted: SourceNode | undefined): void {
    if (wanted === undefined) return;
    const names = this.items(wanted).map(textOf).join(", ");
    const given = steps.flatMap(({ events }) => events.map(({ name }) => name)).join(", ");
    if (names !== given) throw new TestFault(wanted.at, `expected events [${names}], got [${given}]`);
  }

  // ---- then ----

  private outcome(node: SourceNode | undefined): void {
    for (const { key, keyAt, value } of this.entries(node)) {
      if (key === "money") for (const account of this.entries(value)) this.expectMoney(account);
      else if (key === "absent") this.expectAbsent(value);
      else for (const row of this.items(value)) this.expectRow(this.layout(key, keyAt), row);
    }
  }

  private expectMoney({ key, keyAt, value }: MapEntry): void {
    const balance = this.ledger.balance(key);
    const wanted = readTestValue(value, INT);
    if (balance !== wanted) throw new TestFault(keyAt, `expected ${show(wanted)} fen in ${key}, got ${show(balance)}`);
  }

  private expectAbsent(node: SourceNode): void {
    for (const { key, keyAt, value } of this.entries(node)) {
      const layout = this.layout(key, keyAt);
      for (const row of this.items(value)) {
        if (this.rowOf(layout, this.columnValues(layout, row), row.at) !== null)
          throw new TestFault(row.at, `expected no row of ${layout.name}, got one`);
      }
    }
  }

  private rowOf(layout: RowLayout, values: ReadonlyMap<number, Value>, at: number): readonly Value[] | null {
    const key = layout.keyColumns.map(({ name }, index) => {
      const value = values.get(index);
      if (value === undefined) throw new TestFault(at, `the key ${layout.name}.${name} is needed`);
      return value;
    });
    return layout.read(this.ledger.overlay, key);
  }

  private expectRow(layout: RowLayout, node: SourceNode): void {
    const wanted = this.columnValues(layout, node);
    const row = this.rowOf(layout, wanted, node.at);
    if (row === null) throw new TestFault(node.at, `expected a row of ${layout.name}, got none`);
    for (const [index, value] of wanted) {
      const found = row[index] ?? null;
      if (!equalValues(found, value))
        throw new TestFault(
          node.at,
          `expected ${layout.name}.${layout.columns[index]?.name} ${show(value)}, got ${show(found)}`,
        );
    }
  }
}

function emptyValue(type: Type): Value {
  switch (type.kind) {
    case "bool":
      return false;
    case "int":
      return type.min > 0n ? Number(type.min) : 0;
    case "text":
      return type.values?.[0] ?? "";
    case "bytes":
      return new Uint8Array(0);
    case "list":
      return [];
    default:
      return null;
  }
}
