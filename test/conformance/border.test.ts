// The border between the language of contracts and the profile of these tests: nothing of the profile is reachable from a contract.
// It reads sources and calls the checker; the cases of cel-spec stand in conformance.test.ts.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkExpression } from "../../src/contracts/check-expression.ts";
import type { Expression } from "../../src/contracts/expression.ts";
import { Findings } from "../../src/contracts/finding.ts";
import { Scope, SlotCounter } from "../../src/contracts/scope.ts";
import { parseType } from "../../src/contracts/types.ts";

const SOURCE = join(import.meta.dirname, "..", "..", "src");
/** The files that offer the border; a dialect is an argument that none of their callers in src gives. */
const BORDER = ["check-expression.ts", "dialect.ts", "expression.ts", "lexer.ts"].map((name) => `contracts/${name}`);

/** Comments may name anything. */
function filesNaming(pattern: RegExp): readonly string[] {
  const codeOf = (path: string) => readFileSync(join(SOURCE, path), "utf8").replaceAll(/\/\*.*?\*\/|\/\/.*$/gm, "");
  return readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && pattern.test(codeOf(path)))
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
}

describe("R190: a contract has no dialect", () => {
  it("only the files of the border name one", () => {
    expect(filesNaming(/\bdialect\b/i)).toEqual(BORDER);
  });

  it("only the tests import the second way into the checker", () => {
    expect(filesNaming(/\bcheckNode\b/)).toEqual(["contracts/check-expression.ts"]);
  });

  it("a foreign part is our own fault without its dialect", () => {
    const foreign: Expression = { kind: "foreign", form: "double", names: ["1.5"], parts: [], at: 0, end: 3, depth: 1 };
    const scope = new Scope({ slots: new SlotCounter(), used: new Set() }, []);
    const context = { scope, findings: new Findings("1.5"), placeOf: (offset: number) => offset };
    expect(() => checkExpression(foreign, context)).toThrow(/R190/);
  });

  it.each(["double", "uint", "dyn", "null", "map(id, int)", "foreign", "any", "timestamp", "duration", "type"])(
    "no column, parameter or setting can be declared as %s",
    (text) => {
      expect(parseType(text, () => undefined)).toMatchObject({ ok: false, code: "TYPE_UNKNOWN" });
    },
  );
});
