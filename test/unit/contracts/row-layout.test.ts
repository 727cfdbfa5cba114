// Rows of one table: what stands in the state when some columns changed, and what is read of it.
// How bytes are put together is tested with row-bytes.

import { describe, expect, it } from "vitest";
import { RowLayout } from "../../../src/contracts/row-layout.ts";
import { integerType, textType } from "../../../src/contracts/types.ts";
import { encode, type Value } from "../../../src/ledger/codec.ts";
import type { StateEntry } from "../../../src/ledger/types.ts";

const text = (name: string) => ({ name, type: textType(8), typeText: "text(8)", defaultValue: undefined });
const number = (name: string) => ({ name, type: integerType(0n, 9n), typeText: "int", defaultValue: 7 });
const layout = new RowLayout({
  contract: "shop",
  name: "item",
  keyLength: 2,
  indexes: [],
  columns: [text("kind"), text("id"), number("a"), number("b"), number("c"), number("d"), number("e")],
});

describe("rows in the state", () => {
  it("R334: whichever columns changed, the bytes are those of the whole row", () => {
    const old: readonly Value[] = ["k", "x", 1, 2, 3, 4, 5];
    const before = encode(old.slice(2));
    for (let chosen = 0; chosen < 32; chosen += 1) {
      const assigned = old.map((_, column) => column >= 2 && (chosen & (1 << (column - 2))) !== 0);
      const row = old.map((value, column) => (assigned[column] === true ? 9 : value));
      expect(layout.encodeChanged(row, before, assigned)).toEqual(encode(row.slice(2)));
      expect(layout.encodeChanged(row, new Uint8Array(0), assigned)).toEqual(encode(row.slice(2)));
      expect(layout.decode(["k", "x"], layout.encode(row))).toEqual(row);
    }
  });

  it("R334: a row that is shorter or longer than the table has the table's columns", () => {
    expect(layout.decode(["k", "x"], encode([1, 2]))).toEqual(["k", "x", 1, 2, 7, 7, 7]);
    expect(layout.decode(["k", "x"], encode([1, 2, 3, 4, 5, 6]))).toEqual(["k", "x", 1, 2, 3, 4, 5]);
  });

  it("R336: a row that is kept is decoded once for its bytes and its whole key", () => {
    const entry: StateEntry = { value: encode([1, 2, 3, 4, 5]), lastHeight: 1 };
    const all = { get: () => entry };
    const row = layout.readKept(all, ["k", "x"]);
    expect(row).toEqual(["k", "x", 1, 2, 3, 4, 5]);
    expect(layout.readKept(all, ["k", "x"])).toBe(row);
    for (const key of [
      ["k", "y"],
      ["l", "x"],
      ["l", "y"],
    ])
      expect(layout.readKept(all, key)).toEqual([...key, 1, 2, 3, 4, 5]);
    expect(layout.readKept({ get: () => ({ value: encode([9, 2, 3, 4, 5]), lastHeight: 1 }) }, ["l", "y"])).toEqual([
      ...["l", "y"],
      ...[9, 2, 3, 4, 5],
    ]);
    expect(layout.readKept({ get: () => undefined }, ["k", "x"])).toBe(null);
  });
});
