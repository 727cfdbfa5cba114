// Token buckets and the book of addresses, on a clock of the test's own.

import { describe, expect, test } from "vitest";
import type { Clock } from "../../../src/ports.ts";
import { AddressBook, networkOf, TokenBucket } from "../../../src/rpc/rate-limit.ts";

function clockAt(): Clock & { ms: number } {
  return {
    ms: 0,
    nowMs: () => 0,
    monotonicMs() {
      return this.ms;
    },
    setTimer: () => () => {},
  };
}

describe("TokenBucket", () => {
  test("holds at most its burst and refills with its rate", () => {
    const clock = clockAt();
    const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, clock);
    expect([bucket.take(2), bucket.take(2), bucket.take(1), bucket.take(1)]).toEqual([true, false, true, false]);
    clock.ms = 500;
    expect([bucket.take(1), bucket.take(1)]).toEqual([true, false]);
    clock.ms = 1e9;
    expect([bucket.take(3), bucket.take(1)]).toEqual([true, false]);
  });

  test("a cost above the burst needs a full bucket, so that it is rare but not impossible", () => {
    const clock = clockAt();
    const bucket = new TokenBucket({ perSecond: 1, burst: 3 }, clock);
    expect([bucket.take(100), bucket.take(100)]).toEqual([true, false]);
    clock.ms = 3_000;
    expect(bucket.take(100)).toBe(true);
  });
});

describe("AddressBook", () => {
  const limits = { requests: { perSecond: 1, burst: 2 }, addressesMax: 3 };

  test("one address has one use, whatever is asked in between", () => {
    const book = new AddressBook(limits, clockAt());
    const first = book.use("10.0.0.1");
    book.use("10.0.0.2");
    expect(book.use("10.0.0.1")).toBe(first);
    expect(book.size).toBe(2);
  });

  test("A9: never keeps more addresses than its limit; those in use are kept", () => {
    const book = new AddressBook(limits, clockAt());
    const busy = ["10.0.0.1", "10.0.0.2"].map((address) => book.use(address));
    for (const use of busy) if (use !== undefined) use.connections += 1;
    for (let index = 0; index < 1_000; index += 1) expect(book.use(`10.1.0.${index}`)).toBeDefined();
    expect(book.size).toBe(3);
    expect(book.use("10.0.0.1")).toBe(busy[0]);
    const third = book.use("10.1.0.999");
    if (third !== undefined) third.openCalls += 1;
    expect(book.use("10.9.9.9")).toBeUndefined();
  });
});

describe("networkOf", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2:ffff::1", "2001:db8:1:2"],
    ["2001:0db8:0001:0002::1", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["", ""],
  ])("%s counts as %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
