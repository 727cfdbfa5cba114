// What runs use, added up: every dimension by itself.
// What is charged for is tested elsewhere.

import { expect, it } from "vitest";
import { MeteredOverlay, noneUsed, TIMER_LIMITS } from "../../../src/contracts/metered-overlay.ts";
import { addUsage, BLOCK_LIMITS, NO_USAGE, TRANSACTION_LIMITS, usage } from "../../../src/contracts/usage.ts";
import { newOverlay } from "./support.ts";

it("R337: two usages together are their sum in every dimension", () => {
  const left = { units: 1, reads: 2, bytesRead: 3, writes: 4, bytesWritten: 5, events: 6, eventBytes: 7 };
  const right = { units: 10, reads: 20, bytesRead: 30, writes: 40, bytesWritten: 50, events: 60, eventBytes: 70 };
  const both = { units: 11, reads: 22, bytesRead: 33, writes: 44, bytesWritten: 55, events: 66, eventBytes: 77 };
  expect(addUsage(left, right)).toEqual(both);
  expect(addUsage(usage({ reads: 5 }), NO_USAGE)).toEqual({ ...NO_USAGE, reads: 5 });
});

it("R337: what is written counts with its key, what is deleted by its key, what is read by its value", () => {
  const metered = new MeteredOverlay(newOverlay());
  metered.put(new Uint8Array(3).fill(1), new Uint8Array(8));
  expect(metered.used).toEqual({ ...noneUsed(), writes: 1, bytesWritten: 11 });
  metered.delete(new Uint8Array(4).fill(2));
  expect(metered.used).toEqual({ ...noneUsed(), writes: 2, bytesWritten: 15 });
  expect(metered.get(new Uint8Array(5))).toBe(undefined);
  expect(metered.get(new Uint8Array(3).fill(1))?.value.length).toBe(8);
  expect(metered.used).toEqual({ ...noneUsed(), writes: 2, bytesWritten: 15, reads: 2, bytesRead: 8 });
});

it("R342: the limits of a transaction and of a block are the published ones, and timers have half of a block", () => {
  expect(TRANSACTION_LIMITS).toEqual({
    reads: 4096,
    bytesRead: 4_194_304,
    writes: 2048,
    bytesWritten: 1_048_576,
    events: 1024,
    eventBytes: 262_144,
  });
  expect(BLOCK_LIMITS).toEqual({
    reads: 262_144,
    bytesRead: 134_217_728,
    writes: 131_072,
    bytesWritten: 33_554_432,
    events: 65_536,
    eventBytes: 16_777_216,
  });
  expect(TIMER_LIMITS).toEqual({
    reads: 131_072,
    bytesRead: 67_108_864,
    writes: 65_536,
    bytesWritten: 16_777_216,
    events: 32_768,
    eventBytes: 8_388_608,
  });
});
