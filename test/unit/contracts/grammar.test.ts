// docs/contracts-grammar.ebnf against the parsers: what it makes they read, and what they know stands in it.
// The sentences are made by the file's own rules; nothing here repeats them.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Expression,
  parseExpression,
  parseIndexReference,
  parseRowReference,
  RESERVED_WORDS,
} from "../../../src/contracts/expression.ts";
import { SyntaxFault } from "../../../src/contracts/lexer.ts";
import { BOOL, KNOWN_TYPES, parseType } from "../../../src/contracts/types.ts";

const ROOT = new URL("../../../", import.meta.url);
const GRAMMAR = readFileSync(new URL("docs/contracts-grammar.ebnf", ROOT), "utf8").replaceAll(/\(\*[\s\S]*?\*\)/g, "");

// ---- reading EBNF ----

type Rule =
  | { kind: "terminal"; text: string }
  | { kind: "special" | "rule"; name: string }
  | { kind: "choice" | "sequence"; parts: Rule[] }
  | { kind: "option" | "repetition"; part: Rule };

function readGrammar(text: string): ReadonlyMap<string, Rule> {
  const tokens = [...text.matchAll(/\? [^?]+ \?|"[^"]*"|[A-Za-z_]\w*|[=,|;()[\]{}]/g)].map(([token]) => token);
  let at = 0;
  const take = (wanted: string) => {
    expect(tokens[at], `token ${at}`).toBe(wanted);
    at += 1;
  };
  const choice = (): Rule => {
    const parts = [sequence()];
    while (tokens[at] === "|") {
      at += 1;
      parts.push(sequence());
    }
    return parts.length === 1 ? parts[0]! : { kind: "choice", parts };
  };
  const sequence = (): Rule => {
    const parts = [atom()];
    while (tokens[at] === ",") {
      at += 1;
      parts.push(atom());
    }
    return { kind: "sequence", parts };
  };
  const inside = (close: string): Rule => {
    const rule = choice();
    take(close);
    return rule;
  };
  const atom = (): Rule => {
    const token = tokens[at] ?? "";
    at += 1;
    if (token === "(") return inside(")");
    if (token === "[") return { kind: "option", part: inside("]") };
    if (token === "{") return { kind: "repetition", part: inside("}") };
    if (token.startsWith('"')) return { kind: "terminal", text: token.slice(1, -1) };
    return token.startsWith("?") ? { kind: "special", name: token } : { kind: "rule", name: token };
  };
  const rules = new Map<string, Rule>();
  while (at < tokens.length) {
    const name = tokens[at] ?? "";
    at += 1;
    take("=");
    const rule = choice();
    take(";");
    rules.set(name, rule.kind === "sequence" && rule.parts[0]?.kind === "special" ? { kind: "special", name } : rule);
  }
  return rules;
}

const RULES = readGrammar(GRAMMAR);

function terminalsIn(rule: Rule): readonly string[] {
  switch (rule.kind) {
    case "terminal":
      return [rule.text];
    case "choice":
    case "sequence":
      return rule.parts.flatMap(terminalsIn);
    case "option":
    case "repetition":
      return terminalsIn(rule.part);
    default:
      return [];
  }
}

// ---- making sentences ----

const TOKENS: Readonly<Record<string, readonly string[]>> = {
  name: ["a", "m1", "_x", "caller", "Zeta_9"],
  integer: ["0", "7", "86400000", "0x1F"],
  text: ['"a"', "'b \\n'", "r'\\d'", '"""three\nlines"""', '"业主"'],
  bytes: ['b"x"', "b'\\xff'"],
  size: ["1", "12", "64"],
};

/** Chooses by the numbers given; when they are used up, the way that ends soonest. */
function make(name: string, choices: readonly number[]): string {
  let next = 0;
  const pick = (count: number): number => {
    next += 1;
    return next > choices.length ? -1 : (choices[next - 1] ?? 0) % count;
  };
  const words: string[] = [];
  const write = (rule: Rule): void => {
    switch (rule.kind) {
      case "terminal":
        words.push(rule.text);
        return;
      case "special": {
        const tokens = TOKENS[rule.name] ?? [];
        words.push(tokens[Math.max(pick(tokens.length), 0)] ?? "");
        return;
      }
      case "rule":
        write(RULES.get(rule.name) ?? { kind: "terminal", text: `<${rule.name}>` });
        return;
      case "sequence":
        for (const part of rule.parts) write(part);
        return;
      case "choice": {
        const chosen = pick(rule.parts.length);
        write(rule.parts[chosen < 0 ? 0 : chosen]!);
        return;
      }
      case "option":
        if (pick(2) === 1) write(rule.part);
        return;
      case "repetition":
        for (let count = pick(4); count > 1; count -= 1) write(rule.part);
        return;
    }
  };
  write({ kind: "rule", name });
  return words.join(" ");
}

function isTooLarge(fault: unknown): boolean {
  return fault instanceof SyntaxFault && ["EXPRESSION_TOO_DEEP", "EXPRESSION_TOO_LARGE"].includes(fault.code);
}

function everySentence(rule: string, read: (text: string) => void, numRuns = 2000): void {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1000 }), { minLength: 40, maxLength: 160 }), (choices) => {
      const text = make(rule, choices);
      try {
        read(text);
      } catch (fault) {
        if (!isTooLarge(fault))
          throw new Error(`${text}: ${fault instanceof SyntaxFault ? fault.message : String(fault)}`);
      }
    }),
    // The same sentences every time: which kinds of node they have is asserted.
    { numRuns, seed: 184 },
  );
}

describe("docs/contracts-grammar.ebnf", () => {
  it("R184: every expression, read and type that the grammar makes is read by the parser", () => {
    const kinds = new Set<string>();
    const visit = (expression: Expression) => {
      kinds.add(expression.kind);
      for (const value of Object.values(expression))
        for (const part of Array.isArray(value) ? value : [value])
          if (typeof part === "object" && part !== null && "kind" in part) visit(part as Expression);
    };
    everySentence("expression", (text) => visit(parseExpression(text)), 6000);
    everySentence("row", (text) => parseRowReference(text));
    everySentence("group", (text) => parseIndexReference(text));
    everySentence("type", (text) => {
      const reading = parseType(text.replaceAll(" . ", "."), () => BOOL);
      const isForm = reading.ok || ["TYPE_BOUND", "TYPE_ENUM", "TYPE_TOO_DEEP"].includes(reading.code);
      if (!isForm) throw new Error(reading.message);
    });
    // Every node that the parser can make, apart from those of the test profile.
    expect([...kinds].sort()).toEqual(
      [
        "null",
        "bool",
        "int",
        "text",
        "bytes",
        "list",
        "name",
        "select",
        "has",
        "index",
        "call",
        "not",
        "negate",
        "binary",
        "conditional",
        "macro",
      ].sort(),
    );
  });

  it("R185: every sign, word, macro and type that the sources know stands in the grammar", () => {
    const terminals = new Set([...RULES.values()].flatMap(terminalsIn));
    const source = (name: string) => readFileSync(new URL(`src/contracts/${name}`, ROOT), "utf8");
    const two = /TWO_CHARACTER_SIGNS = new Set\(\[([^\]]+)\]/.exec(source("lexer.ts"))?.[1] ?? "";
    const one = /ONE_CHARACTER_SIGNS = new Set\(\[\.\.\."([^"]+)"/.exec(source("lexer.ts"))?.[1] ?? "";
    const macros = /const MACROS[^=]+= new Map\(\[([\s\S]+?)\]\);/.exec(source("expression.ts"))?.[1] ?? "";
    const names = (text: string) => [...text.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name);
    const signs = [...names(two), ...one];
    const words = [...RESERVED_WORDS].filter((word) => ["true", "false", "null", "in"].includes(word));
    const types = KNOWN_TYPES.map((type) => /^[a-z]+/.exec(type)?.[0] ?? "").filter((type) => type !== "table");
    expect(signs.length).toBeGreaterThan(20);
    expect(names(macros).length).toBeGreaterThan(4);
    // Contracts have no maps: { and } are read to say so.
    const all = [...signs.filter((sign) => !"{}".includes(sign)), ...words, ...names(macros), ...types, "has"];
    expect(all.filter((word) => !terminals.has(word))).toEqual([]);
  });

  it("R184: every rule is defined once and used", () => {
    const used = [...GRAMMAR.matchAll(/[a-z]+(?=\s*[,;|\])}])/g)].map(([name]) => name);
    const roots = ["expression", "row", "group", "type", "sentence"];
    expect([...RULES.keys()].filter((name) => !used.includes(name) && !roots.includes(name))).toEqual([]);
  });
});
