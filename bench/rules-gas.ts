// Measures what a unit of gas buys: the time per unit of every operation, and writes the table into docs/gas.md.
// It measures one thread, with what the machine's other work leaves of it: the least of many short runs counts.

import { readFileSync, writeFileSync } from "node:fs";
import { compileExpression } from "../src/contracts/compile-expression.ts";
import { compileSource, Engine } from "../src/contracts/engine.ts";
import { type BlockOutput, executeBlock } from "../src/contracts/execute-block.ts";
import type { Frame } from "../src/contracts/frame.ts";
import { GAS } from "../src/contracts/gas.ts";
import { genesisWrites } from "../src/contracts/genesis-state.ts";
import { receiptsRootOf } from "../src/ledger/format-block.ts";
import { encodeReceipt, receiptHashOf, valueHashOf } from "../src/ledger/format-receipt.ts";
import { toHex } from "../src/ledger/hash.ts";
import type { Receipt, StateEntry } from "../src/ledger/types.ts";
import { Overlay } from "../src/state/overlay.ts";
import { StateTree } from "../src/state/tree.ts";
import { check, genesisWith, PARAMETERS, RULES, transaction } from "../test/unit/contracts/support.ts";
import { machineFacts } from "./machine.ts";
import { ACTIONS, type ActionCase, DOCUMENT, EXPRESSIONS, NAMES } from "./rules-gas-cases.ts";

const PASSES = 6;
const RUNS = 25;
const RUN_NS = 400_000;
const TRANSACTIONS = 200;
/** No operation takes more than this many times as long for its units as the median operation. */
const CHEAP_MAX = 3;
const GUIDE = new URL("../docs/gas.md", import.meta.url);
const BEGIN = "<!-- measured: npm run bench:gas -->";
const END = "<!-- end -->";

interface Row {
  readonly group: string;
  readonly name: string;
  readonly units: number;
  readonly ns: number;
}

/** Something that can be repeated. */
interface Probe {
  readonly group: string;
  readonly name: string;
  readonly units: number;
  readonly rounds: (count: number) => void;
}

function main(): void {
  const expressions = prepareExpressions();
  const blocks = prepareBlocks();
  const deployment = prepareDeployment();
  const ns = leastOf([...expressions, ...blocks, deployment]);
  const row = ({ group, name, units, rounds }: Probe): Row => ({ group, name, units, ns: ns.get(rounds) ?? 0 });
  const actions = new Map(blocks.map((block) => [block.name, row(block)] as const));
  const rows = [...expressions.map(row), ...ACTIONS.map((one) => rowOfAction(one, actions)), row(deployment)];
  const each = rows.map(({ ns, units }) => ns / units).sort((left, right) => left - right);
  const reference = each[each.length >> 1] ?? 1;
  const cheap = rows.filter(({ ns, units }) => ns / units > reference * CHEAP_MAX);
  const table = render(rows, reference);
  process.stdout.write(`${table}\n`);
  for (const { name, ns, units } of cheap)
    process.stdout.write(`too cheap: ${name}: ${(ns / units).toFixed(1)} ns per unit\n`);
  if (process.argv.includes("--write")) writeGuide(table);
  process.stdout.write(
    `${rows.length} operations, ${reference.toFixed(1)} ns per unit, ${cheap.length} more than ${CHEAP_MAX}x cheaper\n`,
  );
  process.exitCode = cheap.length === 0 ? 0 : 1;
}

/**
 * ns of one round of each: the least of many runs so short that most are not interrupted, in several passes apart in time.
 * The CPU clocks of threads tick far too coarsely for this.
 */
function leastOf(probes: readonly Probe[]): ReadonlyMap<Probe["rounds"], number> {
  const least = new Map<Probe["rounds"], number>();
  const counts = new Map(probes.map(({ rounds }) => [rounds, countFor(rounds)] as const));
  for (let pass = 0; pass < PASSES; pass += 1)
    for (const [rounds, count] of counts)
      for (let run = 0; run < RUNS; run += 1) {
        const ns = wallNs(() => rounds(count)) / count;
        least.set(rounds, Math.min(least.get(rounds) ?? ns, ns));
      }
  return least;
}

/** How many rounds take long enough to be measured. */
function countFor(rounds: Probe["rounds"]): number {
  let count = 1;
  while (wallNs(() => rounds(count)) < RUN_NS && count < 1 << 20) count *= 2;
  return count;
}

function wallNs(work: () => void): number {
  const before = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - before);
}

// ---- expressions ----

function prepareExpressions(): readonly Probe[] {
  const values = Object.values(NAMES).map(([, value]) => value);
  const prepared = EXPRESSIONS.map(({ group, text }) => {
    const { typed, findings, slots } = check(text, NAMES);
    if (typed === undefined) throw new Error(`${text}: ${findings[0]?.message}`);
    const evaluate = compileExpression(typed);
    const frame: Frame = {
      gas: Number.MAX_SAFE_INTEGER,
      slots: [...values, ...new Array(slots - values.length)],
      rows: [],
      settings: [],
    };
    const rounds = (count: number) => {
      for (let round = 0; round < count; round += 1) evaluate(frame);
    };
    const before = frame.gas;
    evaluate(frame);
    return { group, name: text, units: before - frame.gas, rounds };
  });
  // As in a node: every kind of closure has run before any is measured.
  for (let round = 0; round < 3; round += 1) for (const { rounds } of prepared) rounds(200);
  return prepared;
}

// ---- actions, with what a block does for them afterwards: receipts and the state tree ----

class Ledger {
  readonly rows = new Map<string, StateEntry>();
  readonly engine = new Engine();
  readonly tree: StateTree;

  constructor() {
    const genesis = genesisWith(
      [{ name: "prices", source: DOCUMENT }],
      [{ id: "ann", organisation: "property", roles: ["clerk"] }],
    );
    const writes = genesisWrites(genesis, this.engine);
    const leaves = writes.flatMap(({ key, value }) =>
      value === undefined ? [] : [{ key, valueHash: valueHashOf(value), lastHeight: 0 }],
    );
    for (const { key, value } of writes) if (value !== undefined) this.rows.set(toHex(key), { value, lastHeight: 0 });
    this.tree = StateTree.build(leaves);
    this.fill();
  }

  get(key: Uint8Array): StateEntry | undefined {
    return this.rows.get(toHex(key));
  }

  /** Rows to read: small and large ones for every transaction. */
  private fill(): void {
    const source = DOCUMENT.slice(0, DOCUMENT.indexOf("actions:")).concat(
      "actions:\n  put:\n    by: [anyone]\n    params: {id: text(40), note: text(10000)}\n    do: [{insert: row, row: {id: p.id, n: 1, note: p.note}}]\n",
    );
    const genesis = genesisWith([{ name: "prices", source }], [{ id: "ann", organisation: "property", roles: [] }]);
    const engine = new Engine();
    const base = new Map<string, StateEntry>();
    for (const { key, value } of genesisWrites(genesis, engine))
      if (value !== undefined) base.set(toHex(key), { value, lastHeight: 0 });
    const overlay = new Overlay({ base: { get: (key) => base.get(toHex(key)) }, height: 1 });
    const put = (id: string, note: string) => ({ contract: "prices", action: "put", args: { id, note } });
    const transactions = Array.from({ length: TRANSACTIONS }, (_, n) => [
      ...Array.from({ length: 8 }, (_unused, index) => put(`small${n}-${index}`, "a short text of a few words")),
      ...Array.from({ length: 4 }, (_unused, index) => put(`large${n}-${index}`, "x".repeat(9_900))),
    ]).map((calls) => transaction("ann", calls, 10_000_000));
    execute({ overlay, engine, transactions });
    for (const { key, value } of overlay.writes())
      if (value !== undefined) this.rows.set(toHex(key), { value, lastHeight: 1 });
  }
}

function execute({
  overlay,
  engine,
  transactions,
}: {
  readonly overlay: Overlay;
  readonly engine: Engine;
  readonly transactions: readonly ReturnType<typeof transaction>[];
}): BlockOutput<Receipt> {
  const parameters = { ...PARAMETERS, blockGasMax: Number.MAX_SAFE_INTEGER };
  const input = { chainId: new Uint8Array(32), height: 1, timeMs: 1_793_000_000_000, dueTimers: [] };
  return executeBlock(
    { ...input, transactions, overlay, validators: [], parameters, engine, rules: RULES },
    (receipt) => receipt,
  );
}

function prepareBlocks(): readonly Probe[] {
  const ledger = new Ledger();
  const names = new Set(ACTIONS.flatMap(({ action, base }) => [action, base]).filter((name) => name !== ""));
  const blocks = [...names].map((action) => prepareBlock(ledger, action));
  for (const { rounds } of blocks) rounds(3);
  return blocks;
}

/** What an action does more than its base, each time. */
function rowOfAction({ name, action, base, count }: ActionCase, blocks: ReadonlyMap<string, Row>): Row {
  const [whole, part] = [blocks.get(action), blocks.get(base)];
  const per = count * TRANSACTIONS;
  return {
    group: "actions",
    name,
    units: ((whole?.units ?? 0) - (part?.units ?? 0)) / per,
    ns: Math.max(0, ((whole?.ns ?? 0) - (part?.ns ?? 0)) / per),
  };
}

/** A block of equal transactions over the same state each time. */
function prepareBlock(ledger: Ledger, action: string): Probe {
  const transactions = Array.from({ length: TRANSACTIONS }, (_, n) =>
    transaction("ann", [{ contract: "prices", action, args: { n } }], 10_000_000),
  );
  const run = () => {
    const overlay = new Overlay({ base: ledger, height: 1 });
    const output = execute({ overlay, engine: ledger.engine, transactions });
    receiptsRootOf(output.receipts.map((receipt) => receiptHashOf(encodeReceipt(receipt))));
    ledger.tree.stage(
      overlay.writes().map(({ key, value }) => ({
        key,
        leaf: value === undefined ? undefined : { valueHash: valueHashOf(value), lastHeight: 1 },
      })),
    );
    return output;
  };
  const { receipts } = run();
  const refused = receipts.find(({ status }) => status !== "ok");
  if (refused !== undefined) throw new Error(`${action}: ${refused.ruleId}`);
  const rounds = (count: number) => {
    for (let round = 0; round < count; round += 1) run();
  };
  return { group: "blocks", name: action, units: receipts.reduce((units, { gas }) => units + gas, 0), rounds };
}

function prepareDeployment(): Probe {
  const source = readFileSync(new URL("../src/contracts/library/registry.yaml", import.meta.url), "utf8");
  const bytes = new TextEncoder().encode(source).length;
  const rounds = (count: number) => {
    for (let round = 0; round < count; round += 1) compileSource(source);
  };
  return { group: "deployment", name: `a document of ${bytes} bytes`, units: bytes * GAS.sourceByte, rounds };
}

// ---- the table ----

function render(rows: readonly Row[], reference: number): string {
  const { cpu, kernel, node, commit } = machineFacts();
  const lines = rows.map(
    ({ group, name, units, ns }) =>
      `| ${group} | \`${name.replaceAll("|", "\\|")}\` | ${plain(units)} | ${plain(ns)} | ${(ns / units).toFixed(1)} | ${(ns / units / reference).toFixed(2)} |`,
  );
  return [
    `Measured ${new Date().toISOString().slice(0, 10)} on ${cpu}, Linux ${kernel}, Node ${node}, commit ${commit}: the median operation takes ${reference.toFixed(1)} ns per unit.`,
    "",
    "| Group | Operation | Units | ns | ns per unit | of the median |",
    "|---|---|---:|---:|---:|---:|",
    ...lines,
  ].join("\n");
}

function plain(number: number): string {
  return number >= 100 ? String(Math.round(number)) : number.toFixed(1).replace(/\.0$/, "");
}

function writeGuide(table: string): void {
  const guide = readFileSync(GUIDE, "utf8");
  const [before = "", after = ""] = [guide.slice(0, guide.indexOf(BEGIN)), guide.slice(guide.indexOf(END))];
  writeFileSync(GUIDE, `${before}${BEGIN}\n${table}\n${after}`);
}

main();
