// config/contract.schema.json against the parser: what editors are told is what the check says about shapes.
// A document with every part of the language is changed key by key; both must judge each change alike.

import { readdirSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { Findings } from "../../../src/contracts/finding.ts";
import { parseDocument } from "../../../src/contracts/parse-document.ts";

const ROOT = new URL("../../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), "utf8");
const validate = new Ajv({ allErrors: true }).compile(JSON.parse(read("config/contract.schema.json")));
const LIBRARY = "src/contracts/library/";
const library = readdirSync(new URL(LIBRARY, ROOT)).filter(
  (name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"),
);

/** Every key that a document can have, once. */
const COMPLETE = `
rules: 1
contract: every-part
title: {zh: 全部, en: All}
law: {zh: 法, en: Law}
words: {t.a: {zh: 甲, en: a}, b: 乙}
settings: {n: 1, m: {title: 数, type: int, value: 2, unit: {zh: 天, en: days}, law: 法}}
imports:
  other-one: {t: {key: [id], fields: {a: int}, index: {by_a: [a]}}, u: {key: {id: id}, fields: {}}, actions: {go: {id: id}}}
accounts: ["escrow:", fund]
tables:
  t:
    title: 表
    key: {id: id}
    fields: {a: int, b: {type: count, default: 0}, s: "enum(x,y)", z: "enum(x,y)"}
    index: {by_a: [a]}
    always: [a >= 0, {if: b >= 0, else: 负数}]
    flow: {s: {x: [y]}, z: {new: [x], x: [y]}}
actions:
  act:
    title: {zh: 做, en: Do}
    law: 法
    by: [clerk]
    params: {id: id}
    read: {r: "t[p.id]", o?: "t[p.id]", l: {all: "t.by_a[1]", max: 3}}
    define: {d: r.a + 1}
    require: [{if: d > 0, else: {zh: 不可, en: No}}]
    do:
      - {when: d > 1, insert: t, row: {id: p.id, a: 0, s: '"x"', z: '"x"'}}
      - {update: r, set: {a: d}}
      - {delete: o}
      - {pay: {from: '"fund"', to: '"escrow:"', amount: 1}}
      - {call: other-one.go, with: {id: p.id}}
      - {emit: {said: {id: p.id}}}
      - {timer: {key: p.id, at: now, run: act, with: {id: p.id}}}
      - {cancel: p.id}
      - {deploy: {name: '"a"', source: '"b"', height: 1}}
      - {withdraw: '"a"'}
migrate: {rename: {t: {old: a}}, drop: {t: [gone]}, settings: [past]}
`;

const SHAPES = new Set(["FIELD_UNKNOWN", "FIELD_MISSING", "STATEMENT", "SHAPE", "RULES_VERSION", "NAME_INVALID"]);

function shapeFindings(source: string): readonly string[] {
  const findings = new Findings(source);
  parseDocument(source, findings);
  return findings
    .list()
    .filter(({ code }) => SHAPES.has(code))
    .map(({ code, message }) => `${code}: ${message}`);
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The document with one key renamed or left out, for every key there is. */
function* changes(
  json: Json,
  path: readonly string[] = [],
): Generator<readonly [what: string, change: (root: Json) => Json]> {
  if (Array.isArray(json)) for (const [index, item] of json.entries()) yield* changes(item, [...path, String(index)]);
  else if (typeof json === "object" && json !== null)
    for (const [key, value] of Object.entries(json)) {
      const at = [...path, key].join("/");
      yield [
        `${at} renamed`,
        (root) =>
          edited(root, path, (map) =>
            Object.fromEntries(Object.entries(map).map(([name, item]) => [name === key ? "zzz" : name, item])),
          ),
      ];
      yield [
        `${at} left out`,
        (root) => edited(root, path, (map) => Object.fromEntries(Object.entries(map).filter(([name]) => name !== key))),
      ];
      yield* changes(value, [...path, key]);
    }
}

function edited(root: Json, path: readonly string[], change: (map: { [key: string]: Json }) => Json): Json {
  const [head, ...rest] = path;
  if (head === undefined) return change(root as { [key: string]: Json });
  if (Array.isArray(root))
    return root.map((item, index) => (String(index) === head ? edited(item, rest, change) : item));
  return Object.fromEntries(
    Object.entries(root as { [key: string]: Json }).map(([key, value]) => [
      key,
      key === head ? edited(value, rest, change) : value,
    ]),
  );
}

describe("config/contract.schema.json", () => {
  it.each(library)("R186: %s of the library validates", (name) => {
    expect(validate(parse(read(LIBRARY + name))), JSON.stringify(validate.errors)).toBe(true);
  });

  it("R186: the document with every part validates and parses", () => {
    expect(shapeFindings(COMPLETE)).toEqual([]);
    expect(validate(parse(COMPLETE)), JSON.stringify(validate.errors)).toBe(true);
  });

  it("R187: whatever key is renamed or left out, schema and parser say the same about the shape", () => {
    const whole: Json = parse(COMPLETE);
    const all = [...changes(whole)];
    expect(all.length).toBeGreaterThan(200);
    const differences = all.flatMap(([what, change]) => {
      const json = change(structuredClone(whole));
      const findings = shapeFindings(stringify(json));
      const isValid = validate(json);
      return isValid === (findings.length === 0) ? [] : [`${what}: schema ${isValid}, parser ${findings.join("; ")}`];
    });
    expect(differences).toEqual([]);
  });

  it("R187: other shapes than a document has are refused by the schema, too", () => {
    const bad = [
      "[]",
      "rules: 2",
      "{rules: 1, contract: 9a, title: a, actions: {}}",
      "text",
      "{rules: 1, contract: a, title: [], actions: {}}",
    ];
    expect(bad.map((source) => validate(parse(source)))).toEqual(bad.map(() => false));
  });
});
