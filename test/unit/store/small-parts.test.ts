import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Level } from "level";
import { describe, expect, it } from "vitest";
import type { StateEntry } from "../../../src/ledger/types.ts";
import { sealValue, unsealValue } from "../../../src/store/checksum.ts";
import { rangeOf, readU64, stateKey, u64 } from "../../../src/store/keys.ts";
import { openLevelStore } from "../../../src/store/level-store.ts";
import { openSnapshots } from "../../../src/store/snapshots.ts";
import { StateCache } from "../../../src/store/state-cache.ts";

describe("checksums of stored values", () => {
  it("D45: gives back the value under its own key", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (key, value) => {
        expect(unsealValue(key, sealValue(key, value))).toEqual(value);
      }),
    );
  });

  it("D45: any changed bit, a cut, or another key is found", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.uint8Array(), fc.nat(), fc.nat(7), (key, value, at, bit) => {
        const sealed = sealValue(key, value);
        const changed = sealed.slice();
        const position = at % sealed.length;
        changed[position] = (changed[position] ?? 0) ^ (1 << bit);
        expect(unsealValue(key, changed)).toBeUndefined();
        expect(unsealValue(key, sealed.subarray(0, position))).toBeUndefined();
        expect(unsealValue(key.subarray(1), sealed)).toBeUndefined();
        // The last byte of the key does not become the first of the value.
        const moved = Uint8Array.from([...sealed.subarray(0, 8), key.at(-1) ?? 0, ...value]);
        expect(unsealValue(key.subarray(0, -1), moved)).toBeUndefined();
      }),
    );
  });

  it("D46: a value that LevelDB returns wrongly is an error with its key, in get and scan", async () => {
    const directory = await mkdtemp(join(tmpdir(), "linli-rot-"));
    const level = new Level<Uint8Array, Uint8Array>(directory, { keyEncoding: "view", valueEncoding: "view" });
    const sealed = sealValue(Uint8Array.of(1), Uint8Array.of(5, 6, 7));
    await level.put(Uint8Array.of(1), sealed.with(9, 66));
    await level.put(Uint8Array.of(2), sealed);
    await level.close();
    const store = await openLevelStore(directory);
    expect(() => store.get(Uint8Array.of(1))).toThrow(/STORE_CORRUPT.*key=01/);
    expect(() => store.get(Uint8Array.of(2))).toThrow(/STORE_CORRUPT.*key=02/);
    const whole = { from: Uint8Array.of(0), to: Uint8Array.of(9), limit: 9 };
    await expect(store.scan(whole)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    await store.close();
    await rm(directory, { recursive: true });
  });
});

describe("state cache", () => {
  function cacheOf(bytesMax: number): { readonly cache: StateCache; readonly loads: string[] } {
    const loads: string[] = [];
    const load = (key: Uint8Array): StateEntry | undefined => {
      loads.push([...key].join());
      return key[0] === 0 ? undefined : { value: key, lastHeight: 1 };
    };
    return { cache: new StateCache({ load, bytesMax }), loads };
  }

  it("D47: asks the store once for what is there, and once for what is not", () => {
    const { cache, loads } = cacheOf(10_000);
    for (let round = 0; round < 3; round += 1) {
      expect(cache.get(Uint8Array.of(7))).toEqual({ value: Uint8Array.of(7), lastHeight: 1 });
      expect(cache.get(Uint8Array.of(0))).toBeUndefined();
    }
    expect(loads).toEqual(["7", "0"]);
  });

  it("D47: shows a commit's writes and deletes at once", () => {
    const { cache, loads } = cacheOf(10_000);
    cache.get(Uint8Array.of(7));
    cache.get(Uint8Array.of(0));
    const writes = [
      { key: Uint8Array.of(7), value: undefined },
      { key: Uint8Array.of(0), value: Uint8Array.of(9) },
    ];
    cache.apply(writes, 12);
    expect(cache.get(Uint8Array.of(7))).toBeUndefined();
    expect(cache.get(Uint8Array.of(0))).toEqual({ value: Uint8Array.of(9), lastHeight: 12 });
    expect(loads.length).toBe(2);
  });

  it("D48: keeps what was used while half of its bytes were spent, and forgets what was not used for as long again", () => {
    // Four entries of 117 bytes spend half of it.
    const { cache, loads } = cacheOf(2 * 440);
    for (const name of [1, 2, 3, 4]) cache.get(Uint8Array.of(name));
    for (const name of [1, 5, 6]) cache.get(Uint8Array.of(name));
    loads.length = 0;
    for (const name of [2, 1, 5, 6]) cache.get(Uint8Array.of(name));
    expect(loads).toEqual([]);
    for (const name of [3, 4]) cache.get(Uint8Array.of(name));
    expect(loads).toEqual(["3", "4"]);
  });

  it("D48: what is rewritten again and again is paid for once", () => {
    const { cache, loads } = cacheOf(2 * 440);
    for (const name of [1, 2]) cache.get(Uint8Array.of(name));
    for (let height = 2; height < 50; height += 1)
      cache.apply([{ key: Uint8Array.of(1), value: Uint8Array.of(height) }], height);
    loads.length = 0;
    expect(cache.get(Uint8Array.of(1))).toEqual({ value: Uint8Array.of(49), lastHeight: 49 });
    cache.get(Uint8Array.of(2));
    expect(loads).toEqual([]);
  });
});

describe("rows in the cache", () => {
  it.each([
    { of: "long keys", keyBytes: 1024, valueBytes: 4, rowBytes: 1028 },
    { of: "values of little more than half a buffer", keyBytes: 8, valueBytes: 131_100, rowBytes: 256 << 10 },
  ])("D138: no more are kept than the bytes allow, of $of", ({ keyBytes, valueBytes, rowBytes }) => {
    const bytesMax = 8 << 20;
    let loads = 0;
    const load = (): StateEntry => {
      loads += 1;
      return { value: new Uint8Array(valueBytes), lastHeight: 1 };
    };
    const cache = new StateCache({ load, bytesMax });
    const keyOf = (row: number): Uint8Array => new Uint8Array(keyBytes).fill(row & 255, 0, 1).fill(row >> 8, 1, 2);
    // Each half lets one row in before it is found to be full.
    const rows = bytesMax / rowBytes + 2;
    for (let row = 0; row <= rows; row += 1) cache.get(keyOf(row));
    loads = 0;
    cache.get(keyOf(0));
    expect(loads).toBe(1);
  });

  it("D137: come back as they were last written, whatever their lengths, and what was read stays as it was", () => {
    const row = fc.record({
      name: fc.nat(5),
      value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
      height: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), (rows) => {
        const cache = new StateCache({ load: () => undefined, bytesMax: 1 << 20 });
        const expected = new Map<number, StateEntry>();
        const readings: (readonly [StateEntry, Uint8Array])[] = [];
        for (const { name, value, height } of rows) {
          cache.apply([{ key: Uint8Array.of(name), value }], height);
          if (value === undefined) expected.delete(name);
          else expected.set(name, { value, lastHeight: height });
          for (let each = 0; each <= 5; each += 1) {
            const entry = cache.get(Uint8Array.of(each));
            expect(entry).toEqual(expected.get(each));
            if (entry !== undefined) readings.push([entry, entry.value.slice()]);
          }
        }
        for (const [{ value }, then] of readings) expect(value).toEqual(then);
      }),
    );
  });

  it("D137: longer ones than a buffer holds have one of their own, and rows around them stay", () => {
    const cache = new StateCache({ load: () => undefined, bytesMax: 8 << 20 });
    const rows = [10, 300_000, 11, 262_128, 262_129, 12].map((length, index) => ({
      key: Uint8Array.of(index),
      value: new Uint8Array(length).fill(index + 1),
    }));
    cache.apply(rows, 3);
    for (const { key, value } of rows) expect(Buffer.compare(cache.get(key)?.value ?? key, value)).toBe(0);
  });
});

describe("the folder of snapshots", () => {
  it("D140: is opened beside what is not ours, and says what is wrong where it cannot be", async () => {
    const directory = await mkdtemp(join(tmpdir(), "linli-snapshots-"));
    const path = join(directory, "snapshots");
    await mkdir(join(path, "lost+found"), { recursive: true });
    expect((await openSnapshots(path)).heights).toEqual([]);
    const file = join(directory, "file");
    await writeFile(file, "");
    await expect(openSnapshots(file)).rejects.toThrow(/^STORE_OPEN_FAILED: path=.*file; check path, permissions/);
    await rm(directory, { recursive: true });
  });
});

describe("key table", () => {
  it("D49: numbers keep their order, and a range holds the keys with its prefix and no others", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (left, right) => {
        expect(readU64(u64(left))).toBe(left);
        expect(Math.sign(Buffer.compare(u64(left), u64(right)))).toBe(Math.sign(left - right));
      }),
    );
    const bytes = fc.uint8Array({ maxLength: 3, min: 254 });
    fc.assert(
      fc.property(bytes, bytes, (prefix, name) => {
        const { from, to } = rangeOf("state", prefix);
        const key = stateKey(name);
        const isInside = Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0;
        expect(isInside).toBe(Buffer.from(name.subarray(0, prefix.length)).equals(prefix));
      }),
    );
  });
});
