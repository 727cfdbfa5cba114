// docs/errors.md against the sources: no code that somebody can meet is missing, and none is invented.

import { describe, expect, it } from "vitest";
import { RPC_CATALOGUE } from "../../../src/rpc/errors.ts";
import { document, typeScriptFiles } from "./sources.ts";

/** A code as the sources write it: a whole text of capitals with at least one underscore. */
const CODE = /"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g;
/** Codes of other people's programs that the sources only compare with. */
const FOREIGN = new Set(["LEVEL_CORRUPTION", "LEVEL_LOCKED", "BLOCK_FOLDED", "BLOCK_LITERAL"]);

describe("docs/errors.md", () => {
  const sources = typeScriptFiles("src", "bench");
  const listed = new Set([...document("docs/errors.md").matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, code = ""]) => code));

  it("lists every code that the sources throw", () => {
    const thrown = sources.flatMap(({ text }) =>
      [...text.matchAll(/new LedgerError\(\s*"([A-Z0-9_]+)"/g)].map(([, code = ""]) => code),
    );
    expect(thrown.length).toBeGreaterThan(50);
    expect([...new Set(thrown)].filter((code) => !listed.has(code))).toEqual([]);
  });

  it("lists every other code that the sources name: refusals, findings, reasons", () => {
    const named = sources.flatMap(({ text }) => [...text.matchAll(CODE)].map(([, code = ""]) => code));
    expect([...new Set(named)].filter((code) => !listed.has(code) && !FOREIGN.has(code))).toEqual([]);
  });

  it("lists every refusal that crosses the RPC border", () => {
    expect(Object.keys(RPC_CATALOGUE).filter((code) => !listed.has(code))).toEqual([]);
  });

  it("lists no code that the sources do not have", () => {
    const everything = sources.map(({ text }) => text).join("\n");
    expect([...listed].filter((code) => !everything.includes(code))).toEqual([]);
  });
});
