// The log as an operator's tools read it: one JSON line per message, with constant messages and fields.

import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { LedgerError } from "../../../src/errors.ts";
import { createLogger } from "../../../src/node/logger.ts";

function lines(
  level: "error" | "warn" | "info" | "debug",
  write: (log: ReturnType<typeof createLogger>) => void,
): Record<string, unknown>[] {
  const out = new PassThrough();
  write(createLogger({ level, name: "property-1" }, out));
  return String(out.read() ?? "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

describe("createLogger", () => {
  test("writes one JSON line per message, from its level on", () => {
    const written = lines("info", (log) => {
      log.debug("too fine");
      log.info("block committed", { height: 7 });
      log.error("node halted");
    });
    expect(written).toMatchObject([
      {
        level: "info",
        node: "property-1",
        message: "block committed",
        height: 7,
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      },
      { level: "error", node: "property-1", message: "node halted" },
    ]);
  });

  test("a text with line breaks stays on its line", () => {
    expect(lines("debug", (log) => log.debug("peer said", { text: 'a\n{"level":"error"}\u2028b' }))).toHaveLength(1);
  });

  test("an error is written with its message and stack", () => {
    const [line] = lines("warn", (log) =>
      log.warn("failed", { error: new LedgerError("STORE_CORRUPT", { height: 3 }) }),
    );
    expect(line).toMatchObject({ error: { message: "STORE_CORRUPT: height=3", stack: expect.any(String) } });
  });
});
