// `npm run bench:rules`: time per evaluation of one rule and per action of the library, beside plain JavaScript, @bufbuild/cel and QuickJS.
// One thread; the least of many short runs counts, since other work on the machine only ever adds. Prints a table and a line of JSON.

import { readFileSync } from "node:fs";
import { CelScalar, celEnv, mapType, parse, plan } from "@bufbuild/cel";
import { getQuickJS } from "quickjs-emscripten";
import { type ActionHost, frameOf, runAction } from "../src/contracts/action-run.ts";
import { checkExpression } from "../src/contracts/check-expression.ts";
import { compileExpression } from "../src/contracts/compile-expression.ts";
import type { CompiledContract } from "../src/contracts/compiled.ts";
import { Engine } from "../src/contracts/engine.ts";
import { parseExpression } from "../src/contracts/expression.ts";
import { Findings } from "../src/contracts/finding.ts";
import type { Evaluate, Frame } from "../src/contracts/frame.ts";
import { MeteredOverlay } from "../src/contracts/metered-overlay.ts";
import { OUT_OF_GAS } from "../src/contracts/outcome.ts";
import type { RowLayout } from "../src/contracts/row-layout.ts";
import { type Binding, Scope, SlotCounter } from "../src/contracts/scope.ts";
import { EMPTY_STATE, TestLedger } from "../src/contracts/test-ledger.ts";
import { integerType, type Type, textType } from "../src/contracts/types.ts";
import type { Value } from "../src/ledger/codec.ts";
import { Overlay } from "../src/state/overlay.ts";
import { timesOfActions } from "./action-times.ts";
import { leastUs } from "./least.ts";
import { machineFacts } from "./machine.ts";

const RULE = 'tx.amount > 0 && state.balance >= tx.amount && role in ["property","street"]';
const SUM = "tx.amount * 3 + state.balance - 7 >= 0";
const INPUTS = 256;
const GAS = 1_000_000_000;
const NOW_MS = 200;

interface Input {
  readonly amount: number;
  readonly balance: number;
  readonly role: string;
}
interface Row {
  readonly what: string;
  readonly us: number;
}

/** All three parts are reached by most inputs, and each decides for some. */
const inputs: readonly Input[] = Array.from({ length: INPUTS }, (_, index) => ({
  amount: index % 16 === 0 ? 0 : (index * 7919) % 100_000,
  balance: index % 8 === 0 ? 10 : 200_000 + index,
  role: ["property", "street", "owner"][index % 3] ?? "",
}));

const overInputs = (evaluate: (index: number) => boolean) => () => {
  let count = 0;
  for (let index = 0; index < INPUTS; index += 1) if (evaluate(index)) count += 1;
  return count;
};

// ---- one rule ----

const SAFE: Type = integerType(0n, 1_000_000_000_000n, "money");

function compiled(text: string): Evaluate {
  const findings = new Findings(text);
  const slots = new SlotCounter();
  const member = (label: string): Binding => ({ kind: "value", slot: slots.take(), type: SAFE, label });
  const scope = new Scope({ slots, used: new Set() }, [
    ["tx", { kind: "namespace", label: "tx", members: new Map([["amount", member("tx.amount")]]) }],
    ["state", { kind: "namespace", label: "state", members: new Map([["balance", member("state.balance")]]) }],
    ["role", { kind: "value", slot: slots.take(), type: textType(16), label: "role" }],
  ]);
  const typed = checkExpression(parseExpression(text), { scope, findings, placeOf: (offset) => offset });
  if (findings.hasErrors) throw new Error(JSON.stringify(findings.list()));
  return compileExpression(typed);
}

function measureCompiled(text: string): number {
  const evaluate = compiled(text);
  const frames: readonly Frame[] = inputs.map(({ amount, balance, role }) => ({
    gas: GAS,
    slots: [amount, balance, role],
    rows: [],
    settings: [],
  }));
  return leastUs(
    INPUTS,
    overInputs((index) => {
      const frame = frames[index]!;
      frame.gas = GAS;
      return evaluate(frame) === true;
    }),
  );
}

/** What the rule spends on gas: one segment for the whole and one for the right side of each `&&`. */
function measureMetering(segments: number): number {
  const frames: readonly Frame[] = inputs.map(() => ({ gas: GAS, slots: [], rows: [], settings: [] }));
  const pay = (frame: Frame, units: number) => {
    frame.gas -= units;
    if (frame.gas < 0) throw OUT_OF_GAS;
  };
  return leastUs(
    INPUTS,
    overInputs((index) => {
      const frame = frames[index]!;
      frame.gas = GAS;
      for (let segment = 0; segment < segments; segment += 1) pay(frame, index & 3);
      return true;
    }),
  );
}

const STAFF = ["property", "street"];
const plainRule = ({ amount, balance, role }: Input) => amount > 0 && balance >= amount && STAFF.includes(role);
const plainSum = ({ amount, balance }: Input) => amount * 3 + balance - 7 >= 0;

function measureBufbuild(): number {
  const map = mapType(CelScalar.STRING, CelScalar.DYN);
  const run = plan(celEnv({ variables: { tx: map, state: map, role: CelScalar.STRING } }), parse(RULE));
  const bindings = inputs.map(({ amount, balance, role }) => ({
    tx: new Map([["amount", BigInt(amount)]]),
    state: new Map([["balance", BigInt(balance)]]),
    role,
  }));
  return leastUs(
    INPUTS,
    overInputs((index) => run(bindings[index]!) === true),
  );
}

async function measureQuickJs(): Promise<number> {
  const context = (await getQuickJS()).newContext();
  const call = context.unwrapResult(
    context.evalCode(
      `(amount, balance, role) => amount > 0 && balance >= amount && ${JSON.stringify(STAFF)}.includes(role)`,
    ),
  );
  const handles = inputs.map(({ amount, balance, role }) => [
    context.newNumber(amount),
    context.newNumber(balance),
    context.newString(role),
  ]);
  const isTrue = context.true;
  const us = leastUs(
    INPUTS,
    overInputs((index) => {
      const result = context.unwrapResult(context.callFunction(call, context.undefined, ...handles[index]!));
      const held = context.eq(result, isTrue);
      result.dispose();
      return held;
    }),
  );
  for (const handle of [...handles.flat(), call]) handle.dispose();
  context.dispose();
  return us;
}

// ---- actions of the library ----

const LIBRARY = [
  "fees",
  "device-repair",
  "service-rating",
  "owners-vote",
  "polls",
  "holders",
  "registry",
  "governance",
];

function loadLibrary(): ReadonlyMap<string, CompiledContract> {
  const engine = new Engine();
  const contracts = new Map<string, CompiledContract>();
  for (const name of [...LIBRARY].reverse()) {
    const source = readFileSync(new URL(`../src/contracts/library/${name}.yaml`, import.meta.url), "utf8");
    const { contract, findings } = engine.compile(source, (imported) => contracts.get(imported));
    if (contract === undefined) throw new Error(`${name}: ${JSON.stringify(findings)}`);
    contracts.set(name, contract);
  }
  return contracts;
}

/** A complete row: what is not given is empty. */
function rowOf({ columns }: RowLayout, given: Readonly<Record<string, Value>>): readonly Value[] {
  return columns.map(({ name, type, defaultValue }) => given[name] ?? defaultValue ?? emptyOf(type));
}

function emptyOf(type: Type): Value {
  switch (type.kind) {
    case "bool":
      return false;
    case "int":
      return Number(type.min > 0n ? type.min : 0n);
    case "text":
      return type.values?.[0] ?? "";
    case "bytes":
      return new Uint8Array(0);
    default:
      return [];
  }
}

interface Scene {
  readonly rows: readonly (readonly [contract: string, table: string, row: Readonly<Record<string, Value>>])[];
  readonly contract: string;
  readonly action: string;
  readonly caller: string;
  readonly role: string;
  readonly args: Readonly<Record<string, Value>>;
}

const DIGEST = new Uint8Array(32);
const SCENES: readonly Scene[] = [
  {
    rows: [
      ["registry", "roll_entry", { roll: "r", head: "h1", area: 900 }],
      [
        "owners-vote",
        "motion",
        { id: "m", roll: "r", state: "open", closes: 1000, roll_heads: 3, roll_area: 1050, text_hash: DIGEST },
      ],
    ],
    contract: "owners-vote",
    action: "vote",
    caller: "h1",
    role: "owner",
    args: { commitment: DIGEST, motion: "m", sealed: DIGEST, text_hash: DIGEST },
  },
  {
    rows: [
      ["registry", "device", { id: "d1", community: "linli", gateway: "g1", limit: 70 }],
      ["device-repair", "condition", { device: "d1", counter: 6 }],
    ],
    contract: "device-repair",
    action: "report",
    caller: "g1",
    role: "device",
    args: { at: 0, code: 105, counter: 7, device: "d1", reading: 73 },
  },
];

/** The whole action, arguments to encoded writes, undone again each time. */
function measureAction(contracts: ReadonlyMap<string, CompiledContract>, scene: Scene): Row & { readonly gas: number } {
  const ledger = new TestLedger(contracts, () => new Overlay({ base: EMPTY_STATE, height: 1 }));
  for (const [owner, table, row] of scene.rows) {
    const layout = contracts.get(owner)?.tables.get(table)?.layout;
    const wrong = layout === undefined ? table : ledger.put(layout, rowOf(layout, row));
    if (wrong !== undefined) throw new Error(`${owner}.${table}: ${wrong}`);
  }
  const contract = contracts.get(scene.contract);
  const action = contract?.actions.get(scene.action);
  if (contract === undefined || action === undefined) throw new Error(scene.action);
  const settings = contract.settings.map(({ value }) => value);
  const caller = { id: scene.caller, organisation: "o", roles: [scene.role, "anyone"], cosigners: [], contract: "" };
  const args = Object.entries(scene.args);
  const act = () => {
    const mark = ledger.overlay.mark();
    const frame = frameOf({ action, settings }, GAS);
    const host: ActionHost = {
      overlay: new MeteredOverlay(ledger.overlay),
      timeMs: NOW_MS,
      callee: () => undefined,
      stopped: () => undefined,
      deploy: () => undefined,
    };
    const refusal = runAction(action, { host, frame, caller, args, events: [] });
    ledger.overlay.revertTo(mark);
    return { refusal, gas: GAS - frame.gas };
  };
  const { refusal, gas } = act();
  if (refusal !== undefined) throw new Error(JSON.stringify(refusal));
  const us = leastUs(100, () => {
    let happened = 0;
    for (let times = 0; times < 100; times += 1) if (act().refusal === undefined) happened += 1;
    return happened;
  });
  return { what: `action ${scene.contract}.${scene.action}`, us, gas };
}

const DOCUMENTS = ["owners-vote", "device-repair"];

// ---- the table ----

async function main(): Promise<void> {
  const rule = measureCompiled(RULE);
  const sum = measureCompiled(SUM);
  const [ruleMetering, sumMetering] = [measureMetering(3), measureMetering(1)];
  const plain = leastUs(
    INPUTS,
    overInputs((index) => plainRule(inputs[index]!)),
  );
  const plainSumUs = leastUs(
    INPUTS,
    overInputs((index) => plainSum(inputs[index]!)),
  );
  const rows: readonly Row[] = [
    { what: "rule, here", us: rule },
    { what: "rule, gas alone", us: ruleMetering },
    { what: "rule, plain JavaScript", us: plain },
    { what: "rule, @bufbuild/cel", us: measureBufbuild() },
    { what: "rule, quickjs-emscripten", us: await measureQuickJs() },
    { what: "arithmetic, here", us: sum },
    { what: "arithmetic, gas alone", us: sumMetering },
    { what: "arithmetic, plain JavaScript", us: plainSumUs },
  ];
  const contracts = loadLibrary();
  const actions = SCENES.map((scene) => measureAction(contracts, scene));
  for (const { what, us } of [...rows, ...actions]) console.log(`${what.padEnd(34)} ${us.toFixed(4).padStart(9)} us`);
  const times = (sum - sumMetering) / plainSumUs;
  console.log(`arithmetic without gas: ${times.toFixed(1)} times plain JavaScript`);
  // The scenes above are kept as they are, to compare with earlier figures; these are all that the contracts' own tests do.
  const all = DOCUMENTS.flatMap((name) => timesOfActions(name, LIBRARY));
  for (const { action, us, gas } of all)
    console.log(`${action.padEnd(34)} ${us.toFixed(1).padStart(9)} us ${String(gas).padStart(8)} units`);
  const { cpu, node, commit } = machineFacts();
  const measured = Object.fromEntries([...rows, ...actions].map(({ what, us }) => [what, Number(us.toFixed(4))]));
  console.log(
    JSON.stringify({
      us: measured,
      gas: Object.fromEntries(actions.map(({ what, gas }) => [what, gas])),
      all: Object.fromEntries(all.map(({ action, us, gas }) => [action, { us: Number(us.toFixed(2)), gas }])),
      cpu,
      node,
      commit,
    }),
  );
}

await main();
