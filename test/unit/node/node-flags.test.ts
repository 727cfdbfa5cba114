// How Node is started for a node: the same in every place that starts one.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NODE_FLAGS, NODE_MEMORY } from "../../../src/node/devnet/processes.ts";

function textOf(path: string): string {
  return readFileSync(join(import.meta.dirname, "../../..", path), "utf8");
}

describe("the process of a node", () => {
  it("N233: devnet, command, npm and image start Node with the same flags and one heap for native memory, and the manual says so", () => {
    const flags = NODE_FLAGS.join(" ");
    expect(textOf("src/main.ts").split("\n", 1)).toEqual([`#!/usr/bin/env -S ${NODE_MEMORY} node ${flags}`]);
    expect(JSON.parse(textOf("package.json")).scripts.linli).toBe(
      `node build.ts && ${NODE_MEMORY} node ${flags} dist/main.js`,
    );
    expect(textOf("Dockerfile")).toMatch(new RegExp(`^ENV .*${NODE_MEMORY} `, "m"));
    expect(textOf("docs/operations.md")).toContain(`bin/node ${flags} dist/main.js start`);
    const [, entry = ""] = /^ENTRYPOINT (.*)$/m.exec(textOf("Dockerfile")) ?? [];
    expect(JSON.parse(entry)).toEqual(["node", ...NODE_FLAGS, "dist/main.js"]);
  });
});
