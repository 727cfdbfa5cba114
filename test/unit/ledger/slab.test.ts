import { describe, expect, it } from "vitest";
import { Slab } from "../../../src/ledger/slab.ts";
import { TimerIndex } from "../../../src/node/timer-index.ts";
import { StateCache } from "../../../src/store/state-cache.ts";

describe("a slab", () => {
  it("N241: its arrays are zeros that overlap none, and one longer than a quarter of it has a buffer of its own", () => {
    const slab = new Slab(64);
    const arrays = [16, 16, 0, 16, 15, 2, 16, 17].map((length) => slab.room(length));
    for (const [index, array] of arrays.entries()) {
      expect([...array]).toEqual(new Array(array.length).fill(0));
      array.fill(index + 1);
    }
    for (const [index, array] of arrays.entries()) expect(array.every((byte) => byte === index + 1)).toBe(true);
    const buffers = arrays.map(({ buffer }) => buffer);
    expect(new Set(buffers.slice(0, 5)).size).toBe(1);
    // What was left had room for one byte.
    expect(new Set(buffers.slice(4)).size).toBe(3);
    expect(buffers.map(({ byteLength }) => byteLength)).toEqual([64, 64, 64, 64, 64, 64, 64, 17]);
    const source = Uint8Array.of(1, 2, 3);
    const copy = slab.copyOf(source);
    source.fill(9);
    expect([...copy]).toEqual([1, 2, 3]);
  });

  it("N243: what outlives its block keeps none of the buffers that rows and keys of the block share", () => {
    for (const length of [8, 64, 65, 300]) {
      const slab = new Slab(4096);
      const write = {
        key: slab.copyOf(new Uint8Array(length).fill(1)),
        value: slab.copyOf(new Uint8Array(length).fill(2)),
      };
      const cache = new StateCache({ load: () => undefined, bytesMax: 1 << 20 });
      cache.apply([write], 7);
      const timers = new TimerIndex({
        isTimerKey: () => true,
        contractOf: () => "c",
        dueMs: () => 1,
        stoppedContract: () => undefined,
        stopEndMs: () => undefined,
      });
      timers.apply([write]);
      const [timer] = timers.due(1, 1);
      expect(timer).toEqual(write.key);
      expect(timer?.buffer.byteLength).toBe(length);
      write.value.fill(3);
      expect(cache.get(write.key)?.value).toEqual(new Uint8Array(length).fill(2));
    }
  });
});
