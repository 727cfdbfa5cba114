// One suite for every key-value store: what the port promises, on the real one and on the fake.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareBytes, toHex } from "../../src/ledger/hash.ts";
import type { KeyValueStore, WriteOperation } from "../../src/ports.ts";
import { openLevelStore } from "../../src/store/level-store.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";

const WHOLE = { from: Uint8Array.of(0), to: Uint8Array.of(0xff, 0xff), limit: 1_000 };

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function put(key: Uint8Array, value: Uint8Array): WriteOperation {
  return { kind: "put", key, value };
}

function remove(key: Uint8Array): WriteOperation {
  return { kind: "delete", key };
}

describe.each(["LevelDB", "memory"])("key-value store: %s", (kind) => {
  let directory: string;
  let store: KeyValueStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "linli-store-"));
    store = kind === "memory" ? new MemoryStore() : await openLevelStore(join(directory, "ledger"));
  });

  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  it("D10: gives back what was put, nothing for what was not, and nothing after a delete", async () => {
    await store.write([put(bytes(1), bytes(10)), put(bytes(2), bytes())], { sync: true });
    expect(store.get(bytes(1))).toEqual(bytes(10));
    expect(store.get(bytes(2))).toEqual(bytes());
    expect(store.get(bytes(3))).toBeUndefined();
    await store.write([remove(bytes(1)), remove(bytes(3))], { sync: false });
    expect(store.get(bytes(1))).toBeUndefined();
  });

  it("D11: operations on one key apply in order", async () => {
    await store.write([put(bytes(1), bytes(1)), remove(bytes(1)), put(bytes(1), bytes(2))], { sync: false });
    expect(store.get(bytes(1))).toEqual(bytes(2));
    await store.write([put(bytes(1), bytes(3)), remove(bytes(1))], { sync: false });
    expect(store.get(bytes(1))).toBeUndefined();
  });

  it("D12: a scan is in byte order, from inclusive, to exclusive, limited, and backwards when asked", async () => {
    const keys = [bytes(1), bytes(1, 0), bytes(1, 255), bytes(2), bytes(2, 0), bytes(255)];
    await store.write(keys.map((key) => put(key, key)).reverse(), { sync: false });
    const range = { from: bytes(1, 0), to: bytes(2, 0), limit: 10 };
    const found = await store.scan(range);
    expect(found.map(([key]) => toHex(key))).toEqual(["0100", "01ff", "02"]);
    expect((await store.scan({ ...range, limit: 2 })).map(([key]) => toHex(key))).toEqual(["0100", "01ff"]);
    const backwards = await store.scan({ ...range, limit: 2, reverse: true });
    expect(backwards.map(([key]) => toHex(key))).toEqual(["02", "01ff"]);
    expect(await store.scan({ from: bytes(3), to: bytes(4), limit: 10 })).toEqual([]);
  });

  it("D13: a snapshot does not see later writes, and lives until it is released", async () => {
    await store.write([put(bytes(1), bytes(1)), put(bytes(2), bytes(2))], { sync: false });
    const snapshot = store.snapshot();
    await store.write([put(bytes(1), bytes(9)), remove(bytes(2)), put(bytes(3), bytes(3))], { sync: true });
    expect(snapshot.get(bytes(1))).toEqual(bytes(1));
    expect(snapshot.get(bytes(3))).toBeUndefined();
    expect(await snapshot.scan(WHOLE)).toEqual([
      [bytes(1), bytes(1)],
      [bytes(2), bytes(2)],
    ]);
    await snapshot.release();
    expect(store.get(bytes(1))).toEqual(bytes(9));
  });

  it("D14: what was written does not change with the caller's buffers, and is a plain Uint8Array", async () => {
    const key = bytes(1);
    const value = bytes(7, 7);
    await store.write([put(key, value)], { sync: false });
    key.fill(9);
    value.fill(9);
    const found = store.get(bytes(1));
    expect(found).toEqual(bytes(7, 7));
    expect(found?.constructor).toBe(Uint8Array);
    const [row] = await store.scan(WHOLE);
    expect(row?.map((part) => part.constructor)).toEqual([Uint8Array, Uint8Array]);
  });

  it("D15: says so when it is closed", async () => {
    await store.close();
    expect(() => store.get(bytes(1))).toThrow("STORE_CLOSED");
    expect(() => store.snapshot()).toThrow("STORE_CLOSED");
    await expect(store.write([put(bytes(1), bytes(1))], { sync: false })).rejects.toThrow("STORE_CLOSED");
    await expect(store.scan(WHOLE)).rejects.toThrow("STORE_CLOSED");
  });

  it("D16: holds what a map would hold after any writes", async () => {
    const operation = fc.record({
      key: fc.uint8Array({ minLength: 1, maxLength: 3 }),
      value: fc.option(fc.uint8Array()),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(operation, { maxLength: 8 }), { maxLength: 6 }), async (batches) => {
        const old = await store.scan({ from: bytes(), to: bytes(0xff, 0xff, 0xff, 0xff), limit: 10_000 });
        await store.write(
          old.map(([key]) => remove(key)),
          { sync: false },
        );
        const model = new Map<string, readonly [Uint8Array, Uint8Array]>();
        for (const batch of batches) {
          await store.write(
            batch.map(({ key, value }) => (value === null ? remove(key) : put(key, value))),
            { sync: false },
          );
          for (const { key, value } of batch) {
            if (value === null) model.delete(toHex(key));
            else model.set(toHex(key), [key, value]);
          }
        }
        const expected = [...model.values()].sort(([left], [right]) => compareBytes(left, right));
        expect(await store.scan({ from: bytes(), to: bytes(0xff, 0xff, 0xff, 0xff), limit: 10_000 })).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});
