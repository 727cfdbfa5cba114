// Documents, types and upgrades at the exact edge of what is taken: the longest key and row, the first and the second field, the same
// name in two tables, the last part of an expression.

import { describe, expect, it } from "vitest";
import { checkContract } from "../../../src/contracts/check-contract.ts";
import type { CompiledContract } from "../../../src/contracts/compiled.ts";
import { compileSource } from "../../../src/contracts/engine.ts";
import { type Expression, parseExpression } from "../../../src/contracts/expression.ts";
import { EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX } from "../../../src/contracts/finding.ts";
import { STATE_KEY_BYTES_MAX } from "../../../src/contracts/state-keys.ts";
import { assignmentFault, joinTypes, valuesOutside } from "../../../src/contracts/type-relations.ts";
import {
  ENUM_VALUES_MAX,
  integerType,
  membership,
  parseType,
  type Type,
  textType,
  typeName,
} from "../../../src/contracts/types.ts";
import { upgradeFault } from "../../../src/contracts/upgrade.ts";
import { check, document, evaluate, genesisWith, keyOf, TestChain, transaction } from "./support.ts";

const codes = (source: string, wanted?: RegExp) =>
  checkContract(source)
    .findings.map(({ code }) => code)
    .filter((code) => wanted?.test(code) ?? (code !== "UNUSED" && code !== "STATE_UNREACHABLE"));

/** One table, one action that fills it. */
function withTable(table: string, row: string, more = ""): string {
  return `rules: 1\ncontract: c\ntitle: 甲\n${more}tables:\n  t:\n${table}actions:\n  a:\n    by: [clerk]\n    params: {id: id, n: int}\n    do: [{insert: t, row: ${row}}]\n`;
}

describe("sizes", () => {
  const key = (bytes: number) => withTable(`    key: {k: text(${bytes})}\n    fields: {n: int}\n`, "{k: p.id, n: p.n}");
  const indexed = (bytes: number) =>
    withTable(`    key: {k: text(${bytes})}\n    fields: {n: int}\n    index: {i: [n]}\n`, "{k: p.id, n: p.n}");
  const rowOf = (bytes: number) =>
    withTable(`    key: {k: int}\n    fields: {a: text(131072), b: text(${bytes})}\n`, "{k: p.n, a: p.id, b: p.id}");

  it("R302: keys, entries of indexes and rows are as long as they may be, and no longer", () => {
    // `c 00 t 00 text 00`; `c 00 t.i.row 00 eight bytes, text 00`.
    const longest = STATE_KEY_BYTES_MAX - 5;
    expect([codes(key(longest)), codes(key(longest + 1))]).toEqual([[], ["KEY_TOO_LONG"]]);
    const entry = STATE_KEY_BYTES_MAX - 10 - 8 - 1;
    expect([codes(indexed(entry)), codes(indexed(entry + 1))]).toEqual([[], ["KEY_TOO_LONG"]]);
    const rest = 140_000 - 5 - 9 - (131_072 + 5) - 5;
    expect([codes(rowOf(rest)), codes(rowOf(rest + 1))]).toEqual([[], ["ROW_TOO_LARGE"]]);
  });

  const saying = (bytes: number, times: number, more = "") =>
    `rules: 1\ncontract: c\ntitle: 甲\nactions:\n  a:\n    by: [clerk]\n    params: {n: text(${bytes})}\n    do:\n${`      - emit: {e: {n: p.n}}\n`.repeat(times)}${more}`;
  const waiting = (bytes: number) =>
    `rules: 1\ncontract: c\ntitle: 甲\nactions:\n  a:\n    by: [clerk, timer]\n    params: {n: text(${bytes})}\n    do: [{timer: {key: '"k"', at: now, run: a, with: {n: p.n}}}]\n`;

  it("R302: an event, all events of an action, and the arguments of a timer likewise", () => {
    expect([codes(saying(16_379, 1)), codes(saying(16_380, 1))]).toEqual([[], ["EVENT_TOO_LARGE"]]);
    expect(codes(saying(16_379, 16))).toEqual([]);
    expect(codes(saying(16_379, 16, "      - emit: {f: {yes: true}}\n"))).toEqual(["USAGE_TOO_HIGH"]);
    expect([codes(waiting(4083)), codes(waiting(4084))]).toEqual([[], ["TIMER_TOO_LARGE"]]);
  });

  it("R302: an expression has at most 4,096 parts and is at most 96 levels deep, however it nests", () => {
    const fault = (text: string) => {
      try {
        parseExpression(text);
        return "";
      } catch (thrown) {
        return (thrown as { code: string }).code;
      }
    };
    const list = (items: number) => `[${new Array(items).fill("1").join(",")}]`;
    expect([fault(list(EXPRESSION_NODES_MAX - 1)), fault(list(EXPRESSION_NODES_MAX))]).toEqual([
      "",
      "EXPRESSION_TOO_LARGE",
    ]);
    const chain = (fields: number) => `a${".b".repeat(fields)}`;
    expect([fault(chain(EXPRESSION_DEPTH_MAX - 1)), fault(chain(EXPRESSION_DEPTH_MAX))]).toEqual([
      "",
      "EXPRESSION_TOO_DEEP",
    ]);
    expect(fault(`[${new Array(EXPRESSION_DEPTH_MAX + 4).fill("!a, -b").join(", ")}]`)).toBe("");
  });

  it("R302: every part of an expression knows where it ends, and how deep it is", () => {
    const ends = (text: string): readonly number[] => {
      const expression: Expression = parseExpression(text);
      const parts = expression.kind === "binary" ? [expression, expression.left, expression.right] : [expression];
      return parts.map(({ end }) => end);
    };
    expect(ends("a + bcd")).toEqual([7, 1, 7]);
    expect(ends("size(abc)")).toEqual([9]);
    expect(ends("a[12]")).toEqual([5]);
    const depth = (text: string) => check(text, { n: ["int", 1], l: ["list(int, 9)", []] }).typed?.depth;
    expect(["n", "n + 1", "n + 1 + 1", "1 + (n + (1 + n))", "-n", "l[n + 1]", "size(l)"].map(depth)).toEqual([
      1, 2, 3, 4, 2, 3, 2,
    ]);
  });

  it.each(["l.all(x, yes, yes)", "l.exists(x)", "l.map(x)", "l.map()", "l.map(x, yes, x, x)", "l.filter(1, yes)"])(
    "R302: %s is no form of its macro",
    (text) => {
      const { findings } = check(text, { l: ["list(int, 9)", []], yes: ["bool", true] });
      expect(findings.map(({ code }) => code)).toEqual(["MACRO_SHAPE"]);
    },
  );
});

describe("numbers in documents", () => {
  it("R303: a number at the edge of what a double holds keeps its one form, in settings and in expressions", () => {
    const value = (text: string) =>
      checkContract(
        withTable(
          "    key: {id: id}\n    fields: {n: int}\n",
          "{id: p.id, n: settings.s}",
          `settings: {s: {type: int, value: ${text}}}\n`,
        ),
      ).contract?.settings[0]?.value;
    const safe = Number.MAX_SAFE_INTEGER;
    expect([value(String(safe)), value(String(-safe))]).toEqual([safe, -safe]);
    expect([value("9007199254740993"), value("-9007199254740993")]).toEqual([9007199254740993n, -9007199254740993n]);
    expect([`${safe}`, `-${safe}`, "9007199254740992"].map((text) => evaluate(text).result)).toEqual([
      safe,
      -safe,
      9007199254740992n,
    ]);
    const isInteger = membership(integerType(-(2n ** 63n), 2n ** 63n - 1n));
    expect([2 ** 60, 1.5, Number.NaN, 7, 2n ** 60n].map(isInteger)).toEqual([false, false, false, true, true]);
  });
});

describe("tables", () => {
  const ENUM = '"enum(a,b)"';
  it("R304: the first field is a field: it has a default, a flow, an index; the key has none of the first two", () => {
    const table = (fields: string, more = "") =>
      codes(
        withTable(
          `    key: {id: ${ENUM}}\n    fields: {${fields}, n: int}\n${more}`,
          `{id: '"a"', state: '"a"', n: p.n}`,
        ),
      );
    expect(table(`state: ${ENUM}`)).toEqual([]);
    expect(table(`state: {type: ${ENUM}, default: '"a"'}`)).toEqual([]);
    expect(table(`state: ${ENUM}`, "    flow: {a: [b]}\n")).toEqual([]);
    expect(table(`state: ${ENUM}`, "    flow: {state: {a: [b]}}\n")).toEqual([]);
    expect(table(`state: ${ENUM}`, "    flow: {id: {a: [b]}}\n")).toEqual(["FIELD_UNKNOWN"]);
    expect(table(`state: ${ENUM}`, "    flow: {a: [z]}\n")).not.toContain("FLOW_FIELD");
    const two = table(`state: ${ENUM}, mood: {type: "enum(x,y)", default: '"x"'}`, "    flow: {a: [b]}\n");
    expect(two).toEqual([]);
    expect(table(`state: ${ENUM}`, "    index: {i: [id], j: [state]}\n")).toEqual([]);
    const shape = checkContract(
      withTable("    key: {id: id}\n    fields: {n: int}\n    index: {i: [id, n], j: [id]}\n", "{id: p.id, n: p.n}"),
    ).contract?.tables.find(({ name }) => name === "t");
    expect(shape?.indexes.map(({ columns }) => columns)).toEqual([[0, 1], [0]]);
  });

  const OTHER = `rules: 1
contract: other
title: 乙
tables:
  item: {key: {id: id, kind: text(9)}, fields: {n: int, m: int}}
actions:
  a: {by: [clerk], params: {id: id}, do: [{insert: item, row: {id: p.id, kind: '"k"', n: 1, m: 2}}]}
`;
  const importing = (shape: string, action: string, more = "") =>
    compileSource(
      `rules: 1
contract: c
title: 甲
imports: {other: {item: ${shape}}}
tables:
  item: {key: {id: id}, fields: {n: int}}
actions:
  add: {by: [clerk], params: {id: id}, do: [{insert: item, row: {id: p.id, n: 1}}]}
  a:
    by: [clerk]
    params: {id: id${more}}
${action}`,
      (name) => {
        const contract =
          name === "other"
            ? compileSource(OTHER, () => ({ tables: new Map(), actions: new Map() })).contract
            : undefined;
        return {
          tables: new Map([...(contract?.tables ?? [])].map(([table, { layout }]) => [table, layout] as const)),
          actions: contract?.actions ?? new Map(),
        };
      },
    );
  const KEY = "{key: [id, kind], fields: {n: int}}";
  const found = (result: ReturnType<typeof importing>) =>
    result.findings.filter(({ severity }) => severity === "error").map(({ code, message }) => `${code} ${message}`);

  it("R304: a row of an imported table is never changed, also when an own table has the same name", () => {
    const change = (table: string) =>
      found(importing(KEY, `    read: {i: "${table}"}\n    do: [{update: i, set: {n: i.n + 1}}]\n`));
    expect(change("item[p.id]")).toEqual([]);
    expect(change("other.item[p.id, 'k']").map((text) => text.split(" ")[0])).toEqual(["ROW_UNKNOWN"]);
  });

  it("R304: an unknown table is called as it was written, an imported field stands where it stands", () => {
    const read = (table: string, shape = KEY) =>
      found(
        importing(
          shape,
          `    read: {i: "${table}", j: "other.item[p.id, 'k']"}\n    do: [{emit: {e: {n: i.n, m: j.n}}}]\n`,
        ),
      );
    expect(read("nope[p.id]")[0]).toMatch(/^TABLE_UNKNOWN there is no table nope\b/);
    expect(read("other.nope[p.id]")[0]).toMatch(/^TABLE_UNKNOWN there is no table other\.nope\b/);
    expect(read("item[p.id]")).toEqual([]);
    expect(read("item[p.id]", "{key: [kind, id], fields: {n: int}}").map((text) => text.split(" ")[0])).toContain(
      "FIELD_UNKNOWN",
    );
    expect(read("item[p.id]", "{key: [id, kind], fields: {m: int, n: int}}")).toEqual([]);
    expect(read("item[p.id]", "{key: [id, kind], fields: {kind: text(9), n: int}}").length).toBeGreaterThan(0);
  });

  it("R304: the type of a field is named with two parts, or with three that begin with its contract", () => {
    const typed = (type: string) =>
      found(
        importing(
          KEY,
          `    read: {j: "other.item[p.id, 'k']"}\n    do: [{emit: {e: {n: p.x, m: j.n}}}]\n`,
          `, x: ${type}`,
        ),
      );
    expect([typed("item.n"), typed("c.item.n"), typed("other.item.n")]).toEqual([[], [], []]);
    for (const type of ["other.item.n.n", "item.z", "n"])
      expect(typed(type).map((text) => text.split(" ")[0])).toContain("TYPE_UNKNOWN");
  });
});

describe("what people are told", () => {
  const BOX = `rules: 1
contract: box
title: {zh: 盒, en: box}
tables:
  item: {key: {id: id}, fields: {n: int}}
actions:
  a:
    by: [clerk]
    params: {id: id}
    read: {old?: "item[p.id]", i: "item['x']"}
    require:
      - {if: "CONDITION", else: 不行}
    do: [{insert: item, row: {id: p.id, n: i.n}}]
`;
  const alone = (condition: string) =>
    compileSource(BOX.replace("CONDITION", condition), () => ({ tables: new Map(), actions: new Map() }));

  it("R308: a row is absent or not, whichever side it stands on, and equals nothing else", () => {
    const found = (condition: string) => alone(condition).findings.map(({ code }) => code);
    expect([found("null == old"), found("old == null"), found("null != old")]).toEqual([[], [], []]);
    for (const condition of ["old == 5", "5 == old", "old == i", "null == 5"])
      expect([condition, found(condition)]).toEqual([condition, ["TYPE_MISMATCH"]]);
  });

  it("R308: a title is the document's, and a condition knows of what kind each of its values is", () => {
    const { contract } = alone("old == null && i.n > 0");
    const rule = contract?.rules.get("box.a.require[0]");
    expect([...(rule?.types ?? [])]).toEqual([
      ["old", "row"],
      ["i.n", "int"],
    ]);
    expect(checkContract(BOX.replace("CONDITION", "i.n > 0")).contract?.title).toEqual({ zh: "盒", en: "box" });
  });

  it("R308: tables that only deploying writes are written by nothing else", () => {
    const source = document("governance.yaml").replace(
      "  withdraw:\n",
      `  sneak:\n    by: [admin]\n    params: {hash: bytes(32)}\n    read: {s: "source[p.hash]"}\n    do:\n      - {insert: source, row: {hash: p.hash, text: '""'}}\n      - {delete: s}\n  withdraw:\n`,
    );
    expect(codes(source, /SYSTEM_TABLE/)).toEqual(["SYSTEM_TABLE", "SYSTEM_TABLE"]);
    expect(codes(document("governance.yaml"), /SYSTEM_TABLE/)).toEqual([]);
  });
});

describe("letters and digits", () => {
  it.each<readonly [string, unknown]>([
    ["Z + A + _z + az", 4],
    ["br + bR", 2],
    ["brick + rb", 2],
    ["size(b'a') + size(br'\\x') + size(r'\\x') + size(Rb)", 6],
    ["0x000000000000000007", 7],
    ["0x0000000000000000007", { error: "NUMBER_TOO_LARGE" }],
    ["00000000000000000007", 7],
    ["000000000000000000007", { error: "NUMBER_TOO_LARGE" }],
    ["'\\137' == '_'", true],
    ["'\\138' == '_'", { error: "ESCAPE_INVALID" }],
    ["'\\400' == ''", { error: "ESCAPE_INVALID" }],
    ["b'\u007f' == b'\\x7f'", true],
    ["b'\u0080' == b'\\xc2\\x80'", true],
  ])("R309: %s is %j", (text, result) => {
    const one = ["int", 1] as const;
    const names = {
      Z: one,
      A: one,
      _z: one,
      az: one,
      br: one,
      bR: one,
      brick: one,
      rb: one,
      Rb: ["text(9)", "x"],
    } as const;
    expect(evaluate(text, names).result).toEqual(result);
  });

  it.each([
    ["list(list(list(int, 2), 2), 2)", true],
    ["list(list(list(list(int, 2), 2), 2), 2)", false],
    ["int(0..00000000000000000005)", true],
    ["int(0..000000000000000000005)", false],
    ["int(5)", false],
    ["int(..5)", false],
    ["int(-5..-4)", true],
    ["int(-4..-5)", false],
    [`enum(${Array.from({ length: 64 }, (_, index) => `v${index}`).join(",")})`, true],
    [`enum(${Array.from({ length: 65 }, (_, index) => `v${index}`).join(",")})`, false],
  ])("R309: %s is a type: %j", (text, isType) => {
    expect(parseType(text, () => undefined).ok).toBe(isType);
  });
});

describe("types", () => {
  const BYTES: Type = { kind: "bytes", bytesMax: 4 };
  const INT = integerType(0n, 9n);
  const list = (item: Type): Type => ({ kind: "list", item, lengthMax: 3 });
  const record = (table: string): Type =>
    ({ kind: "record", contract: "", table, columns: [], isOptional: false }) as never;

  it("R305: two types have a common one when they are of one kind, and of one table", () => {
    const joined = (left: Type, right: Type) => {
      const type = joinTypes(left, right);
      return type && typeName(type);
    };
    expect(joined(BYTES, { kind: "bytes", bytesMax: 9 })).toBe("bytes(9)");
    for (const other of [INT, textType(4), list(INT), record("a")])
      expect([joined(BYTES, other), joined(other, BYTES)]).toEqual([undefined, undefined]);
    expect(joinTypes(record("a"), record("b"))).toBeUndefined();
    expect(joinTypes(record("a"), record("a"))).toEqual(record("a"));
    expect([joinTypes(record("a"), INT), joinTypes(INT, record("a"))]).toEqual([undefined, undefined]);
  });

  it("R305: names of an enum are joined up to the 64 that one can have", () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`);
    const values = (count: number) => {
      const type = joinTypes(textType(9, names(count)), textType(9, ["v0"]));
      return type?.kind === "text" ? type.values?.length : -1;
    };
    expect([values(ENUM_VALUES_MAX), values(ENUM_VALUES_MAX + 1)]).toEqual([ENUM_VALUES_MAX, undefined]);
  });

  it("R305: a value that may fit is taken, one that never fits is not", () => {
    const fault = (from: Type, to: Type) => assignmentFault(from, to)?.code;
    expect([fault(integerType(9n, 20n), INT), fault(integerType(-5n, 0n), INT)]).toEqual([undefined, undefined]);
    expect([fault(integerType(10n, 20n), INT), fault(integerType(-5n, -1n), INT)]).toEqual([
      "VALUE_OUT_OF_RANGE",
      "VALUE_OUT_OF_RANGE",
    ]);
    expect([fault(list(INT), list(INT)), fault(list(INT), list(BYTES)), fault(list(INT), INT)]).toEqual([
      undefined,
      "TYPE_MISMATCH",
      "TYPE_MISMATCH",
    ]);
    expect(valuesOutside(textType(9, ["a"]), textType(9))).toBeUndefined();
    expect(valuesOutside(textType(9, ["a"]), textType(9, ["b"]))).toBe("a");
    expect(valuesOutside(INT, textType(9, ["b"]))).toBeUndefined();
  });
});

describe("upgrades", () => {
  const versioned = (fields: readonly [string, string], more = "", settings = "") =>
    `rules: 1\ncontract: c\ntitle: 甲\n${settings}${more}tables:\n  s: {key: {id: id}, fields: {${fields[0]}}}\n  t: {key: {id: id}, fields: {${fields[1]}}}\nactions:\n  a: {by: [clerk], params: {id: id}, read: {r?: "s[p.id]"}, do: [{emit: {e: {no: r == null}}}]}\n`;
  const compiled = (source: string): CompiledContract => {
    const { contract, findings } = compileSource(source, () => ({ tables: new Map(), actions: new Map() }));
    if (contract === undefined) throw new Error(JSON.stringify(findings));
    return contract;
  };
  const problem = (before: string, after: string) => {
    const values = upgradeFault(compiled(before), compiled(after));
    return values === undefined ? "" : values.map(([, value]) => value).join(" ");
  };
  const OLD = versioned(["x: int, y: text(9)", "x: int, y: text(9)"]);

  it("R306: what is renamed or dropped in one table is not renamed or dropped in another", () => {
    const both = ["z: int, y: text(9)", "z: int, y: text(9)"] as const;
    expect(problem(OLD, versioned([both[0], "x: int, y: text(9)"], "migrate: {rename: {s: {x: z}}}\n"))).toBe("");
    expect(problem(OLD, versioned(both, "migrate: {rename: {s: {x: z}}}\n"))).toMatch(/^t x is missing, elsewhere/);
    expect(problem(OLD, versioned(both, "migrate: {rename: {s: {x: z}, t: {x: z}}}\n"))).toBe("");
    const drops = ["x: dropped(int), y: text(9)", "x: dropped(int), y: text(9)"] as const;
    expect(problem(OLD, versioned([drops[0], "x: int, y: text(9)"], "migrate: {drop: {s: [x]}}\n"))).toBe("");
    expect(problem(OLD, versioned(drops, "migrate: {drop: {s: [x]}}\n"))).toMatch(/^t x is dropped, elsewhere/);
    const late = versioned(
      ["x: int, y: text(9), w: dropped(int)", "x: int, y: text(9)"],
      "migrate: {drop: {s: [w]}}\n",
    );
    expect(problem(OLD, late)).toMatch(/^w is not in the version before, or not changed/);
    const key = OLD.replace("s: {key: {id: id}", "s: {key: {who: id}");
    expect(problem(OLD, key.replace("title: 甲\n", "title: 甲\nmigrate: {rename: {s: {id: who}}}\n"))).toBe("");
  });

  it("R306: an enum grows at its end and becomes no other type; no other type becomes one", () => {
    const to = (before: string, after: string) =>
      problem(versioned([`x: ${before}`, "y: int"]), versioned([`x: ${after}`, "y: int"]));
    expect([to('"enum(a,b)"', '"enum(a,b,c)"'), to("text(9)", "text(9)")]).toEqual(["", ""]);
    for (const [before, after] of [
      ['"enum(a,b)"', '"enum(b,a)"'],
      ['"enum(a,b)"', '"enum(a)"'],
      ['"enum(a,b)"', "text(9)"],
      ["text(9)", '"enum(a,b)"'],
      ['"enum(a,b)"', "int"],
      ["int", '"enum(a,b)"'],
      ["text(9)", "text(10)"],
    ] as const)
      expect([before, after, to(before, after)]).toEqual([before, after, expect.stringContaining("of another type")]);
  });

  it("R306: indexes stay as they are, each by its name and columns; a table that has none gets none", () => {
    const indexed = (index: string) => OLD.replace("y: text(9)}}", `y: text(9)}${index}}`);
    const two = ", index: {i: [x], j: [y]}";
    expect(problem(indexed(two), indexed(two))).toBe("");
    expect(problem(indexed(""), indexed(two))).toMatch(/^s i is new/);
    expect(problem(indexed(two), indexed(", index: {i: [x], j: [x]}"))).toMatch(/^s j is new/);
  });

  it("R306: a number that was set must fit the new version, also when it is the only one", () => {
    const chain = new TestChain(genesisWith([], [{ id: "root", organisation: "government", roles: ["admin"] }]));
    const run = (action: string, args: Readonly<Record<string, string | number>>) =>
      chain.run(1, "root", [{ contract: "governance", action, args }]).ruleId;
    const source = (max: number) =>
      `rules: 1\ncontract: c\ntitle: 甲\nsettings: {cap: {type: int(0..${max}), value: 1}}\nactions: {a: {by: [clerk], params: {n: int}, require: [{if: p.n < settings.cap, else: 不行}], do: [{emit: {e: {n: p.n}}}]}}\n`;
    expect(run("deploy", { name: "c", source: source(50) })).toBe("");
    expect(run("add_setting", { contract: "c", name: "cap", value: 30 })).toBe("");
    expect(run("deploy", { name: "c", source: source(29) })).toBe("governance.deploy.do[0].upgrade");
    expect(run("deploy", { name: "c", source: source(31) })).toBe("");
  });

  it("R306: in the block in which a version is deployed, a number that only it takes can be set", () => {
    const chain = new TestChain(genesisWith([], [{ id: "root", organisation: "government", roles: ["admin"] }]));
    const source = (max: number) =>
      `rules: 1\ncontract: c\ntitle: 甲\nsettings: {cap: {type: int(0..${max}), value: 1}}\nactions: {a: {by: [clerk], params: {n: int}, require: [{if: p.n < settings.cap, else: 不行}], do: [{emit: {e: {n: p.n}}}]}}\n`;
    const call = (action: string, args: Readonly<Record<string, string | number>>) =>
      transaction("root", [{ contract: "governance", action, args }]);
    chain.block(1, [call("deploy", { name: "c", source: source(9) })]);
    chain.block(2, []);
    const { receipts } = chain.block(3, [
      call("deploy", { name: "c", source: source(50) }),
      call("add_setting", { contract: "c", name: "cap", value: 30 }),
    ]);
    expect(receipts.map(({ ruleId }) => ruleId)).toEqual(["", ""]);
  });

  it("R306: of five seats not one is replaced while another one leaves", () => {
    const chain = new TestChain(genesisWith([], [{ id: "root", organisation: "government", roles: ["admin"] }]));
    const call = (action: string, args: Readonly<Record<string, Uint8Array | string | number>> = {}) =>
      transaction("root", [{ contract: "governance", action, args }]);
    chain.block(1, [call("add_seat", { index: 4, key: keyOf(50), peer: "peer-5" })]);
    const { receipts } = chain.block(2, [
      transaction("root", [
        { contract: "governance", action: "remove_last_seat", args: {} },
        { contract: "governance", action: "replace_seat", args: { index: 0, key: keyOf(60), peer: "peer-6" } },
      ]),
    ]);
    expect(receipts.map(({ ruleId, values }) => [ruleId, ...values.map(([, value]) => value)])).toEqual([
      ["governance.validators", "SEATS_CHANGED", 2, 1],
    ]);
  });
});
