// Golden bytes: a format that changes by accident fails here. They change only with a version, on purpose:
// LINLI_WRITE_VECTORS=1 npx vitest run test/unit/ledger/vectors.test.ts. Never written by an ordinary run.

import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fromHex } from "../../../src/ledger/hash.ts";
import { DECODERS, type GoldenVector, goldenVectors } from "./golden.ts";

const FILE = new URL("../../vectors/formats.json", import.meta.url);

if (process.env.LINLI_WRITE_VECTORS === "1") {
  writeFileSync(FILE, `${JSON.stringify(goldenVectors(), null, 2)}\n`);
}

const recorded = JSON.parse(readFileSync(FILE, "utf8")) as readonly GoldenVector[];

test("L39: every format still has the bytes and hashes that were recorded", () => {
  expect(goldenVectors()).toEqual(recorded);
});

test("L39: the recorded bytes decode", () => {
  const names = recorded.map((vector) => vector.name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(DECODERS)));
  for (const { name, bytes } of recorded) {
    const verdict = DECODERS[name]?.(fromHex(bytes) ?? new Uint8Array(0));
    expect(verdict === undefined || verdict.ok, name).toBe(true);
  }
});
