import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { valueHashOf } from "../../../src/ledger/format-receipt.ts";
import { compareBytes, EMPTY_BYTES, toHex } from "../../../src/ledger/hash.ts";
import type { StateEntry, StateReader } from "../../../src/ledger/types.ts";
import { Overlay } from "../../../src/state/overlay.ts";

const HEIGHT = 9;
const A = Uint8Array.of(1);
const B = Uint8Array.of(1, 0);
const C = Uint8Array.of(2);

function value(seed: number): Uint8Array {
  return Uint8Array.of(seed);
}

function readerOf(rows: readonly (readonly [key: Uint8Array, entry: StateEntry])[]): StateReader {
  const map = new Map(rows.map(([key, entry]) => [toHex(key), entry]));
  return { get: (key) => map.get(toHex(key)) };
}

const BASE = readerOf([
  [A, { value: value(10), lastHeight: 4 }],
  [C, { value: value(30), lastHeight: 5 }],
]);

describe("overlay", () => {
  it("T13: reads its own writes, else the committed state, which it never changes", () => {
    const overlay = new Overlay({ base: BASE, height: HEIGHT });
    overlay.put(A, value(11));
    overlay.delete(C);
    expect(overlay.get(A)).toEqual({ value: value(11), lastHeight: HEIGHT });
    expect(overlay.get(B)).toBeUndefined();
    expect(overlay.get(C)).toBeUndefined();
    expect(BASE.get(A)).toEqual({ value: value(10), lastHeight: 4 });
    expect(BASE.get(C)?.value).toEqual(value(30));
  });

  it("T14: a refused transaction leaves nothing: revertTo restores values, heights and the list of writes", () => {
    const overlay = new Overlay({ base: BASE, height: HEIGHT });
    overlay.put(B, value(1));
    const mark = overlay.mark();
    overlay.put(A, value(2));
    overlay.put(B, value(3));
    overlay.delete(C);
    overlay.revertTo(mark);
    expect(overlay.get(A)).toEqual({ value: value(10), lastHeight: 4 });
    expect(overlay.get(C)).toEqual({ value: value(30), lastHeight: 5 });
    expect(overlay.writes()).toEqual([{ key: B, value: value(1), valueHash: valueHashOf(value(1)) }]);
    expect(overlay.changesSince(mark)).toEqual([]);
  });

  it("T1: refuses a mark that was undone or never taken", () => {
    const overlay = new Overlay({ base: BASE, height: HEIGHT });
    overlay.put(A, value(1));
    const mark = overlay.mark();
    overlay.revertTo(0);
    expect(() => overlay.revertTo(mark)).toThrow("T1");
    expect(() => overlay.changesSince(mark)).toThrow("T1");
    expect(() => overlay.revertTo(-1)).toThrow("T1");
  });

  it("T15: changes since a mark come in key order with the height of the write before it", () => {
    const overlay = new Overlay({ base: BASE, height: HEIGHT });
    overlay.put(B, value(1));
    const mark = overlay.mark();
    overlay.put(C, value(2));
    overlay.put(B, value(3));
    overlay.put(B, value(4));
    overlay.delete(A);
    expect(overlay.changesSince(mark)).toEqual([
      { key: A, valueHash: EMPTY_BYTES, previousHeight: 4 },
      { key: B, valueHash: valueHashOf(value(4)), previousHeight: HEIGHT },
      { key: C, valueHash: valueHashOf(value(2)), previousHeight: 5 },
    ]);
  });

  it("T15: a key that came and went is no change; one written with its old value is", () => {
    const overlay = new Overlay({ base: BASE, height: HEIGHT });
    overlay.put(B, value(1));
    overlay.delete(B);
    overlay.delete(Uint8Array.of(99));
    overlay.put(A, value(10));
    const valueHash = valueHashOf(value(10));
    expect(overlay.changesSince(0)).toEqual([{ key: A, valueHash, previousHeight: 4 }]);
    expect(overlay.writes()).toEqual([{ key: A, value: value(10), valueHash }]);
  });

  it("N242: what is settled is undone by no mark, and what comes after it alone is", () => {
    const overlay = new Overlay({ base: BASE, height: HEIGHT });
    overlay.put(A, value(1));
    const before = overlay.mark();
    overlay.put(B, value(2));
    overlay.settle();
    expect(() => overlay.revertTo(before)).toThrow("T1");
    expect(() => overlay.changesSince(before)).toThrow("T1");
    const mark = overlay.mark();
    overlay.put(B, value(3));
    overlay.delete(A);
    expect(overlay.changesSince(mark).map(({ previousHeight }) => previousHeight)).toEqual([HEIGHT, HEIGHT]);
    overlay.revertTo(mark);
    expect(overlay.writes().map((write) => write.value)).toEqual([value(1), value(2)]);
  });

  it("T16: writes and undos in any order leave what a plain map would hold", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant("put" as const), key: fc.nat(5), seed: fc.nat(255) }),
        fc.record({ kind: fc.constant("delete" as const), key: fc.nat(5) }),
        fc.record({ kind: fc.constant("mark" as const) }),
        fc.record({ kind: fc.constant("revert" as const), mark: fc.nat(20) }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        const overlay = new Overlay({ base: BASE, height: HEIGHT });
        let model = new Map<number, number | undefined>();
        let marks: { readonly mark: number; readonly model: typeof model }[] = [];
        for (const step of list) {
          if (step.kind === "put") {
            overlay.put(Uint8Array.of(step.key), value(step.seed));
            model.set(step.key, step.seed);
          } else if (step.kind === "delete") {
            overlay.delete(Uint8Array.of(step.key));
            model.set(step.key, undefined);
          } else if (step.kind === "mark") marks.push({ mark: overlay.mark(), model: new Map(model) });
          else {
            const target = marks[step.mark % Math.max(1, marks.length)];
            if (target === undefined) continue;
            overlay.revertTo(target.mark);
            model = new Map(target.model);
            marks = marks.slice(0, marks.indexOf(target) + 1);
          }
        }
        const expected = [...model]
          .filter(([key, seed]) => seed !== undefined || BASE.get(Uint8Array.of(key)) !== undefined)
          .map(([key, seed]) => {
            const bytes = seed === undefined ? undefined : value(seed);
            return { key: Uint8Array.of(key), value: bytes, valueHash: bytes && valueHashOf(bytes) };
          })
          .sort((left, right) => compareBytes(left.key, right.key));
        expect(overlay.writes()).toEqual(expected);
      }),
    );
  });
});
