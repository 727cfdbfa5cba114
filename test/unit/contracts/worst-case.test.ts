// The worst case that is stated of an action before it runs: what it consists of, and that no run ever exceeds it.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import type { CompiledContract } from "../../../src/contracts/compiled.ts";
import { Engine } from "../../../src/contracts/engine.ts";
import { MONEY } from "../../../src/contracts/system-layouts.ts";
import { EMPTY_STATE, type Step, TestLedger } from "../../../src/contracts/test-ledger.ts";
import { childrenOf, type Typed } from "../../../src/contracts/typed.ts";
import type { Type } from "../../../src/contracts/types.ts";
import { addUsage, LIMITED, NO_USAGE } from "../../../src/contracts/usage.ts";
import { worstCaseOf } from "../../../src/contracts/worst-case.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { Overlay } from "../../../src/state/overlay.ts";
import { document } from "./support.ts";

const library = (name: string) =>
  readFileSync(new URL(`../../../src/contracts/library/${name}.yaml`, import.meta.url), "utf8");
const LIBRARY = [
  "governance",
  "registry",
  "holders",
  "polls",
  "owners-vote",
  "service-rating",
  "device-repair",
  "fees",
].map(library);

/** Each after what it imports. */
function compileAll(sources: readonly string[]): ReadonlyMap<string, CompiledContract> {
  const engine = new Engine();
  const contracts = new Map<string, CompiledContract>();
  for (const source of sources) {
    const { contract, findings } = engine.compile(source, (name) => contracts.get(name));
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    if (contract !== undefined) contracts.set(contract.name, contract);
  }
  return contracts;
}

// ---- random values ----

type Random = (below: number) => number;

function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const pick = <T>(values: readonly T[], random: Random): T => values[random(values.length)] ?? (values[0] as T);
const integer = (value: bigint): Value =>
  BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;

function textOf(bytesMax: number, random: Random): string {
  // Few names, so that rows meet; the longest, so that bounds do.
  if (random(4) > 0) return pick(["a", "b", "c"], random);
  return (random(2) === 0 ? "z" : "楼").repeat(Math.floor(Math.min(bytesMax, 6000) / 3));
}

function anyValue(type: Type, random: Random): Value {
  switch (type.kind) {
    case "bool":
      return random(2) === 0;
    case "int": {
      const small = BigInt(random(10));
      const near = small < type.min ? type.min : small > type.max ? type.max : small;
      return integer(pick([type.min, type.max, near, near, near], random));
    }
    case "text":
      return type.values === undefined ? textOf(type.bytesMax, random) : pick(type.values, random);
    case "bytes":
      return new Uint8Array(pick([type.bytesMax, 0, 1], random)).fill(random(3));
    case "list": {
      const length = random(6) === 0 ? Math.min(type.lengthMax, 300) : random(Math.min(type.lengthMax, 4) + 1);
      return Array.from({ length }, () => anyValue(type.item, random));
    }
    default:
      return null;
  }
}

function fill(ledger: TestLedger, random: Random): void {
  for (const { tables, accounts } of ledger.contracts.values()) {
    for (const { layout } of tables.values())
      for (let row = random(8); row > 0; row -= 1)
        ledger.put(
          layout,
          layout.columns.map(({ type }) => anyValue(type, random)),
        );
    for (const account of accounts)
      if (random(3) > 0)
        ledger.put(MONEY, [account.endsWith(":") ? account + textOf(9, random) : account, random(2000)]);
  }
}

function runAll(contracts: ReadonlyMap<string, CompiledContract>, seed: number): readonly Step[] {
  const random = randomFrom(seed);
  const ledger = new TestLedger(contracts, () => new Overlay({ base: EMPTY_STATE, height: 1 }));
  fill(ledger, random);
  ledger.nowMs = random(2) === 0 ? random(100) : 1_793_000_000_000;
  const steps: Step[] = [];
  for (const [contract, { actions }] of contracts)
    for (const [name, { by, params, columns }] of actions) {
      const types = new Map(columns.map((column) => [column.name, column.type] as const));
      const args = params.map(({ name: param }): readonly [string, Value] => {
        const type = types.get(param);
        // Now and then what is no argument at all.
        return [param, type === undefined || random(60) === 0 ? "x".repeat(5000) : anyValue(type, random)];
      });
      const caller = { id: "a", organisation: "b", roles: [...by], cosigners: ["b", "c"], contract: "" };
      steps.push(ledger.call(contract, name, { caller, args }));
    }
  return steps;
}

/** Every step stays inside what its action said. @returns how many happened */
function judge(contracts: ReadonlyMap<string, CompiledContract>, steps: readonly Step[]): number {
  for (const { contract, action, gas, used, refusal } of steps) {
    const bound = contracts.get(contract)?.actions.get(action)?.usageMax ?? NO_USAGE;
    const over = [["units", gas, bound.units] as const, ...LIMITED.map((one) => [one, used[one], bound[one]] as const)];
    expect([contract, action, refusal?.ruleId, over.filter(([, is, max]) => is > max)]).toEqual([
      contract,
      action,
      refusal?.ruleId,
      [],
    ]);
  }
  return steps.filter(({ refusal }) => refusal === undefined).length;
}

// ---- generated contracts ----

const EXPRESSIONS: Readonly<Record<"int" | "text" | "list" | "bool", readonly string[]>> = {
  int: [
    "p.n",
    "r.n",
    "size(p.l)",
    "p.n / 3",
    "size(p.t + p.t)",
    'mulDiv(p.n, 3, 7, "up")',
    "p.l.filter(x, x > p.n)[0]",
    "int(string(p.n))",
    "year(now)",
  ],
  text: ["p.t", "p.t + r.t", "string(p.n) + p.t", "p.yes ? p.t : r.t", "string(bytes(p.t))", "caller.id"],
  list: [
    "p.l",
    "p.l.map(x, x + 1)",
    "p.l.filter(x, p.l.exists(y, y > x))",
    "p.l + r.l",
    "split(9, [1, 2, 3])",
    "[p.n, 1, 2]",
  ],
  bool: [
    "p.yes",
    "p.t < r.t",
    "p.t.contains(p.u)",
    "p.n in p.l",
    "p.l == r.l",
    "sha256(p.t) == r.h",
    "opens(r.h, p.t, p.h)",
    "d0 > 3 || d0 < 0",
    "p.l.all(x, x > 0)",
    "r.n == 1",
  ],
};

function generated(seed: number): string {
  const random = randomFrom(seed);
  const any = (kind: keyof typeof EXPRESSIONS) => JSON.stringify(pick(EXPRESSIONS[kind], random));
  const list = `list(int(-100..100), ${1 + random(60)})`;
  const text = `text(${1 + random(400)})`;
  const statements = () =>
    Array.from({ length: 1 + random(5) }, (_, index) => {
      const body = pick(
        [
          `insert: row\n        row: {k: ${JSON.stringify(`p.k + "${index}"`)}, n: 1, t: ${any("text")}, l: p.l, h: p.h}`,
          `update: r\n        set: {${pick(["n: 1", `t: ${any("text")}`, `l: ${any("list")}`, "h: p.h"], random)}}`,
          "delete: r",
          `pay: {from: '"own:a"', to: ${JSON.stringify('"own:" + p.k')}, amount: 3}`,
          `emit: {said${index}: {t: ${any("text")}, l: ${any("list")}, n: ${any("int")}}}`,
          `timer: {key: p.k, at: now + 1000, run: act, with: {k: p.k, n: p.n, t: p.t, u: p.u, l: p.l, h: p.h, yes: p.yes}}`,
          "cancel: p.k",
        ],
        random,
      );
      return `      - ${random(2) === 0 ? `when: ${any("bool")}\n        ` : ""}${body}`;
    }).join("\n");
  return `rules: 1
contract: made
title: 生成
accounts: ["own:"]
tables:
  row:
    key: {k: text(24)}
    fields: {n: "int(-5..5)", t: ${text}, l: "${list}", h: bytes(32)}
    index: {by_n: [n], by_t_n: [h, n]}
    always: [n > -6, size(l) < 1000]
actions:
  act:
    by: [clerk, timer]
    params: {k: text(20), n: "int(-9..9)", t: ${text}, u: text(9), l: "${list}", h: bytes(32), yes: bool}
    read: {r: "row[p.k]", same: {all: "row.by_n[p.n]", max: ${1 + random(9)}}}
    define: {d0: ${any("int")}}
    require:
      - {if: ${any("bool")}, else: "{p.n} {r.t}"}
      - {if: size(same) >= 0, else: 无}
    do:
${statements()}
`;
}

describe("the worst case of an action", () => {
  it("R160: it is the sum of its parts, each at its place, and what is compiled knows it", () => {
    const { contract } = checkContract(document("desk.yaml"));
    for (const action of contract?.actions ?? []) {
      const { total, parts } = worstCaseOf(action);
      expect(parts.map(({ usage }) => usage).reduce(addUsage, NO_USAGE)).toEqual(total);
      expect(action.usageMax).toEqual(total);
    }
    const names = contract?.actions.find(({ name }) => name.text === "maybe");
    expect(names && worstCaseOf(names).parts.map(({ part }) => part)).toEqual([
      "call",
      "params.id",
      "params.other",
      "read.b",
      "read.o",
      "require[0]",
      "do[0] emit rich",
      "do[1] update box",
    ]);
  });

  it("R161: no run of an action of the library uses more than stated, in any dimension", () => {
    const contracts = compileAll(LIBRARY);
    let happened = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        happened += judge(contracts, runAll(contracts, seed));
      }),
      { numRuns: 60 },
    );
    expect(happened).toBeGreaterThan(10);
  });

  it("R162: no run of a generated action uses more than stated, in any dimension", () => {
    let happened = 0;
    let sound = 0;
    fc.assert(
      fc.property(fc.integer({ min: 0 }), (seed) => {
        const { contract } = new Engine().compile(generated(seed), () => undefined);
        if (contract === undefined) return;
        sound += 1;
        const contracts = new Map([[contract.name, contract]]);
        for (let run = 0; run < 10; run += 1) happened += judge(contracts, runAll(contracts, seed + run));
      }),
      { numRuns: 80 },
    );
    expect([sound > 30, happened > 20]).toEqual([true, true]);
  });
});

describe("types of a checked contract", () => {
  it("R163: no part of a checked expression is without a type", () => {
    const nodes: Typed[] = [...LIBRARY, document("desk.yaml")].flatMap((source) =>
      (checkContract(source).contract?.actions ?? []).flatMap(({ requires, defines }) =>
        [...requires, ...defines].map(({ typed }) => typed),
      ),
    );
    let count = 0;
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      count += 1;
      expect(node.type.kind).not.toBe("unknown");
      if (node.kind !== "define") nodes.push(...childrenOf(node));
    }
    expect(count).toBeGreaterThan(500);
  });
});
