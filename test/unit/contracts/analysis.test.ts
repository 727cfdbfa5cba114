// What is certain of a document before anything runs: it is reported where it is true, and nowhere else.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExpressionAnalysis } from "../../../src/contracts/analyse-expression.ts";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import { compileExpression } from "../../../src/contracts/compile-expression.ts";
import { Findings } from "../../../src/contracts/finding.ts";
import { type Facts, type Known, NO_FACTS } from "../../../src/contracts/known.ts";
import { nearestName } from "../../../src/contracts/nearest-name.ts";
import { ExpressionError, type Outcome } from "../../../src/contracts/outcome.ts";
import type { Value } from "../../../src/ledger/codec.ts";
import { check, type Names } from "./support.ts";

const BASE = `rules: 1
contract: shop
title: 商店
accounts: ["escrow:"]
settings: {cap: 100}
tables:
  item:
    key: {id: id}
    fields: {n: int(-10..10), m: int(0..100), state: "enum(open,sold,paid,gone)"}
    flow: {open: [sold, gone], sold: [paid, gone], paid: [gone]}
actions:
  add:
    by: [clerk]
    params: {id: id, a: int, b: int(0..9), s: item.state, yes: bool}
    do:
      - insert: item
        row: {id: p.id, n: 0, m: 0, state: '"open"'}
      - emit: {added: {a: p.a, b: p.b, s: p.s, yes: p.yes, cap: settings.cap}}
  sell:
    by: [clerk]
    params: {id: id, fen: int(1..1000)}
    read: {i: "item[p.id]"}
    require:
      - {if: i.state == "open", else: 已售}
    do:
      - update: i
        set: {state: '"sold"'}
      - pay: {from: '"escrow:in"', to: '"escrow:" + p.id', amount: p.fen}
  settle:
    by: [clerk, timer]
    params: {id: id, paid: bool}
    read: {i: "item[p.id]"}
    do:
      - update: i
        set: {state: 'p.paid ? "paid" : "gone"'}
`;

function codes(...changes: readonly (readonly [from: string, to: string])[]): readonly string[] {
  const source = changes.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  }, BASE);
  return checkContract(source).findings.map(({ code }) => code);
}

/** Codes with one more condition in `add`. */
const condition = (...conditions: readonly string[]) =>
  codes([
    "    do:\n      - insert: item",
    `    require:\n${conditions.map((text) => `      - {if: '${text}', else: 不行}\n`).join("")}    do:\n      - insert: item`,
  ]);

describe("findings of what is certain", () => {
  it("has none for a document in which everything can happen", () => {
    expect(codes()).toEqual([]);
  });

  it.each<readonly [string, readonly string[]]>([
    ["p.a + 1 > p.b", ["MAY_OVERFLOW"]],
    ["p.a * p.b * 2 > 0", ["MAY_OVERFLOW"]],
    ["-p.a < 5", ["MAY_OVERFLOW"]],
    ["100 / p.b > 3", ["MAY_DIVIDE_BY_ZERO"]],
    ["100 % (p.b - 3) == 1", ["MAY_DIVIDE_BY_ZERO"]],
    ['mulDiv(p.b, 100, p.b, "down") > 7', ["MAY_DIVIDE_BY_ZERO"]],
    ['mulDiv(p.a, 100, 7, "down") > 7', ["MAY_OVERFLOW"]],
    ["p.b != 0 && 100 / p.b > 30", []],
    ["[p.b, 3].all(y, y == 0 || 6 / y > 1)", []],
    ["[p.b, 3].all(y, y == 0 || [0, 1].all(z, 6 / z > 1))", ["MAY_DIVIDE_BY_ZERO"]],
    ["p.b == 0 || 100 / p.b > 30", []],
    ["!(p.b == 0) ? 100 % p.b > 1 : p.yes", []],
    ["p.a > 0 && p.a < 1000 && p.a * p.a + p.a > 12", []],
    ["p.a in [1, 2, 3] && 6 / p.a > 2", []],
    ['mulDiv(settings.cap, p.b, 7, "half_up") > 7', []],
  ])("R153: %s has %j: overflow and zero divisors by the ranges that hold there", (text, expected) => {
    expect(condition(text)).toEqual(expected);
  });

  it("R153: nothing is said of what never runs", () => {
    const dead = codes([
      "      - emit: {added",
      '      - when: p.b > 9\n        emit: {dead: {v: "100 / p.b"}}\n      - emit: {added',
    ]);
    expect(dead).toEqual(["ALWAYS_FALSE"]);
  });

  it("R153: what a condition has established holds for all that follows, also inside definitions", () => {
    expect(condition("p.b > 0", "100 / p.b > 30")).toEqual([]);
    const defined = codes([
      "    do:\n      - insert: item",
      "    define: {each: 100 / p.b, all: each + each}\n    require:\n      - {if: p.b > 0 && all > 60, else: 不行}\n    do:\n      - insert: item",
    ]);
    expect(defined).toEqual([]);
    expect(condition("100 / p.b > 30", "p.b > 0")).toEqual(["MAY_DIVIDE_BY_ZERO"]);
  });

  it.each<readonly [string, readonly string[]]>([
    ["p.b >= 0", ["ALWAYS_TRUE"]],
    ["p.b > 9", ["ACTION_UNREACHABLE", "ALWAYS_FALSE"]],
    ["p.b > 5 && p.b < 3", ["ACTION_UNREACHABLE", "ALWAYS_FALSE"]],
    ["p.b < 3 || p.b >= 3", ["ALWAYS_TRUE"]],
    ['p.s == "open" && p.s != "sold"', ["ALWAYS_TRUE"]],
    ['p.s == "open" && p.s == "sold"', ["ACTION_UNREACHABLE", "ALWAYS_FALSE"]],
    ['p.s in ["open", "sold"] && p.s == "paid"', ["ACTION_UNREACHABLE", "ALWAYS_FALSE"]],
    ["p.b < 3 || p.b > 7", []],
    ['p.s == "open" || p.s == "sold"', []],
    ["[1, 2, 3].exists(x, x == p.b)", []],
    ["p.yes && p.b > 0", []],
  ])("R154: %s has %j: conditions that are decided before they run", (text, expected) => {
    expect([...condition(text)].sort()).toEqual(expected);
  });

  it.each<readonly [string, readonly (readonly [string, string])[], readonly string[]]>([
    [
      "a state that no action sets",
      [
        ['p.paid ? "paid" : "gone"', '"gone"'],
        [", paid: bool}\n    read", "}\n    read"],
      ],
      ["STATE_UNREACHABLE"],
    ],
    [
      "an action that needs such a state",
      [
        ['p.paid ? "paid" : "gone"', '"gone"'],
        [", paid: bool}\n    read", "}\n    read"],
        ['i.state == "open"', 'i.state == "paid"'],
        ["state: '\"sold\"'", "state: '\"gone\"'"],
      ],
      ["ACTION_UNREACHABLE", "STATE_UNREACHABLE", "STATE_UNREACHABLE"],
    ],
    [
      "an action whose move the flow never allows",
      [['i.state == "open"', 'i.state == "paid"']],
      ["ACTION_UNREACHABLE", "ACTION_UNREACHABLE"],
    ],
    [
      "a timer that schedules only itself",
      [["by: [clerk, timer]", "by: [timer]"]],
      ["ACTION_UNREACHABLE", "STATE_UNREACHABLE", "STATE_UNREACHABLE"],
    ],
  ])("R155: %s is reported", (_, changes, expected) => {
    const found = codes(...changes);
    for (const code of new Set(expected)) expect(found).toContain(code);
    expect(found.every((code) => code.endsWith("UNREACHABLE") || code.startsWith("ALWAYS"))).toBe(true);
  });

  it("R156: money that is paid into an account which only this contract may debit, and never does, is an error", () => {
    const trapped = BASE.replace('["escrow:"]', '["escrow:", "fund:"]').replace(
      "'\"escrow:\" + p.id'",
      "'\"fund:\" + p.id'",
    );
    const { findings, contract } = checkContract(trapped);
    expect(findings.map(({ code, line, severity }) => [code, line, severity])).toEqual([
      ["ACCOUNT_NO_WAY_OUT", 4, "error"],
    ]);
    expect(contract).toBeUndefined();
    expect(codes(['["escrow:"]', '["escrow:", "fund:"]'])).toEqual(["UNUSED"]);
  });

  it("an imported table that nothing reads is reported, one that is read is not", () => {
    const imports = "imports: {registry: {unit: {key: [id], fields: {area: area}}}}\nsettings:";
    expect(codes(["settings:", imports])).toEqual(["UNUSED"]);
    expect(
      codes(
        ["settings:", imports],
        ['read: {i: "item[p.id]"}\n    require', 'read: {i: "item[p.id]", u: "registry.unit[p.id]"}\n    require'],
        ['i.state == "open"', 'i.state == "open" && u.area > 5'],
      ),
    ).toEqual([]);
  });

  it("R157: the known name that was probably meant is suggested", () => {
    const messages = (from: string, to: string) =>
      checkContract(BASE.replace(from, to)).findings.map(({ message }) => message);
    expect(messages("p.fen}", "p.fne}")[0]).toMatch(/: did you mean fen\?$/);
    expect(messages("insert: item", "insert: itme")[0]).toMatch(/: did you mean item\?$/);
    expect(messages("open: [sold", "open: [solt")[0]).toMatch(/: did you mean sold\?$/);
    expect(messages("settings.cap", "settings.cup")[0]).toMatch(/: did you mean cap\?$/);
    expect(messages("insert: item", "insert: shelf")[0]).not.toContain("did you mean");
    expect(nearestName("price_cap", ["prise_cap", "price_cup", "price"])).toBe("prise_cap");
    expect(nearestName("abcd", ["abdc"])).toBe("abdc");
    expect(nearestName("x".repeat(100_000), ["x"])).toBeUndefined();
  });
});

describe("soundness", () => {
  const NAMES: Names = {
    a: ["int(-3..3)", 0],
    b: ["int(0..5)", 0],
    s: ["enum(x,y,z)", "x"],
    t: ["bool", true],
  };
  const all: readonly (readonly Value[])[] = [-3, -2, -1, 0, 1, 2, 3].flatMap((a) =>
    [0, 1, 2, 3, 4, 5].flatMap((b) => ["x", "y", "z"].flatMap((s) => [true, false].map((t) => [a, b, s, t]))),
  );
  const { condition: anyCondition } = fc.letrec<{ number: string; condition: string }>((tie) => ({
    number: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("a", "b", "0", "1", "2", "-2", "5", "9223372036854775807"),
      fc
        .tuple(tie("number"), fc.constantFrom("+", "-", "*", "/", "%"), tie("number"))
        .map(([l, op, r]) => `(${l} ${op} ${r})`),
      tie("number").map((one) => `-(${one})`),
      fc.tuple(tie("condition"), tie("number"), tie("number")).map(([c, l, r]) => `(${c} ? ${l} : ${r})`),
    ),
    condition: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(
        "t",
        "true",
        "false",
        "s == 'x'",
        "s != 'y'",
        "'z' == s",
        "s in ['x', 'y']",
        "a in [1, 2]",
        "t == false",
      ),
      fc
        .tuple(tie("number"), fc.constantFrom("<", "<=", "==", "!=", ">", ">="), tie("number"))
        .map(([l, op, r]) => `${l} ${op} ${r}`),
      fc
        .tuple(tie("condition"), fc.constantFrom("&&", "||"), tie("condition"))
        .map(([l, op, r]) => `(${l} ${op} ${r})`),
      tie("condition").map((one) => `!(${one})`),
      fc
        .tuple(tie("condition"), fc.constantFrom("v != 0 && 6 / v > a", "v < b || v == 2", "6 / v > 1"))
        .map(([c, body]) => `[a, b, 1].${body.length % 2 === 0 ? "all" : "exists"}(v, (${body}) && ${c})`),
      fc.tuple(tie("condition"), tie("condition"), tie("condition")).map(([c, l, r]) => `(${c} ? ${l} : ${r})`),
    ),
  }));

  const isIn = (known: Known, value: Value): boolean => {
    if (known.kind === "int")
      return typeof value === "number" && BigInt(value) >= known.min && BigInt(value) <= known.max;
    if (known.kind === "text") return typeof value === "string" && known.values.includes(value);
    return known.kind === "nothing" || known.value === value;
  };
  const holds = (facts: Facts, values: readonly Value[]) =>
    facts !== undefined &&
    Object.keys(NAMES).every((name, index) => isIn(facts.get(name) ?? { kind: "nothing" }, values[index] ?? null));

  it("R158: whatever is said of an expression holds for all values of its names", () => {
    fc.assert(
      fc.property(anyCondition, (text) => {
        const { typed, findings: others } = check(text, NAMES);
        if (typed === undefined) return;
        const findings = new Findings(text);
        const judged = new ExpressionAnalysis(findings).judge(typed, NO_FACTS);
        const mayFail = [...findings.list(), ...others].some(
          ({ code }) => code.startsWith("MAY_") || code === "ALWAYS_FAILS",
        );
        const evaluate = compileExpression(typed);
        for (const values of all) {
          const outcome: Outcome = evaluate({ gas: 100_000, slots: [...values], rows: [], settings: [] });
          if (outcome instanceof ExpressionError) expect([text, values, mayFail]).toEqual([text, values, true]);
          else {
            const facts = outcome === true ? judged.whenTrue : judged.whenFalse;
            expect([text, values, outcome, holds(facts, values)]).toEqual([text, values, outcome, true]);
          }
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe("time of the analyses", () => {
  const took = (source: string) => {
    const before = performance.now();
    checkContract(source);
    return performance.now() - before;
  };
  /** A document of about 120,000 bytes with one long part. */
  const large = (part: string) =>
    BASE.replace("    do:\n      - insert: item", `    require:\n${part}    do:\n      - insert: item`);
  const line = (text: string) => `      - {if: '${text}', else: 不行}\n`;

  it.each<readonly [string, string]>([
    [
      "lists of thousands of literals",
      Array.from({ length: 6 }, () =>
        line(`p.id in [${Array.from({ length: 1900 }, (_, index) => `"t${index}"`).join(",")}]`),
      ).join(""),
    ],
    [
      "conditions on many names",
      Array.from({ length: 60 }, () =>
        line(Array.from({ length: 80 }, (_, index) => `p.b != ${index + 20}`).join(" && ")),
      ).join(""),
    ],
    [
      "alternatives",
      Array.from({ length: 60 }, () =>
        line(Array.from({ length: 80 }, (_, index) => `p.b == ${index}`).join(" || ")),
      ).join(""),
    ],
  ])("R159: %s take bounded time", (_, part) => {
    expect(took(large(part))).toBeLessThan(3000);
  });

  it("R159: many moves of many states take bounded time", () => {
    const states = Array.from({ length: 64 }, (_, index) => `s${index}`);
    const flow = states.map((state) => `${state}: [${states.join(",")}]`).join(", ");
    const moves = Array.from(
      { length: 1000 },
      (_, index) =>
        `      - when: 'i.state != "s${index % 64}" && p.s != "s${index >> 4}"'\n        update: i\n        set: {state: p.s}\n`,
    );
    const actions = Array.from(
      { length: 10 },
      (_, index) =>
        `  a${index}:\n    by: [clerk]\n    params: {id: id, s: item.state}\n    read: {i: "item[p.id]"}\n    do:\n${moves.slice(index * 60, index * 60 + 60).join("")}`,
    );
    const source = `rules: 1\ncontract: c\ntitle: {zh: 甲, en: C}\ntables:\n  item: {key: {id: id}, fields: {state: "enum(${states.join(",")})"}, flow: {${flow}}}\nactions:\n  add: {by: [clerk], params: {id: id}, do: [{insert: item, row: {id: p.id, state: '"s0"'}}]}\n${actions.join("")}`;
    expect(checkContract(source).findings).toEqual([]);
    expect(took(source)).toBeLessThan(3000);
  });

  it("R159: definitions that use each other twice are looked at once", () => {
    const defines = Array.from(
      { length: 40 },
      (_, index) => `      d${index + 1}: "p.yes ? d${index} : d${index} + ''"`,
    ).join("\n");
    const source = BASE.replace(
      "    do:\n      - insert: item",
      `    define:\n      d0: p.id\n${defines}\n    do:\n      - pay: {from: d40, to: d40, amount: 1}\n      - insert: item`,
    );
    expect(took(source)).toBeLessThan(3000);
  });
});
