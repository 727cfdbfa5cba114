// One verdict wherever signatures are verified: inline in slices, or in worker threads.

import { afterAll, describe, expect, it, vi } from "vitest";
import { createVerifyPool } from "../../../src/node/verify-pool.ts";
import { signerOf, transaction } from "./support.ts";

const inline = createVerifyPool(0);
const threads = createVerifyPool(2);
afterAll(async () => {
  await inline.close();
  await threads.close();
});

const GOOD = Array.from({ length: 120 }, (_, nonce) => transaction({ nonce, signer: signerOf(1 + (nonce % 5)) }));

describe("verification of batches", () => {
  for (const [name, pool] of [
    ["inline", inline],
    ["in threads", threads],
  ] as const) {
    it(`N44: every signature is verified ${name}: one wrong one anywhere spoils the batch`, async () => {
      expect(await pool.verifyTransactions(GOOD)).toBe(true);
      for (const place of [0, 60, 119]) {
        const spoiled = GOOD.map((each, index) =>
          index === place ? { ...each, signatures: GOOD[(index + 1) % GOOD.length]!.signatures } : each,
        );
        expect(await pool.verifyTransactions(spoiled), `at ${place}`).toBe(false);
      }
      const missing = GOOD.map((each, index) => (index === 7 ? { ...each, signatures: [] } : each));
      expect(await pool.verifyTransactions(missing)).toBe(false);
    });

    it(`N45: many batches at once each get their own verdict ${name}`, async () => {
      const spoiled = [{ ...GOOD[0]!, signatures: GOOD[1]!.signatures }, ...GOOD.slice(1, 20)];
      const verdicts = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          pool.verifyTransactions(index % 3 === 0 ? spoiled : GOOD.slice(0, 20)),
        ),
      );
      expect(verdicts).toEqual(Array.from({ length: 20 }, (_, index) => index % 3 !== 0));
    });
  }

  it("N262: a thread that died, also while nobody waited, is told to whoever asks next", async () => {
    vi.resetModules();
    vi.doMock("../../../src/installation.ts", () => ({
      VERIFY_WORKER: new URL("data:text/javascript,throw new Error('no such thread')"),
    }));
    const pool = (await import("../../../src/node/verify-pool.ts")).createVerifyPool(1);
    const died = { code: "VERIFY_WORKER_FAILED" };
    try {
      await expect(pool.verifyTransactions(GOOD)).rejects.toMatchObject(died);
      await expect(pool.verifyTransactions(GOOD)).rejects.toMatchObject(died);
    } finally {
      vi.doUnmock("../../../src/installation.ts");
      await pool.close();
    }
  });
});
